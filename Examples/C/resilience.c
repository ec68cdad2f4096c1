/* SPDX-License-Identifier: Apache-2.0
 * What an operation may ask for: retries, timeouts, a circuit breaker; and one call: others to come after, a key. */
#include <stdio.h>
#include <tokengate.h>

enum { unreachable = 7, not_found = 8 };

/* Fails twice, then answers. */
static int32_t fetch(tg_context *context, void *argument, tg_result *result) {
    if (*(int64_t *)argument < 0) return not_found;
    if (tg_context_attempt(context) < 3) return unreachable;
    result->value.i64 = *(int64_t *)argument * 100;
    return 0;
}

/* What is not there will not be there the next time. */
static int32_t may_pass(int32_t body_status, const tg_value *value, void *user_data) {
    (void)value, (void)user_data;
    return body_status == unreachable;
}

static int32_t search(tg_context *context, void *argument, tg_result *result) {
    (void)argument, (void)result;
    while (tg_context_is_cancelled(context) == 0) continue;
    return 0;
}

static int32_t report(tg_context *context, void *argument, tg_result *result) {
    (void)context, (void)argument, (void)result;
    return 0;
}

static int32_t fail(tg_context *context, void *argument, tg_result *result) {
    (void)context, (void)argument, (void)result;
    return unreachable;
}

int main(void) {
    tg_coordinator *coordinator;
    tg_operation *fetching, *searching, *reporting, *failing;
    tg_token *token, *pages[2], *first, *again;
    tg_value value;
    tg_error error = TG_ERROR_INIT;
    if (tg_coordinator_create(NULL, &coordinator, NULL) != TG_OK) return 1;
    if (tg_coordinator_start(coordinator, NULL) != TG_OK) return 1;

    /* Tried again, as the same token, without a worker in between. */
    tg_retry_policy retry = TG_RETRY_POLICY_INIT;
    retry.attempts = 4;
    retry.delay = TG_MILLISECOND;
    retry.is_retryable = may_pass;
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    options.retry = &retry;
    if (tg_operation_create(coordinator, "fetch", fetch, &options, &fetching, &error) != TG_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    int64_t page = 7, nowhere = -1;
    tg_submit(fetching, &page, NULL, &token, NULL);
    tg_token_wait(token, TG_FOREVER, &value, NULL);
    printf("fetch: %d after %d attempts\n", (int)value.i64, tg_token_attempts(token));
    tg_token_release(token);

    /* Out of time: the token settles, and its body is asked to end. */
    options.retry = NULL;
    options.run_timeout = 5 * TG_MILLISECOND;
    tg_operation_create(coordinator, "search", search, &options, &searching, NULL);
    tg_submit(searching, NULL, NULL, &token, NULL);
    printf("search: %s\n", tg_status_name(tg_token_wait(token, TG_FOREVER, NULL, NULL)));
    tg_token_release(token);

    /* After others, and once however often it is asked for: both references are to one token. */
    tg_operation_create(coordinator, "report", report, NULL, &reporting, NULL);
    tg_submit(fetching, &page, NULL, &pages[0], NULL);
    tg_submit(fetching, &page, NULL, &pages[1], NULL);
    tg_submit_options call = TG_SUBMIT_OPTIONS_INIT;
    call.key = "daily";
    call.key_size = 5;
    call.after = pages;
    call.after_count = 2;
    tg_coordinator_pause(coordinator, "report", NULL, NULL);
    tg_submit(reporting, NULL, &call, &first, NULL);
    tg_submit(reporting, NULL, &call, &again, NULL);
    tg_coordinator_resume(coordinator, "report", NULL, NULL);
    printf("report: %s, ", tg_status_name(tg_token_wait(again, TG_FOREVER, NULL, NULL)));
    tg_token_id one, other;
    tg_token_get_id(first, &one);
    tg_token_get_id(again, &other);
    printf("%s\n", one.sequence == other.sequence ? "one token for two calls" : "two tokens");
    tg_token_release(first);
    tg_token_release(again);
    tg_token_release_many(pages, 2);

    /* What comes after one that failed says why it never ran. */
    tg_submit(fetching, &nowhere, NULL, &pages[0], NULL);
    call.after_count = 1;
    tg_submit(reporting, NULL, &call, &token, NULL);
    tg_status status = tg_token_wait(token, TG_FOREVER, NULL, &error);
    printf("report: %s by %s %d\n", tg_status_name(status), tg_status_name(error.cause), error.body_status);
    tg_token_release(token);
    tg_token_release(pages[0]);

    /* An operation that fails nearly always is kept from its callers. */
    tg_circuit_breaker breaker = TG_CIRCUIT_BREAKER_INIT;
    breaker.minimum_runs = 5;
    options.run_timeout = 0;
    options.breaker = &breaker;
    tg_operation_create(coordinator, "broken", fail, &options, &failing, NULL);
    for (int i = 0; i < 6; i++) {
        tg_submit(failing, NULL, NULL, &token, NULL);
        status = tg_token_wait(token, TG_FOREVER, NULL, NULL);
        tg_token_release(token);
    }
    tg_health health = TG_HEALTH_INIT;
    tg_coordinator_health(coordinator, "broken", &health, NULL);
    printf("broken: %s, %d of %d runs failed\n", tg_status_name(status), (int)health.failed, (int)health.runs);
    printf("broken: %s\n", health.recommendation);

    tg_operation_destroy(fetching, NULL);
    tg_operation_destroy(searching, NULL);
    tg_operation_destroy(reporting, NULL);
    tg_operation_destroy(failing, NULL);
    tg_coordinator_stop(coordinator, 30 * TG_SECOND, NULL, NULL);
    tg_coordinator_destroy(coordinator, NULL);
    return 0;
}
