/* SPDX-License-Identifier: Apache-2.0
 * What became of the tokens that settled last, as records, JSON and a file; what is to be told of one that is not settled. */
#include <sched.h>
#include "calls.h"

#include <errno.h>

enum { kept = 8 };

/* Records as they came, the newest first. */
typedef struct collection {
    int count;
    tg_execution_record records[kept];
    char names[kept][40], errors[kept][80], workers[kept][40];
    uint8_t seeds[kept][32];
} collection;

static void collect(const tg_execution_record *record, void *user_data) {
    collection *all = user_data;
    if (all->count == kept) {
        CHECK(!"more records than are kept");
        return;
    }
    int i = all->count++;
    CHECK(record->struct_size == sizeof *record);
    all->records[i] = *record;
    snprintf(all->names[i], sizeof all->names[i], "%s", record->operation_type);
    snprintf(all->errors[i], sizeof all->errors[i], "%s", record->error ? record->error : "none");
    snprintf(all->workers[i], sizeof all->workers[i], "%s", record->worker ? record->worker : "none");
    if (record->seed) memcpy(all->seeds[i], record->seed, 32);
    /* A callback belongs to its caller's thread, and may call what that may. */
    CHECK(tg_coordinator_phase(coordinator) >= 0);
}

static collection records(size_t limit) {
    collection all = {0};
    NEED(tg_coordinator_history(coordinator, limit, collect, &all, NULL));
    return all;
}

/* The record of one that is found settled comes a moment after that. */
static void await_record(uint64_t number) {
    for (;;) {
        collection newest = records(1);
        if (newest.count == 1 && newest.records[0].number >= number) return;
        sched_yield();
    }
}

static void open_coordinator(uint32_t history_capacity) {
    tg_config config = TG_CONFIG_INIT;
    config.maximum_domains = 1;
    config.history_capacity = history_capacity;
    NEED(tg_coordinator_create(&config, &coordinator, NULL));
    NEED(tg_coordinator_start(coordinator, NULL));
}

static int32_t nothing_but(tg_context *context, void *argument, tg_result *result) {
    (void)argument, (void)result;
    return tg_context_get_seed(context, argument) == TG_OK ? 0 : 1;
}

/* Each ending has its record, with the status that the token has. */
static void endings(void) {
    open_coordinator(kept);
    gate door = {0};
    int32_t five = 5;
    uint8_t seed[32];
    const char *calls[] = {"none"};
    tg_operation_options lead = TG_OPERATION_OPTIONS_INIT, anchored = TG_OPERATION_OPTIONS_INIT, retried = TG_OPERATION_OPTIONS_INIT;
    tg_retry_policy retry = TG_RETRY_POLICY_INIT;
    lead.external_calls = calls, lead.external_call_count = 1;
    anchored.anchor_mode = TG_ANCHOR_FIXED, anchored.anchor = "key", anchored.anchor_size = 3;
    anchored.storage = TG_STORAGE_FAST, anchored.weight = TG_WEIGHT_LIGHT;
    retry.attempts = 2, retry.back_off = TG_BACK_OFF_NONE;
    retried.retry = &retry, retried.weight = TG_WEIGHT_HEAVY;
    tg_operation *plain = make("plain", answer, NULL), *leading = make("lead", nothing_but, &lead);
    tg_operation *bound = make("anchored", answer, &anchored), *failing = make("failing", answer, &retried);
    tg_operation *standing = make("standing", stand, NULL);
    tg_token_id id;
    tg_token *token = submit(plain, NULL, NULL);
    NEED(tg_token_get_id(token, &id));
    CHECK_STATUS(TG_OK, end_of(token, NULL));
    await_record(1);
    CHECK_STATUS(TG_OK, end_of(submit(leading, seed, NULL), NULL));
    await_record(2);
    CHECK_STATUS(TG_OK, end_of(submit(bound, NULL, NULL), NULL));
    await_record(3);
    CHECK_STATUS(TG_E_BODY_FAILED, end_of(submit(failing, &five, NULL), NULL));
    await_record(4);
    NEED(tg_coordinator_pause(coordinator, "plain", NULL, NULL));
    token = submit(plain, NULL, NULL);
    uint64_t settled = 0;
    NEED(tg_coordinator_discard(coordinator, "plain", &settled, NULL));
    CHECK(settled == 1);
    CHECK_STATUS(TG_E_DISCARDED, end_of(token, NULL));
    await_record(5);
    token = submit(standing, &door, NULL);
    gate_await(&door, 1);
    NEED(tg_token_kill(token, NULL));
    CHECK_STATUS(TG_E_KILLED, end_of(token, NULL));
    await_record(6);
    gate_open(&door);

    collection all = records(SIZE_MAX);
    static const char *const names[] = {"standing", "plain", "failing", "anchored", "lead", "plain"};
    static const tg_status statuses[] = {TG_E_KILLED, TG_E_DISCARDED, TG_E_BODY_FAILED, TG_OK, TG_OK, TG_OK};
    static const int32_t states[] = {
        TG_STATE_KILLED, TG_STATE_KILLED, TG_STATE_FAILED, TG_STATE_COMPLETED, TG_STATE_COMPLETED, TG_STATE_COMPLETED};
    static const int32_t attempts[] = {1, 0, 2, 1, 1, 1};
    CHECK(all.count == 6);
    for (int i = 0; i < all.count; i++) {
        tg_execution_record *record = &all.records[i];
        CHECK(record->number == (uint64_t)(6 - i) && strcmp(all.names[i], names[i]) == 0);
        CHECK_STATUS(statuses[i], record->status);
        CHECK(record->state == states[i] && record->attempts == attempts[i]);
        CHECK((strcmp(all.errors[i], "none") == 0) == (statuses[i] == TG_OK));
        CHECK(record->submitted_at > 0 && record->settled_at >= record->submitted_at);
        CHECK(attempts[i] ? record->started_at >= record->submitted_at && record->started_at <= record->settled_at && record->domain == 1
                          : record->started_at == -1 && record->domain == 0 && strcmp(all.workers[i], "none") == 0);
        CHECK((record->seed != NULL) == (i == 4) && record->has_anchor == (i == 3) && (record->anchor_hash != 0) == (i == 3));
    }
    CHECK(strcmp(all.errors[2], "the body returned 5") == 0 && all.records[2].weight == TG_WEIGHT_HEAVY);
    CHECK(all.records[3].storage == TG_STORAGE_FAST && all.records[3].weight == TG_WEIGHT_LIGHT);
    CHECK(all.records[5].storage == TG_STORAGE_NONE && all.records[5].weight == TG_WEIGHT_MEDIUM);
    CHECK(strcmp(all.workers[5], "standard_1_core_1") == 0 && memcmp(all.seeds[4], seed, sizeof seed) == 0);
    CHECK(all.records[5].id.sequence == id.sequence && all.records[5].id.origin == id.origin);

    /* So many of the newest; the newest push the others out. */
    all = records(2);
    CHECK(all.count == 2 && all.records[0].number == 6 && all.records[1].number == 5);
    CHECK(records(0).count == 0 && records(6).count == 6 && records((size_t)INT64_MAX).count == 6);
    NEED(tg_coordinator_resume(coordinator, "plain", NULL, NULL));
    for (int i = 0; i < 20; i++) CHECK_STATUS(TG_OK, end_of(submit(plain, NULL, NULL), NULL));
    await_record(26);
    all = records(SIZE_MAX);
    CHECK(all.count == kept && all.records[0].number == 26 && all.records[kept - 1].number == 26 - kept + 1);

    tg_operation *made[] = {plain, leading, bound, failing, standing};
    for (int i = 0; i < 5; i++) NEED(tg_operation_destroy(made[i], NULL));
    /* It is there as long as its coordinator. */
    NEED(tg_coordinator_stop(coordinator, 500 * TG_SECOND, NULL, NULL));
    CHECK(records(SIZE_MAX).count == kept);
    NEED(tg_coordinator_destroy(coordinator, NULL));
}

static char *contents(const char *path) {
    static char text[8192];
    FILE *file = fopen(path, "r");
    if (file == NULL) return NULL;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

static void dumps(void) {
    open_coordinator(kept);
    char folder[] = "/tmp/tokengate-history-XXXXXX", path[64], missing[64];
    if (mkdtemp(folder) == NULL) exit(1);
    snprintf(path, sizeof path, "%s/h\xc3\xa9.json", folder);
    snprintf(missing, sizeof missing, "%s/none/history.json", folder);
    int32_t five = 5;
    tg_operation *operation = make("dumped", answer, NULL);
    CHECK_STATUS(TG_OK, end_of(submit(operation, NULL, NULL), NULL));
    await_record(1);
    CHECK_STATUS(TG_E_BODY_FAILED, end_of(submit(operation, &five, NULL), NULL));
    await_record(2);

    char *json = NULL;
    NEED(tg_coordinator_history_json(coordinator, SIZE_MAX, &json, NULL));
    CHECK(json[0] == '[' && strstr(json, "\"number\":2") < strstr(json, "\"number\":1"));
    CHECK(strstr(json, "\"operationType\":\"dumped\"") && strstr(json, "\"state\":\"completed\"") && strstr(json, "\"seed\":null"));
    CHECK(strstr(json, "\"error\":\"the body returned 5\"") && strstr(json, "\"worker\":\"standard_1_core_1\""));
    tg_string_free(json);
    NEED(tg_coordinator_history_json(coordinator, 1, &json, NULL));
    CHECK(strstr(json, "\"number\":2") && !strstr(json, "\"number\":1,"));
    tg_string_free(json);

    size_t written = 99;
    tg_error error = TG_ERROR_INIT;
    NEED(tg_coordinator_dump_history(coordinator, path, SIZE_MAX, &written, NULL));
    char *text = contents(path);
    CHECK(written == 2 && text && strstr(text, "\"total_executions\": 2") && strstr(text, "\"success\": false"));
    CHECK(text && strstr(text, "\"operation_type\": \"dumped\"") && strstr(text, "\"error\": \"the body returned 5\""));
    /* It takes the place of the one that is there; nobody has to count. */
    NEED(tg_coordinator_dump_history(coordinator, path, 1, NULL, NULL));
    text = contents(path);
    CHECK(text && strstr(text, "\"total_executions\": 1"));
    /* What the system refuses leaves nothing behind, and what was there. */
    written = 99;
    CHECK_STATUS(TG_E_SYSTEM, tg_coordinator_dump_history(coordinator, missing, SIZE_MAX, &written, &error));
    CHECK(written == 99 && strstr(error.message, missing) && strstr(error.message, strerror(ENOENT)));
    text = contents(path);
    CHECK(text && strstr(text, "\"total_executions\": 1"));
    CHECK(unlink(path) == 0 && rmdir(folder) == 0);
    NEED(tg_operation_destroy(operation, NULL));
    end();
}

/* Without a history nothing is kept, and that is no error. */
static void none(void) {
    open_coordinator(0);
    tg_operation *operation = make("forgotten", answer, NULL);
    CHECK_STATUS(TG_OK, end_of(submit(operation, NULL, NULL), NULL));
    CHECK(records(SIZE_MAX).count == 0);
    char *json = NULL;
    NEED(tg_coordinator_history_json(coordinator, SIZE_MAX, &json, NULL));
    CHECK(strcmp(json, "[]") == 0);
    tg_string_free(json);
    NEED(tg_operation_destroy(operation, NULL));
    end();
}

static bool tells(tg_token *token, const char *what) {
    char *json = NULL;
    NEED(tg_token_status_json(token, &json, NULL));
    bool is_told = strstr(json, what) != NULL;
    tg_string_free(json);
    return is_told;
}

static void status(void) {
    open_coordinator(0);
    gate door = {0};
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    tg_submit_options call = TG_SUBMIT_OPTIONS_INIT;
    options.timeout = HOUR;
    tg_operation *standing = make("standing", stand, &options);
    tg_token *token = submit(standing, &door, NULL);
    gate_await(&door, 1);
    call.after = &token, call.after_count = 1;
    tg_token *next = submit(standing, &door, &call);
    CHECK(tells(token, "\"state\":\"executing\"") && tells(token, "\"domain\":1") && tells(token, "\"attempts\":1"));
    CHECK(tells(token, "\"waitsFor\":null") && tells(token, "\"timeRemainingNanoseconds\":3") && tells(token, "\"isAwaited\":true"));
    CHECK(tells(next, "\"state\":\"waiting\"") && tells(next, "\"waitsFor\":\"token ") && tells(next, "\"domain\":null"));
    NEED(tg_coordinator_pause(coordinator, "standing", NULL, NULL));
    gate_open(&door);
    CHECK_STATUS(TG_OK, tg_token_wait(token, TG_FOREVER, NULL, NULL));
    EVENTUALLY(tg_token_state(next) == TG_STATE_WAITING && tells(next, "\"waitsFor\":\"the end of a pause\""));
    CHECK(tells(next, "\"waitsFor\":\"the end of a pause\"") && tells(token, "\"state\":\"completed\""));
    NEED(tg_coordinator_resume(coordinator, "standing", NULL, NULL));
    CHECK_STATUS(TG_OK, end_of(next, NULL));
    NEED(tg_token_release(token));
    NEED(tg_operation_destroy(standing, NULL));
    end();
}

int main(void) {
    endings();
    dumps();
    none();
    status();
    return check_report("history");
}
