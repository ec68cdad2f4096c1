/* SPDX-License-Identifier: Apache-2.0
 * Random sequences of calls: each byte of the input is a call or one of its arguments. Handles that were destroyed, or are of
 * another kind, are given on purpose; tokens are not, since one that is gone cannot be told. Every call must return; what it returns is
 * its own business. With -fsanitize=fuzzer it is driven by libFuzzer; with -DREPLAY it runs files, or random input of its own. */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tokengate.h>
#include <unistd.h>

enum { coordinators = 2, operations = 6, tokens = 12, queues = 2, subscriptions = 2 };

typedef struct world {
    const uint8_t *input, *end;
    tg_coordinator *coordinator[coordinators];
    tg_operation *operation[operations];
    tg_token *token[tokens];
    tg_completion_queue *queue[queues];
    tg_subscription *subscription[subscriptions];
} world;

static uint8_t next(world *self) { return self->input < self->end ? *self->input++ : 0; }
#define PICK(self, kind, count) (&(self)->kind[next(self) % (count)])

static atomic_long owned;
static void destroy(void *pointer) {
    free(pointer);
    atomic_fetch_sub(&owned, 1);
}
static void *own(void) {
    atomic_fetch_add(&owned, 1);
    return calloc(1, 16);
}

static _Atomic(tg_operation *) child;

/* Does what its argument's first byte says. */
static int32_t body(tg_context *context, void *argument, tg_result *result) {
    uint8_t what = argument ? *(uint8_t *)argument : 0;
    uint8_t seed[32];
    tg_token_id id;
    if (what & 1) result->value.pointer = own(), result->destroy = destroy;
    if (what & 2) {
        char hex[65];
        (void)tg_context_get_seed(context, seed), (void)tg_context_get_id(context, &id);
        (void)tg_context_get_seed_hex(context, hex), (void)tg_context_user_data(context);
        (void)tg_context_is_cancelled(context), (void)tg_context_is_draining(context);
        (void)tg_context_time_left(context), (void)tg_context_domain(context), (void)tg_context_attempt(context);
        if (tg_context_current() != context) abort();
    }
    if (what & 4) {
        tg_token *token = NULL;
        tg_operation *operation = atomic_load(&child);
        if (operation && tg_submit(operation, NULL, NULL, &token, NULL) == TG_OK) {
            if (what & 8) (void)tg_token_wait(token, TG_MILLISECOND, NULL, NULL);
            (void)tg_token_release(token);
        }
    }
    return what & 16 ? 3 : 0;
}

static void on_settled(tg_token *token, void *user_data) {
    (void)user_data;
    (void)tg_token_state(token);
    (void)tg_token_kill(token, NULL);
}
static void on_event(const tg_event *event, void *user_data) { (void)event, (void)user_data; }

static void on_record(const tg_execution_record *record, void *user_data) {
    *(size_t *)user_data += strlen(record->operation_type) + (record->error ? strlen(record->error) : 0);
}

static int32_t is_retryable(int32_t body_status, const tg_value *value, void *user_data) {
    (void)value, (void)user_data;
    return body_status & 1;
}

/* A time that passes, one that does not, none, a wrong one. */
static int64_t time_of(uint8_t byte) {
    static const int64_t times[] = {0, 1, TG_MILLISECOND, 3600 * TG_SECOND, TG_FOREVER, -1, 1000, 0};
    return times[byte % 8];
}

static void create_operation(world *self) {
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    tg_retry_policy retry = TG_RETRY_POLICY_INIT;
    tg_rate_limit rate = TG_RATE_LIMIT_INIT;
    tg_circuit_breaker breaker = TG_CIRCUIT_BREAKER_INIT;
    tg_coordinator *coordinator = *PICK(self, coordinator, coordinators);
    tg_operation **place = PICK(self, operation, operations);
    const char *calls[] = {"child", ""};
    char name[4] = {(char)('a' + next(self) % 4), 0};
    options.weight = next(self) % 5;
    options.storage = next(self) % 6;
    options.anchor_mode = next(self) % 4;
    options.ordered = next(self) % 3;
    if (next(self) & 1) options.anchor = "key", options.anchor_size = next(self) % 4;
    if (next(self) & 1) options.external_calls = calls, options.external_call_count = next(self) % 3;
    uint8_t bits = next(self);
    if (bits & 1) options.user_data = own(), options.destroy_user_data = destroy;
    if (bits & 2) {
        retry.attempts = next(self) % 8 - 1;
        retry.back_off = next(self) % 5;
        retry.delay = time_of(next(self));
        retry.longest_delay = time_of(next(self));
        retry.jitter = (next(self) % 8 - 2) / 4.0;
        retry.deadline = time_of(next(self));
        if (bits & 64) retry.is_retryable = is_retryable;
        options.retry = &retry;
    }
    if (bits & 4) {
        rate.per_second = next(self) * 100.0;
        rate.burst = next(self) % 5 - 1;
        options.rate = &rate;
    }
    if (bits & 8) {
        breaker.failure_rate = (next(self) % 8 - 2) / 5.0;
        breaker.minimum_runs = next(self) % 5 - 1;
        breaker.cool_down = time_of(next(self));
        breaker.window = time_of(next(self));
        breaker.probes = next(self) % 4;
        options.breaker = &breaker;
    }
    if (bits & 16) {
        options.timeout = time_of(next(self));
        options.queue_timeout = time_of(next(self));
        options.run_timeout = time_of(next(self));
    }
    if (bits & 32) {
        uint8_t limits = next(self);
        options.priority = next(self) % 5;
        if (limits & 1) options.concurrency = next(self) % 5 - 1;
        if (limits & 2) options.capacity = next(self) % 6 - 1;
        if (limits & 4) options.overload = next(self) % 5;
        if (limits & 8) options.anchor_at_once = next(self) % 5 - 1;
    }
    tg_operation *made = NULL;
    if (tg_operation_create(coordinator, name, body, &options, &made, NULL) == TG_OK) {
        (void)tg_operation_destroy(*place, NULL);
        *place = made;
    }
}

/* What a call asks for beyond a place to run. */
static void ask(world *self, tg_submit_options *options) {
    static const char key[] = "keys\0of\xff\xfe";
    uint8_t bits = next(self);
    if (bits & 1) options->delay = time_of(next(self));
    if (bits & 2) options->timeout = time_of(next(self));
    if (bits & 4) options->key = key + next(self) % 3, options->key_size = next(self) % 8;
    if (bits & 8) {
        options->after = self->token + next(self) % (tokens - 1);
        options->after_count = next(self) % 3;
        options->after_failure = next(self) % 4;
    }
}

static void submit(world *self) {
    tg_submit_options options = TG_SUBMIT_OPTIONS_INIT;
    tg_operation *operation = *PICK(self, operation, operations);
    tg_token **place = PICK(self, token, tokens);
    uint8_t bits = next(self);
    uint8_t *argument = own();
    argument[0] = next(self);
    options.destroy_argument = destroy;
    if (bits & 1) options.anchor = "anchor", options.anchor_size = bits >> 5;
    if (bits & 2) options.queue = *PICK(self, queue, queues);
    if (bits & 4) options.on_settled = on_settled;
    if (bits & 8) options.user_data = own(), options.destroy_user_data = destroy;
    if (argument[0] & 32) options.place_timeout = TG_MILLISECOND;
    if (argument[0] & 64) ask(self, &options);
    tg_token *made = NULL;
    if (tg_submit(operation, argument, &options, bits & 16 ? NULL : &made, NULL) == TG_OK && made) {
        (void)tg_token_release(*place);
        *place = made;
    }
}

static void take(world *self) {
    tg_completion completions[4];
    size_t count = 0;
    if (tg_completion_queue_take(*PICK(self, queue, queues), completions, 1 + next(self) % 4, next(self), &count, NULL) == TG_OK)
        for (size_t i = 0; i < count; i++) (void)tg_token_release(completions[i].token);
}

static void step(world *self) {
    tg_error error = TG_ERROR_INIT;
    tg_config config = TG_CONFIG_INIT;
    tg_statistics statistics = TG_STATISTICS_INIT;
    char *text = NULL;
    tg_coordinator *coordinator, **coordinator_place;
    tg_completion_queue **queue_place;
    tg_subscription **subscription_place;
    tg_operation **operation_place;
    switch (next(self) % 39) {
    case 0:
        coordinator_place = PICK(self, coordinator, coordinators);
        config.maximum_domains = next(self) % 3;
        config.workers_per_core = next(self) % 5;
        config.storage_limit_slow = next(self) % 3;
        config.pin_mode = next(self) % 3;
        config.capacity = next(self) % 6;
        config.overload = next(self) % 5;
        config.history_capacity = next(self) % 7;
        config.aging_time = time_of(next(self));
        config.wait_cycle_time = time_of(next(self));
        config.adaptation = next(self) % 4;
        coordinator = NULL;
        if (tg_coordinator_create(&config, &coordinator, &error) == TG_OK) {
            (void)tg_coordinator_destroy(*coordinator_place, NULL);
            *coordinator_place = coordinator;
        }
        break;
    case 1: (void)tg_coordinator_start(*PICK(self, coordinator, coordinators), &error); break;
    case 2: (void)tg_coordinator_stop(*PICK(self, coordinator, coordinators), next(self) * 10000, NULL, &error); break;
    case 3:
        coordinator_place = PICK(self, coordinator, coordinators);
        (void)tg_coordinator_destroy(*coordinator_place, NULL); /* and keep the handle */
        break;
    case 4: create_operation(self); break;
    case 5: (void)tg_operation_destroy(*PICK(self, operation, operations), &error); break;
    case 6:
    case 7:
    case 8:
    case 9: submit(self); break;
    case 10: (void)tg_token_wait(*PICK(self, token, tokens), next(self) * 1000, NULL, &error); break;
    case 11: (void)tg_token_kill(*PICK(self, token, tokens), NULL); break;
    case 12: (void)tg_token_wait_all(self->token, next(self) % tokens, next(self) * 1000, &error); break;
    case 13: (void)tg_coordinator_pause(*PICK(self, coordinator, coordinators), next(self) & 1 ? "a" : NULL, NULL, &error); break;
    case 14: (void)tg_coordinator_resume(*PICK(self, coordinator, coordinators), next(self) & 1 ? "a" : NULL, NULL, &error); break;
    case 15: (void)tg_coordinator_kill(*PICK(self, coordinator, coordinators), next(self) & 1 ? "b" : NULL, NULL, &error); break;
    case 16: (void)tg_coordinator_discard(*PICK(self, coordinator, coordinators), next(self) & 1 ? "b" : NULL, NULL, &error); break;
    case 17: (void)tg_coordinator_set_storage_limit(*PICK(self, coordinator, coordinators), next(self) % 6, next(self) % 4, &error); break;
    case 18:
        queue_place = PICK(self, queue, queues);
        (void)tg_completion_queue_destroy(*queue_place, &error);
        if (next(self) & 1) (void)tg_completion_queue_create(queue_place, &error);
        break;
    case 19: take(self); break;
    case 20: {
        tg_token *token = *PICK(self, token, tokens);
        (void)tg_completion_queue_add(*PICK(self, queue, queues), token, NULL, &error);
        break;
    }
    case 21:
        subscription_place = PICK(self, subscription, subscriptions);
        (void)tg_subscription_destroy(*subscription_place, &error);
        (void)tg_coordinator_subscribe(
            *PICK(self, coordinator, coordinators), on_event, own(), destroy, subscription_place, &error);
        break;
    case 22:
        (void)tg_coordinator_statistics(*PICK(self, coordinator, coordinators), &statistics, &error);
        if (tg_coordinator_statistics_json(*PICK(self, coordinator, coordinators), &text, &error) == TG_OK) tg_string_free(text);
        break;
    case 23:
        /* Kinds mixed up. */
        operation_place = PICK(self, operation, operations);
        (void)tg_coordinator_start((tg_coordinator *)(void *)*operation_place, &error);
        (void)tg_token_state((tg_token *)(void *)*operation_place);
        (void)tg_completion_queue_fd((tg_completion_queue *)(void *)*PICK(self, coordinator, coordinators));
        break;
    case 24: {
        tg_token *made[5] = {NULL};
        tg_submit_options options = TG_SUBMIT_OPTIONS_INIT;
        size_t count = next(self) % 6;
        if (next(self) & 1) options.anchor = "many", options.anchor_size = 4;
        if (next(self) & 1) options.queue = *PICK(self, queue, queues);
        if (next(self) & 1) ask(self, &options);
        if (tg_submit_many(*PICK(self, operation, operations), NULL, count, &options, made, &error) == TG_OK) {
            if (next(self) & 1) (void)tg_token_wait_all(made, count, TG_MILLISECOND, NULL);
            (void)tg_token_release_many(made, count);
        }
        break;
    }
    case 25: {
        tg_token *token = *PICK(self, token, tokens);
        if (tg_token_retain(token) == TG_OK) (void)tg_token_release(token);
        if (token && tg_token_attempts(token) < 0) abort();
        break;
    }
    case 26: {
        tg_value value;
        (void)tg_token_result(*PICK(self, token, tokens), &value, &error);
        break;
    }
    case 27: (void)tg_token_notify(*PICK(self, token, tokens), on_settled, own(), destroy, &error); break;
    case 28: {
        tg_token_id id;
        uint8_t seed[32];
        tg_token *token = *PICK(self, token, tokens);
        (void)tg_token_get_id(token, &id), (void)tg_token_get_seed(token, seed);
        break;
    }
    case 29:
        if (tg_coordinator_stop_json(*PICK(self, coordinator, coordinators), next(self) * 1000, &text, &error) == TG_OK) tg_string_free(text);
        break;
    case 30: {
        uint8_t mask[8];
        size_t needed = 0;
        (void)tg_coordinator_domain_cpus(*PICK(self, coordinator, coordinators), next(self) % 4, mask, next(self) % 9, &needed, &error);
        (void)tg_coordinator_phase(*PICK(self, coordinator, coordinators));
        break;
    }
    case 31: {
        uint64_t dropped = 0;
        (void)tg_subscription_dropped(*PICK(self, subscription, subscriptions), &dropped);
        break;
    }
    case 32: (void)tg_coordinator_block(*PICK(self, coordinator, coordinators), next(self) & 1 ? "a" : "b", NULL, &error); break;
    case 33: (void)tg_coordinator_unblock(*PICK(self, coordinator, coordinators), next(self) & 1 ? "a" : "b", NULL, &error); break;
    case 34: {
        tg_health health = TG_HEALTH_INIT;
        (void)tg_coordinator_health(*PICK(self, coordinator, coordinators), next(self) & 1 ? "a" : "", &health, &error);
        if (tg_coordinator_health_json(*PICK(self, coordinator, coordinators), next(self) & 1 ? "b" : NULL, &text, &error) == TG_OK)
            tg_string_free(text);
        break;
    }
    case 35: submit(self); break;
    case 36:
        (void)tg_coordinator_set_concurrency_limit(
            *PICK(self, coordinator, coordinators), next(self) & 1 ? "a" : "b", next(self) % 5 - 1, &error);
        break;
    case 37: {
        size_t length = 0, limit = next(self) & 1 ? SIZE_MAX : next(self) % 5;
        coordinator = *PICK(self, coordinator, coordinators);
        (void)tg_coordinator_history(coordinator, limit, on_record, &length, &error);
        if (tg_coordinator_history_json(coordinator, limit, &text, &error) == TG_OK) tg_string_free(text);
        /* Where no file can be made. */
        (void)tg_coordinator_dump_history(coordinator, next(self) & 1 ? "/proc/none/history.json" : "", limit, NULL, &error);
        break;
    }
    case 38:
        if (tg_token_status_json(*PICK(self, token, tokens), &text, &error) == TG_OK) tg_string_free(text);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    world self = {.input = data, .end = data + size};
    if (size > 400) return 0;
    if (tg_coordinator_create(NULL, &self.coordinator[0], NULL) != TG_OK) abort();
    (void)tg_coordinator_start(self.coordinator[0], NULL);
    if (tg_operation_create(self.coordinator[0], "child", body, NULL, &self.operation[0], NULL) != TG_OK) abort();
    atomic_store(&child, self.operation[0]);
    self.operation[0] = NULL; /* nobody else destroys it while bodies use it */
    while (self.input < self.end) step(&self);

    for (int i = 0; i < subscriptions; i++) (void)tg_subscription_destroy(self.subscription[i], NULL);
    for (int i = 0; i < coordinators; i++) {
        (void)tg_coordinator_resume(self.coordinator[i], NULL, NULL, NULL);
        (void)tg_coordinator_stop(self.coordinator[i], 100 * TG_MILLISECOND, NULL, NULL);
    }
    for (int i = 0; i < tokens; i++) {
        /* Whatever was submitted has settled by now, or its coordinator's handle was destroyed, which stops it. */
        if (self.token[i] && tg_token_wait(self.token[i], TG_FOREVER, NULL, NULL) == TG_E_INTERNAL) abort();
        (void)tg_token_release(self.token[i]);
    }
    for (int i = 0; i < queues; i++) (void)tg_completion_queue_destroy(self.queue[i], NULL);
    for (int i = 0; i < operations; i++) (void)tg_operation_destroy(self.operation[i], NULL);
    (void)tg_operation_destroy(atomic_exchange(&child, NULL), NULL);
    for (int i = 0; i < coordinators; i++) (void)tg_coordinator_destroy(self.coordinator[i], NULL);
    /* Everything that was handed over is destroyed, once; the last of it by threads that end a moment later. */
    for (int i = 0; i < 60000 && atomic_load(&owned) != 0; i++) usleep(1000);
    if (atomic_load(&owned) != 0) abort();
    return 0;
}

#ifdef REPLAY
int main(int count, char **files) {
    uint8_t input[400];
    for (int i = 1; i < count; i++) {
        FILE *file = fopen(files[i], "rb");
        if (file == NULL) return 1;
        size_t size = fread(input, 1, sizeof input, file);
        fclose(file);
        LLVMFuzzerTestOneInput(input, size);
    }
    unsigned seed = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : 1;
    int rounds = getenv("ROUNDS") ? atoi(getenv("ROUNDS")) : 300;
    printf("random sequences: seed %u, %d rounds\n", seed, rounds);
    for (int round = 0; round < rounds; round++) {
        srand(seed + (unsigned)round);
        size_t size = (size_t)rand() % sizeof input;
        for (size_t i = 0; i < size; i++) input[i] = (uint8_t)(rand() >> 7);
        LLVMFuzzerTestOneInput(input, size);
    }
    return 0;
}
#endif
