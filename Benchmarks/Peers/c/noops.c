/* SPDX-License-Identifier: Apache-2.0
 * TokenGate through its C API, against the installed library: c-peer w1 WAY COUNT warms up, measures once, prints the checksum
 * and the nanoseconds a task. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tokengate.h>

static void must(tg_status status, const char *what) {
    if (status == TG_OK) return;
    fprintf(stderr, "error: %s: %s\n", what, tg_status_message(status));
    exit(2);
}

static int32_t add_one(tg_context *context, void *argument, tg_result *result) {
    (void)context;
    result->value.u64 = (uint64_t)(uintptr_t)argument + 1;
    return 0;
}

/* One call a task, then one wait a task. */
static uint64_t one_by_one(tg_operation *operation, tg_token **tokens, size_t count) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        must(tg_submit(operation, (void *)(uintptr_t)i, NULL, &tokens[i], NULL), "tg_submit");
    for (size_t i = 0; i < count; i++) {
        tg_value value;
        must(tg_token_wait(tokens[i], TG_FOREVER, &value, NULL), "tg_token_wait");
        sum += value.u64;
    }
    must(tg_token_release_many(tokens, count), "tg_token_release_many");
    return sum;
}

/* One call for all tasks, one wait for all. The arguments are written inside the clock, as Swift's are. */
static uint64_t in_bulk(tg_operation *operation, tg_token **tokens, size_t count) {
    void **arguments = malloc(count * sizeof *arguments);
    if (arguments == NULL) exit(2);
    for (size_t i = 0; i < count; i++) arguments[i] = (void *)(uintptr_t)i;
    must(tg_submit_many(operation, arguments, count, NULL, tokens, NULL), "tg_submit_many");
    free(arguments);
    must(tg_token_wait_all(tokens, count, TG_FOREVER, NULL), "tg_token_wait_all");
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        tg_value value;
        must(tg_token_result(tokens[i], &value, NULL), "tg_token_result");
        sum += value.u64;
    }
    must(tg_token_release_many(tokens, count), "tg_token_release_many");
    return sum;
}

/* All into a completion queue, taken in hundreds. */
static uint64_t by_queue(tg_operation *operation, tg_token **tokens, size_t count) {
    (void)tokens;
    tg_completion_queue *queue;
    tg_submit_options options = TG_SUBMIT_OPTIONS_INIT;
    must(tg_completion_queue_create(&queue, NULL), "tg_completion_queue_create");
    options.queue = queue;
    for (size_t i = 0; i < count; i++)
        must(tg_submit(operation, (void *)(uintptr_t)i, &options, NULL, NULL), "tg_submit");
    uint64_t sum = 0;
    for (size_t taken = 0; taken < count;) {
        tg_completion completions[100];
        size_t now = 0;
        must(tg_completion_queue_take(queue, completions, 100, TG_FOREVER, &now, NULL), "tg_completion_queue_take");
        for (size_t i = 0; i < now; i++) {
            must(completions[i].status, "a task");
            sum += completions[i].value.u64;
            must(tg_token_release(completions[i].token), "tg_token_release");
        }
        taken += now;
    }
    must(tg_completion_queue_destroy(queue, NULL), "tg_completion_queue_destroy");
    return sum;
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int main(int count, char **words) {
    if (count == 2 && strcmp(words[1], "version") == 0) {
        printf("libtokengate\t%s\n", tg_version_string());
        return 0;
    }
    uint64_t (*work)(tg_operation *, tg_token **, size_t) = NULL;
    if (count == 4 && strcmp(words[1], "w1") == 0) {
        if (strcmp(words[2], "calls") == 0) work = one_by_one;
        if (strcmp(words[2], "bulk") == 0) work = in_bulk;
        if (strcmp(words[2], "queue") == 0) work = by_queue;
    }
    size_t tasks = work ? (size_t)strtoull(words[3], NULL, 10) : 0;
    if (tasks == 0) {
        fprintf(stderr, "usage: c-peer w1 calls|bulk|queue COUNT\n");
        return 2;
    }
    tg_token **tokens = calloc(tasks, sizeof *tokens);
    tg_coordinator *coordinator;
    tg_operation *operation;
    if (tokens == NULL) return 2;
    must(tg_coordinator_create(NULL, &coordinator, NULL), "tg_coordinator_create");
    must(tg_coordinator_start(coordinator, NULL), "tg_coordinator_start");
    must(tg_operation_create(coordinator, "noop", add_one, NULL, &operation, NULL), "tg_operation_create");
    (void)work(operation, tokens, tasks);
    int64_t begin = now();
    uint64_t sum = work(operation, tokens, tasks);
    printf("%" PRIu64 " %f\n", sum, (double)(now() - begin) / (double)tasks);
    must(tg_operation_destroy(operation, NULL), "tg_operation_destroy");
    must(tg_coordinator_stop(coordinator, 30 * TG_SECOND, NULL, NULL), "tg_coordinator_stop");
    must(tg_coordinator_destroy(coordinator, NULL), "tg_coordinator_destroy");
    free(tokens);
    return 0;
}
