/* SPDX-License-Identifier: Apache-2.0
 * What the tests of options share: a coordinator, short calls, bodies. */
#ifndef TOKENGATE_CALLS_H
#define TOKENGATE_CALLS_H

#include "check.h"

#define HOUR (3600 * TG_SECOND)

static tg_coordinator *coordinator;
static atomic_int destroyed;

static inline void count_destroyed(void *pointer) {
    (void)pointer;
    atomic_fetch_add(&destroyed, 1);
}

static inline tg_operation *make(const char *name, tg_body body, const tg_operation_options *options) {
    tg_operation *operation = NULL;
    tg_error error = TG_ERROR_INIT;
    if (tg_operation_create(coordinator, name, body, options, &operation, &error) != TG_OK) {
        fprintf(stderr, "%s: %s\n", name, error.message);
        exit(1);
    }
    return operation;
}

static inline tg_token *submit(tg_operation *operation, void *argument, const tg_submit_options *options) {
    tg_token *token = NULL;
    NEED(tg_submit(operation, argument, options, &token, NULL));
    return token;
}

/* What became of a token, which is released. */
static inline tg_status end_of(tg_token *token, tg_error *error) {
    tg_status status = tg_token_wait(token, TG_FOREVER, NULL, error);
    NEED(tg_token_release(token));
    return status;
}

static inline int32_t nothing(tg_context *context, void *argument, tg_result *result) {
    (void)context, (void)argument, (void)result;
    return 0;
}

static inline int32_t stand(tg_context *context, void *argument, tg_result *result) {
    (void)context, (void)result;
    gate_pass(argument);
    return 0;
}

/* Returns what its argument says. */
static atomic_int runs;
static inline int32_t answer(tg_context *context, void *argument, tg_result *result) {
    (void)context, (void)result;
    atomic_fetch_add(&runs, 1);
    return argument == NULL ? 0 : *(int32_t *)argument;
}

/* On one domain: everything works with one. */
static inline void begin(void) {
    tg_config config = TG_CONFIG_INIT;
    config.maximum_domains = 1;
    NEED(tg_coordinator_create(&config, &coordinator, NULL));
    NEED(tg_coordinator_start(coordinator, NULL));
}

static inline void end(void) {
    NEED(tg_coordinator_stop(coordinator, 500 * TG_SECOND, NULL, NULL));
    NEED(tg_coordinator_destroy(coordinator, NULL));
}

#endif
