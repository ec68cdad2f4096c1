/* SPDX-License-Identifier: Apache-2.0
 * What the tests of the C API share. Include it first. */
#ifndef TOKENGATE_CHECK_H
#define TOKENGATE_CHECK_H

#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tokengate.h>
#include <unistd.h>

/* Bodies and callbacks check, too. */
static atomic_int check_failures;
static atomic_int check_count;

/* Counts, and says what is wrong without ending the test. */
#define CHECK(condition)                                                                  \
    do {                                                                                  \
        check_count++;                                                                    \
        if (!(condition)) {                                                               \
            check_failures++;                                                             \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);       \
        }                                                                                 \
    } while (0)

/* That a call returns a status; with names instead of numbers where it does not. */
#define CHECK_STATUS(expected, call)                                                                            \
    do {                                                                                                        \
        tg_status check_status = (call);                                                                        \
        check_count++;                                                                                          \
        if (check_status != (expected)) {                                                                       \
            check_failures++;                                                                                   \
            fprintf(stderr, "%s:%d: %s: %s instead of %s\n", __FILE__, __LINE__, #call,                         \
                    tg_status_name(check_status), tg_status_name(expected));                                    \
        }                                                                                                       \
    } while (0)

/* What nothing goes on without. */
#define NEED(call)                                                                                              \
    do {                                                                                                        \
        tg_status need_status = (call);                                                                         \
        if (need_status != TG_OK) {                                                                             \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, tg_status_name(need_status));         \
            exit(1);                                                                                            \
        }                                                                                                       \
    } while (0)

/* The end of main. */
static inline int check_report(const char *name) {
    printf("%s: %d checks, %d failed\n", name, atomic_load(&check_count), atomic_load(&check_failures));
    return check_failures == 0 ? 0 : 1;
}

/* A gate at which bodies stand until it is opened. Generous: no test is decided by time. */
typedef struct gate {
    atomic_int arrived;
    atomic_bool is_open;
} gate;

static inline void gate_pass(gate *self) {
    atomic_fetch_add(&self->arrived, 1);
    for (int i = 0; i < 240000 && !atomic_load(&self->is_open); i++) usleep(1000);
}

static inline void gate_await(gate *self, int count) {
    for (int i = 0; i < 240000 && atomic_load(&self->arrived) < count; i++) usleep(1000);
    if (atomic_load(&self->arrived) < count) {
        fprintf(stderr, "nobody came to the gate\n");
        exit(1);
    }
}

static inline void gate_open(gate *self) { atomic_store(&self->is_open, true); }

/* Waits until a condition holds; the caller checks it. */
#define EVENTUALLY(condition) \
    for (int eventually = 0; eventually < 240000 && !(condition); eventually++) usleep(1000)

#endif
