/* SPDX-License-Identifier: Apache-2.0
 * This header is part of the TokenGate project. Copyright (c) 2026 the TokenGate project authors.
 *
 * TokenGate runs functions on core-pinned workers. A call of an operation is a token: it is admitted, routed to a core
 * domain, run there by a worker thread, and its result is waited for, called back, or taken from a completion queue.
 *
 *     static int32_t square(tg_context *context, void *argument, tg_result *result) {
 *         (void)context;
 *         result->value.i64 = *(const int64_t *)argument * *(const int64_t *)argument;
 *         return 0;
 *     }
 *
 *     tg_coordinator *coordinator;
 *     tg_operation *operation;
 *     tg_token *token;
 *     tg_value value;
 *     int64_t seven = 7;
 *     tg_coordinator_create(NULL, &coordinator, NULL);
 *     tg_coordinator_start(coordinator, NULL);
 *     tg_operation_create(coordinator, "square", square, NULL, &operation, NULL);
 *     tg_submit(operation, &seven, NULL, &token, NULL);
 *     if (tg_token_wait(token, TG_FOREVER, &value, NULL) == TG_OK) printf("%lld\n", (long long)value.i64);
 *     tg_token_release(token);
 *     tg_operation_destroy(operation, NULL);
 *     tg_coordinator_stop(coordinator, 30 * TG_SECOND, NULL, NULL);
 *     tg_coordinator_destroy(coordinator, NULL);
 *
 * Conventions, which hold unless a comment says otherwise:
 *
 *   - A function that can fail returns a tg_status: TG_OK (0), or a negative number. Where it fails it has changed
 *     nothing, *out is untouched, and *error, unless NULL, says which value was wrong.
 *   - Pointers must not be NULL, except `error`, every `options`, and those marked "nullable". NULL is found and
 *     refused (TG_E_NULL_ARGUMENT), as is a handle that was destroyed or is of another kind (TG_E_INVALID_HANDLE).
 *     Tokens are counted references: one that was released too often cannot be told from others.
 *   - Memory handed in is borrowed for the call; strings and bytes that are needed longer are copied. `user_data` and
 *     `argument` are transferred: their destroy function, unless it or the pointer is NULL, is called exactly once,
 *     also where the call fails (but for a struct_size from which nothing can be read, and a count beyond the limit), on
 *     any thread. It must not call back into the library, except to release tokens: one destroyed within the other, at
 *     most 2,000 deep for each MiB of the thread's stack.
 *   - Any thread may call any function, also inside bodies, except where "not from a body" or "not from a callback" is
 *     said. A handle must not be destroyed while another thread uses it, except that of a completion queue.
 *   - Times are nanoseconds. Strings are UTF-8. Structures that begin with `struct_size` grow at their end only: set it
 *     to what sizeof says (the ..._INIT macros do); those of earlier versions are accepted, and longer ones (4,096 bytes
 *     at most) where the unknown rest is zero. In options zero means the default.
 *   - After fork() a child may exec or exit. Whatever else it calls returns TG_E_FORKED.
 *
 * Docs/C-API.md tells which changes of this header are allowed. "Since" is 0.1 for all that does not say otherwise.
 */
#ifndef TOKENGATE_H
#define TOKENGATE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TG_API __attribute__((visibility("default")))
#else
#define TG_API
#endif

/* ---- Version -------------------------------------------------------------------------------------------------- */

#define TG_VERSION_MAJOR 0
#define TG_VERSION_MINOR 1
#define TG_VERSION_PATCH 0
#define TG_VERSION_STRING "0.1.0"

/* Number of the binary interface that this header describes. It changes only where something is taken away or moved;
 * the shared library's SONAME ends in it. */
#define TG_ABI 1

/* "0.1.0": the library's version, which may be newer than the header's. Never freed. Never fails. */
TG_API const char *tg_version_string(void);

/* The library's version: major * 1000000 + minor * 1000 + patch. Never fails. */
TG_API uint32_t tg_version_number(void);

/* The library's TG_ABI. Never fails. */
TG_API uint32_t tg_abi(void);

/* ---- Status --------------------------------------------------------------------------------------------------- */

typedef int32_t tg_status;

/* Numbers are never reused; new ones may come in any version. */
enum {
    TG_OK = 0,
    TG_E_NULL_ARGUMENT = -1,          /* a pointer is NULL that must not be */
    TG_E_INVALID_HANDLE = -2,         /* a handle that was destroyed, or is of another kind */
    TG_E_STRUCT_SIZE = -3,            /* struct_size is too small, or what the library does not know is not zero */
    TG_E_INVALID_ARGUMENT = -4,       /* a value is outside its range */
    TG_E_INVALID_CONFIGURATION = -5,  /* a value of tg_config is outside its range, or cannot be had on this machine */
    TG_E_INVALID_OPERATION_TYPE = -6, /* empty, longer than 255 bytes, or no UTF-8 */
    TG_E_TOO_MANY_OPERATION_TYPES = -7, /* 65,536 in one process */
    TG_E_STOPPED = -8,                /* the coordinator stopped before the token was done, or cannot start any more */
    TG_E_KILLED = -9,                 /* the token was killed */
    TG_E_DISCARDED = -10,             /* the token was discarded while it waited */
    TG_E_TIMED_OUT = -11,             /* the token's own time limit passed */
    TG_E_WAIT_TIMED_OUT = -12,        /* the time of a wait passed; the token goes on */
    TG_E_THREAD_UNAVAILABLE = -13,    /* the system refused to create a thread */
    TG_E_BODY_FAILED = -14,           /* the body returned another number than 0: see tg_error.body_status */
    TG_E_NOT_SETTLED = -15,           /* the token has no result yet */
    TG_E_NOT_AVAILABLE = -16,         /* there is no such thing: a seed outside of leads, say */
    TG_E_NOT_ALLOWED_HERE = -17,      /* not from a body, or not from a callback */
    TG_E_BUFFER_TOO_SMALL = -18,      /* what is to be written does not fit */
    TG_E_FORKED = -19,                /* called in a child of fork() */
    TG_E_SYSTEM = -20,                /* a system call failed: the message tells which, and why */
    TG_E_INTERNAL = -21,              /* a fault of the library: please report it */
    TG_E_OVERLOADED = -22,            /* the coordinator, or the operation, had as many live tokens as its capacity allows */
    TG_E_BLOCKED = -23,               /* the operation is blocked, by hand or by its circuit breaker */
    TG_E_DEPENDENCY_FAILED = -24      /* a token that this one was to come after did not complete: see tg_error.cause */
};

/* "TG_E_KILLED"; "TG_E_UNKNOWN" for a number that the library does not know. Never freed. Never fails. */
TG_API const char *tg_status_name(tg_status status);

/* One sentence in English. Never freed. Never fails. */
TG_API const char *tg_status_message(tg_status status);

/* What went wrong, in the caller's memory. Nullable wherever it is asked for. */
typedef struct tg_error {
    size_t struct_size;
    tg_status status;
    int32_t body_status; /* what the body returned, where status, or cause, is TG_E_BODY_FAILED; else 0 */
    char message[240];   /* one sentence that names the offending value; ends in NUL, cut off where it is longer */
    tg_status cause;     /* with TG_E_DEPENDENCY_FAILED, what the first token that failed was settled with; else TG_OK */
    int32_t reserved;    /* 0 */
} tg_error;

#define TG_ERROR_INIT { sizeof(tg_error), TG_OK, 0, { 0 }, TG_OK, 0 }

/* ---- Handles and values --------------------------------------------------------------------------------------- */

typedef struct tg_coordinator tg_coordinator;
typedef struct tg_operation tg_operation;
typedef struct tg_token tg_token;
typedef struct tg_completion_queue tg_completion_queue;
typedef struct tg_subscription tg_subscription;
/* What a running body can ask about itself. Lives as long as the body runs, on its thread. */
typedef struct tg_context tg_context;

/* What a body results in: a small value, or a pointer. */
typedef union tg_value {
    int64_t i64;
    uint64_t u64;
    double f64;
    void *pointer;
} tg_value;

/* Frees what a pointer stands for. */
typedef void (*tg_destroy)(void *pointer);

typedef struct tg_token_id {
    uint64_t origin;   /* the coordinator's, drawn at random */
    uint64_t sequence; /* the token's number there */
} tg_token_id;

#define TG_MICROSECOND INT64_C(1000)
#define TG_MILLISECOND INT64_C(1000000)
#define TG_SECOND INT64_C(1000000000)
/* A wait without limit. */
#define TG_FOREVER INT64_MAX

/* Frees a string that the library returned. Nullable. */
TG_API void tg_string_free(char *string);

/* ---- Coordinator ---------------------------------------------------------------------------------------------- */

enum {
    TG_PIN_DEFAULT = 0, /* soft */
    TG_PIN_NONE = 1,    /* workers are not pinned */
    TG_PIN_SOFT = 2,    /* where the system refuses, workers run unpinned and the statistics say so */
    TG_PIN_HARD = 3     /* tg_coordinator_start fails where a worker could not be pinned and verified */
};

/* What becomes of a token that comes from outside of bodies while there are as many as a capacity allows: that of the coordinator
 * (tg_config) or of the operation (tg_operation_options). Descendants of bodies always come in, and count. */
enum {
    TG_OVERLOAD_DEFAULT = 0,    /* suspend */
    TG_OVERLOAD_SUSPEND = 1,    /* it waits as long as tg_submit_options.place_timeout says; then it is refused */
    TG_OVERLOAD_REJECT = 2,     /* it is refused: it settles at once with TG_E_OVERLOADED */
    TG_OVERLOAD_DROP_OLDEST = 3 /* the one that has waited longest settles with TG_E_OVERLOADED, unless it has been sent to a worker */
};

/* Whether the number of threads that run bodies at once follows what bodies do. */
enum {
    TG_ADAPTATION_DEFAULT = 0,   /* automatic */
    TG_ADAPTATION_AUTOMATIC = 1, /* where bodies block (sleep, I/O, locks) while tokens wait, more run at once, up to workers_per_core;
                                    CPUs that go are noticed */
    TG_ADAPTATION_OFF = 2        /* one at a time in each crew, those aside that wait for tokens */
};

/* For options where zero is the default and "none at all" is wanted. */
#define TG_NONE (-1)

typedef struct tg_config {
    size_t struct_size;
    /* The CPUs to use, of those that the process may use: bit n % 8 of byte n / 8 is CPU n. NULL: all. */
    const uint8_t *cpu_mask;
    size_t cpu_mask_size;         /* in bytes */
    uint32_t domain_offset;       /* domains to skip from the front, counted round and round: to share a machine */
    uint32_t maximum_domains;     /* domains to use at most; default: as many as the machine and its quota allow */
    uint32_t workers_per_core;    /* threads of a domain's crew at most, 1...64; default 4 */
    int32_t pin_mode;             /* TG_PIN_... */
    int32_t heavy_nice;           /* nice value of threads for heavy bodies, added to the process's, 1...19 or TG_NONE; default 5 */
    uint32_t event_buffer;        /* events a subscriber may have pending, 1...16777216; default 4096 */
    uint32_t storage_limit_slow;  /* bodies at once in each tier, 1...65536; default 10 */
    uint32_t storage_limit_moderate; /* default 25 */
    uint32_t storage_limit_fast;  /* default 50 */
    uint32_t storage_limit_insane; /* default 70 */
    uint64_t stack_size;          /* of a worker thread in bytes, 262144...1073741824; default 8 MiB */
    int64_t idle_thread_time;     /* how long a spare or storage thread stays without work; default 5 s */
    int64_t anchor_idle_time;     /* how long an anchor's home is remembered, or TG_NONE; default 60 s */
    int64_t anchor_idle_capacity; /* idle anchors remembered at most, 1...100000000, or TG_NONE; default 100000 */
    int64_t capacity;             /* live tokens at most, 1...1000000000; default: no limit */
    int32_t overload;             /* TG_OVERLOAD_... */
    int32_t reserved;             /* 0 */
    int64_t aging_time;           /* how long a token has to wait to catch up with one that is a step more urgent
                                     (tg_operation_options.priority), or TG_NONE: priorities mean nothing; default 100 ms */
    int64_t wait_cycle_time;      /* how long bodies wait for tokens before it is looked whether they wait in a circle
                                     (TG_EVENT_WAIT_CYCLE), or TG_NONE: it is not; default 1 s */
    uint32_t history_capacity;    /* records of settled tokens that are kept for tg_coordinator_history, 1...16777216; default: none */
    int32_t adaptation;           /* TG_ADAPTATION_... */
} tg_config;

#define TG_CONFIG_INIT { sizeof(tg_config), NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* For languages without the macro: zeroes `struct_size` bytes and notes the size. Returns TG_E_STRUCT_SIZE where
 * that is less than sizeof(size_t). */
TG_API tg_status tg_config_init(tg_config *config, size_t struct_size);

/* Makes a coordinator. No thread runs before tg_coordinator_start; tokens submitted until then wait.
 * `config` is nullable: the defaults. *out is to be given to tg_coordinator_destroy. */
TG_API tg_status tg_coordinator_create(const tg_config *config, tg_coordinator **out, tg_error *error);

/* Starts the workers, then lets waiting tokens go. Starting a running coordinator does nothing. One that fails has stopped.
 * TG_E_THREAD_UNAVAILABLE, TG_E_INVALID_CONFIGURATION (pin mode hard), TG_E_STOPPED. */
TG_API tg_status tg_coordinator_start(tg_coordinator *coordinator, tg_error *error);

typedef struct tg_stop_report {
    size_t struct_size;
    int32_t is_complete;     /* 0 only from inside a body, which cannot wait for itself */
    int32_t busy_threads;    /* threads still inside a body; they end when it returns */
    uint64_t abandoned;      /* tokens that the stop settled with TG_E_STOPPED */
    uint64_t abandoned_executing; /* those of them whose bodies had begun */
    int64_t duration;
} tg_stop_report;

#define TG_STOP_REPORT_INIT { sizeof(tg_stop_report), 0, 0, 0, 0, 0 }

/* Finishes what is there, then stops; at `timeout` the rest is settled with TG_E_STOPPED and running bodies are asked
 * to end. Blocks until that is done. Submissions from outside settle at once meanwhile, and afterwards. Stopping
 * twice waits for the same stop; the nearer deadline holds. From a body of it: begins the stop and returns at once.
 * `timeout`: 0 and more, TG_FOREVER. `report` is nullable. Not from a callback of tg_on_settled. */
TG_API tg_status tg_coordinator_stop(tg_coordinator *coordinator, int64_t timeout, tg_stop_report *report, tg_error *error);

/* The same, with the report as JSON, which names every abandoned token: {"isComplete", "busyThreads", "durationNanoseconds",
 * "abandoned": [{"id", "operationType", "state"}]}. *out is to be freed with tg_string_free. */
TG_API tg_status tg_coordinator_stop_json(tg_coordinator *coordinator, int64_t timeout, char **out, tg_error *error);

/* Stops at once what has not been stopped, without waiting for bodies, and gives the handle back. Tokens, operations and
 * subscriptions stay valid until they are let go themselves; what is submitted then has settled with TG_E_STOPPED.
 * NULL does nothing. Not from a body of it, nor from a callback of tg_on_settled. */
TG_API tg_status tg_coordinator_destroy(tg_coordinator *coordinator, tg_error *error);

enum { TG_PHASE_IDLE = 0, TG_PHASE_RUNNING = 1, TG_PHASE_DRAINING = 2, TG_PHASE_STOPPED = 3 };

/* TG_PHASE_..., or a negative status. */
TG_API int32_t tg_coordinator_phase(const tg_coordinator *coordinator);

/* ---- Control -------------------------------------------------------------------------------------------------- */
/* `operation_type` is nullable where that is said: NULL means all operations. An operation type that nobody used is no error. */

/* Holds back every token that has not begun, and those to come; descendants of running bodies still go. `operation_type` is nullable.
 * `changed`, nullable: 0 where it was paused already, else 1. */
TG_API tg_status tg_coordinator_pause(tg_coordinator *coordinator, const char *operation_type, int32_t *changed, tg_error *error);

/* Lets held tokens go on. `operation_type` is nullable; NULL leaves the pauses of single operations. `changed`, nullable: 0 where it was not paused. */
TG_API tg_status tg_coordinator_resume(tg_coordinator *coordinator, const char *operation_type, int32_t *changed, tg_error *error);

/* Settles live tokens with TG_E_KILLED: those that wait never run, running bodies are asked to end.
 * `operation_type` is nullable. `settled`, nullable: how many. */
TG_API tg_status tg_coordinator_kill(tg_coordinator *coordinator, const char *operation_type, uint64_t *settled, tg_error *error);

/* Settles with TG_E_DISCARDED what has not begun; running tokens are left alone. `operation_type` is nullable. `settled`,
 * nullable: how many. */
TG_API tg_status tg_coordinator_discard(tg_coordinator *coordinator, const char *operation_type, uint64_t *settled, tg_error *error);

/* Keeps an operation's calls out: from now on they settle at once with TG_E_BLOCKED, also those of bodies; what was submitted
 * before goes on. `changed`, nullable: 0 where it was blocked already, else 1. */
TG_API tg_status tg_coordinator_block(tg_coordinator *coordinator, const char *operation_type, int32_t *changed, tg_error *error);

/* Lets its calls in again; its circuit breaker, where it has one, is not touched. `changed`, nullable: 0 where it was not blocked. */
TG_API tg_status tg_coordinator_unblock(tg_coordinator *coordinator, const char *operation_type, int32_t *changed, tg_error *error);

enum { TG_STORAGE_NONE = 0, TG_STORAGE_SLOW = 1, TG_STORAGE_MODERATE = 2, TG_STORAGE_FAST = 3, TG_STORAGE_INSANE = 4 };

/* Changes how many bodies may be inside a storage tier at once, 1...65536, without disturbing those inside. */
TG_API tg_status tg_coordinator_set_storage_limit(tg_coordinator *coordinator, int32_t storage, uint32_t limit, tg_error *error);

/* Holds an operation to so many tokens that have begun and not ended, from now on: 1...65536, or TG_NONE for no limit. As it is changed
 * nobody inside is disturbed, and no more are let in until there is room; what began while there was no limit is not counted. See
 * tg_operation_options.concurrency. */
TG_API tg_status tg_coordinator_set_concurrency_limit(
    tg_coordinator *coordinator, const char *operation_type, int32_t limit, tg_error *error);

/* ---- Operation ------------------------------------------------------------------------------------------------ */

/* What a body has to say. Zeroed before the body runs. */
typedef struct tg_result {
    tg_value value;
    tg_destroy destroy; /* nullable; called with value.pointer unless that is NULL, once, when the last reference to the token is gone */
} tg_result;

/* The function that an operation runs: on a worker thread of its domain. It may block, submit, and wait for what it
 * submitted. Returns 0, or another number where it failed (the token's waiters get TG_E_BODY_FAILED and the number); it may set a
 * result in both cases. It must return: neither longjmp nor a C++ exception may leave it. */
typedef int32_t (*tg_body)(tg_context *context, void *argument, tg_result *result);

enum { TG_WEIGHT_DEFAULT = 0, TG_WEIGHT_LIGHT = 1, TG_WEIGHT_MEDIUM = 2, TG_WEIGHT_HEAVY = 3 }; /* default: medium */

enum {
    TG_ANCHOR_NONE = 0,
    TG_ANCHOR_FIXED = 1,   /* one key for all calls: anchor, anchor_size */
    TG_ANCHOR_PER_CALL = 2 /* each submission brings its key: tg_submit_options.anchor */
};

/* Whether a body that failed is worth another attempt: 0, no. Gets what the body returned, and what it set as its result, both for
 * the call; `user_data` is the operation's. Called on a worker thread, after each failed attempt but the last, for several tokens
 * at once. It belongs to no body, and must not wait: what blocks is refused with TG_E_NOT_ALLOWED_HERE. */
typedef int32_t (*tg_is_retryable)(int32_t body_status, const tg_value *value, void *user_data);

enum {
    TG_BACK_OFF_DEFAULT = 0,    /* exponential */
    TG_BACK_OFF_NONE = 1,       /* no time between attempts */
    TG_BACK_OFF_CONSTANT = 2,   /* always `delay` */
    TG_BACK_OFF_EXPONENTIAL = 3 /* `delay`, and with each attempt `factor` times as long, up to `longest_delay` */
};

/* When a body that failed, which is one that returned another number than 0, is run again with the same argument, as the same token:
 * see tg_token_attempts. Its result of that attempt is destroyed. In between the token waits without a worker and counts as
 * executing; it keeps its anchor, its turn and its storage permit. One that is killed, or times out, is not tried again. While its
 * coordinator stops it is tried again as long as there is time; where the next attempt would come later, it settles at once. */
typedef struct tg_retry_policy {
    size_t struct_size;
    int32_t attempts;      /* in all, the first one included: 1...1000; default 3 */
    int32_t back_off;      /* TG_BACK_OFF_... */
    int64_t delay;         /* before the second attempt; default 100 ms */
    int64_t longest_delay; /* exponential: not below `delay`; default 30 s */
    double factor;         /* exponential: 1...1000; default 2 */
    double jitter;         /* which share of the delay is random: 0...1, or TG_NONE; default 1, any time between zero and the delay */
    int64_t deadline;      /* no attempt begins later than this after the first one began; default: no limit */
    tg_is_retryable is_retryable; /* nullable: every failure is */
} tg_retry_policy;

#define TG_RETRY_POLICY_INIT { sizeof(tg_retry_policy), 0, 0, 0, 0, 0, 0, 0, NULL }

/* As tg_config_init. */
TG_API tg_status tg_retry_policy_init(tg_retry_policy *policy, size_t struct_size);

/* How many tokens of an operation type may become due in a time: a token bucket. Those beyond it wait without a worker, in order. One
 * bucket for all operations of that type in a coordinator. */
typedef struct tg_rate_limit {
    size_t struct_size;
    double per_second; /* above 0, at most 1e9; no default */
    int32_t burst;     /* tokens at once after a time without any: 1...1000000; default 1 */
    int32_t reserved;  /* 0 */
} tg_rate_limit;

#define TG_RATE_LIMIT_INIT { sizeof(tg_rate_limit), 0, 0, 0 }

/* As tg_config_init. */
TG_API tg_status tg_rate_limit_init(tg_rate_limit *limit, size_t struct_size);

/* Keeps calls from an operation that fails nearly always: while it is open, tokens settle at once with TG_E_BLOCKED. When it has
 * cooled down some may try: if all of them complete it closes, if one fails it opens again. A run has failed where the body's last
 * attempt returned another number than 0, and where the token timed out while it ran; killed and discarded tokens do not count.
 * One breaker for all operations of that type in a coordinator. */
typedef struct tg_circuit_breaker {
    size_t struct_size;
    double failure_rate;  /* it opens where more than this share of the runs failed: 0...1, below 1, or TG_NONE (for 0); default 0.9 */
    int32_t minimum_runs; /* of so many runs at least: 1...1000000; default 10 */
    int32_t probes;       /* how many may try: 1...1000; default 1 */
    int64_t window;       /* how far back it looks; default 60 s */
    int64_t cool_down;    /* how long it stays open before it lets tokens try; default 30 s */
} tg_circuit_breaker;

#define TG_CIRCUIT_BREAKER_INIT { sizeof(tg_circuit_breaker), 0, 0, 0, 0, 0 }

/* As tg_config_init. */
TG_API tg_status tg_circuit_breaker_init(tg_circuit_breaker *breaker, size_t struct_size);

/* How urgent tokens are where they stand in line for a worker or for a permit. One that is a step more urgent counts as having come
 * earlier, by tg_config.aging_time, so none waits for ever. Ordered anchors keep the order of submission. */
enum {
    TG_PRIORITY_DEFAULT = 0, /* as their lead's, else normal */
    TG_PRIORITY_HIGH = 1,
    TG_PRIORITY_NORMAL = 2,
    TG_PRIORITY_LOW = 3
};

typedef struct tg_operation_options {
    size_t struct_size;
    int32_t weight;       /* TG_WEIGHT_... */
    int32_t storage;      /* TG_STORAGE_...: runs on storage threads, within the tier's limit */
    int32_t anchor_mode;  /* TG_ANCHOR_...; not together with external_calls */
    int32_t ordered;      /* 1: tokens of one anchor run one at a time, in submission order; only with an anchor */
    const void *anchor;   /* the key's bytes, for TG_ANCHOR_FIXED: copied */
    size_t anchor_size;   /* 1 and more */
    const char *const *external_calls; /* the operation types that this one calls, which makes it a lead: copied */
    size_t external_call_count;
    void *user_data;      /* for tg_context_user_data: transferred */
    tg_destroy destroy_user_data; /* nullable; called when the operation and its last token are gone */
    int64_t timeout;       /* how long a token may live from its submission; then it settles with TG_E_TIMED_OUT; default: no limit */
    int64_t queue_timeout; /* how long it may be on its way to a worker from when it is due; then it never runs; default: no limit */
    int64_t run_timeout;   /* how long its body may run, retries and the time between them included; then the token settles, and the
                              body is asked to end (tg_context_is_cancelled); default: no limit */
    const tg_retry_policy *retry;      /* nullable: no second attempt; copied */
    const tg_rate_limit *rate;         /* nullable: no limit; copied */
    const tg_circuit_breaker *breaker; /* nullable: none; copied */
    int32_t priority;      /* TG_PRIORITY_... */
    int32_t overload;      /* TG_OVERLOAD_..., for what comes on top of `capacity`; only with one */
    int64_t capacity;      /* live tokens of the operation type at most, 1...1000000000; the first that is stated holds; default: no limit */
    int32_t concurrency;   /* tokens of the operation type that may have begun and not ended, 1...65536; those that wait for tokens do not
                              count meanwhile, the others wait without a worker; the first that is stated holds, until
                              tg_coordinator_set_concurrency_limit says otherwise; default: no limit */
    int32_t anchor_at_once; /* the same for the tokens of one anchor, 1...65535; only with an anchor; the first that is stated holds while
                              the anchor has tokens; default: no limit */
} tg_operation_options;

#define TG_OPERATION_OPTIONS_INIT \
    { sizeof(tg_operation_options), 0, 0, 0, 0, NULL, 0, NULL, 0, NULL, NULL, 0, 0, 0, NULL, NULL, NULL, 0, 0, 0, 0, 0 }

/* As tg_config_init. */
TG_API tg_status tg_operation_options_init(tg_operation_options *options, size_t struct_size);

/* Makes an operation of a coordinator. `operation_type`: 1 to 255 bytes; several operations may share one.
 * *out is to be given to tg_operation_destroy. */
TG_API tg_status tg_operation_create(
    tg_coordinator *coordinator, const char *operation_type, tg_body body, const tg_operation_options *options,
    tg_operation **out, tg_error *error);

/* Gives the handle back; its tokens go on. NULL does nothing. */
TG_API tg_status tg_operation_destroy(tg_operation *operation, tg_error *error);

/* ---- Submission ----------------------------------------------------------------------------------------------- */

/* Called once, when the token is settled: on the thread that settled it (a worker, who killed it, or the one that tells when
 * times have passed), or on the registering thread where it is settled already. Short; must not block. `token` is borrowed for the
 * call. */
typedef void (*tg_on_settled)(tg_token *token, void *user_data);

/* What becomes of a token where one that it was to come after did not complete. */
enum {
    TG_AFTER_FAILURE_DEFAULT = 0, /* fail */
    TG_AFTER_FAILURE_FAIL = 1,    /* it settles with TG_E_DEPENDENCY_FAILED, and never runs */
    TG_AFTER_FAILURE_RUN = 2      /* it runs all the same */
};

typedef struct tg_submit_options {
    size_t struct_size;
    tg_destroy destroy_argument; /* nullable; called with the argument, once: after the body; where that never ran, at the latest
                                    with the last reference to the token */
    const void *anchor;          /* the key's bytes, for TG_ANCHOR_PER_CALL: borrowed for the call */
    size_t anchor_size;          /* 1 and more */
    tg_completion_queue *queue;  /* nullable; gets the token when it is settled */
    void *tag;                   /* for the completion */
    tg_on_settled on_settled;    /* nullable */
    void *user_data;             /* for on_settled: transferred */
    tg_destroy destroy_user_data; /* nullable; called after on_settled */
    int64_t place_timeout;       /* with TG_OVERLOAD_SUSPEND, how long the call may wait for a place before the token is refused;
                                    default 0: not at all. Inside bodies nobody waits. Not from a callback of tg_on_settled */
    int64_t delay;               /* how long until the token is due; until then it waits without a worker */
    int64_t timeout;             /* as tg_operation_options.timeout, for this call; the shorter of the two holds; default: no limit */
    const void *key;             /* nullable: bytes that make two calls one: see tg_submit. Borrowed for the call */
    size_t key_size;             /* 1...1024 */
    tg_token *const *after;      /* nullable: tokens, of any coordinator, that it comes after; the array and its tokens are borrowed for
                                    the call */
    size_t after_count;
    int32_t after_failure;       /* TG_AFTER_FAILURE_... */
    int32_t reserved;            /* 0 */
} tg_submit_options;

#define TG_SUBMIT_OPTIONS_INIT \
    { sizeof(tg_submit_options), NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, 0, NULL, 0, 0, 0 }

/* As tg_config_init. */
TG_API tg_status tg_submit_options_init(tg_submit_options *options, size_t struct_size);

/* Submits one call; returns at once, nothing runs on this thread. Inside a body, the token descends from that body: it
 * goes to the body's coordinator, with its lead's seed and domain.
 *
 * TG_OK means that there is a token, and that it will settle; with a stopped coordinator it is settled already, with TG_E_STOPPED,
 * and with TG_E_OVERLOADED where there is no place for it (tg_config.capacity, tg_operation_options.capacity).
 * A blocked operation's token has settled with TG_E_BLOCKED.
 *
 * `out` is nullable; *out is a reference, to be given to tg_token_release. The body and callbacks may run before it is
 * written.
 *
 * With a key: while a token of this operation type, coordinator and key is alive the call submits nothing and has that one in *out,
 * a reference of its own, to be released as any. The argument is destroyed at once then; on_settled and queue are registered with the
 * live token, for this call, too. tg_token_get_id tells whether two tokens are one. Its other options are those of its first call. */
TG_API tg_status tg_submit(
    tg_operation *operation, void *argument, const tg_submit_options *options, tg_token **out, tg_error *error);

/* Submits `count` calls, at most 16777216, in order, each with its argument; `arguments` is nullable: NULL for each. Options hold for
 * each of them, except that on_settled must be NULL, since a user_data cannot be destroyed for each, and key, since all would be one.
 * `out`, nullable, has room for `count` tokens. */
TG_API tg_status tg_submit_many(
    tg_operation *operation, void *const *arguments, size_t count, const tg_submit_options *options, tg_token **out,
    tg_error *error);

/* ---- Token ---------------------------------------------------------------------------------------------------- */

enum {
    TG_STATE_CREATED = 0,
    TG_STATE_WAITING = 1,   /* held back by a pause, a storage permit, its anchor's turn, a limit, a coordinator not started, a delay,
                               a rate, or tokens that it comes after */
    TG_STATE_ADMITTED = 2,  /* in a mailbox */
    TG_STATE_EXECUTING = 3,
    TG_STATE_COMPLETED = 4, /* this and the following are terminal */
    TG_STATE_FAILED = 5,
    TG_STATE_KILLED = 6,    /* killed, discarded, or left over when its coordinator stopped */
    TG_STATE_TIMED_OUT = 7
};

/* Adds a reference. */
TG_API tg_status tg_token_retain(tg_token *token);

/* Gives a reference back; with the last one the result is destroyed. The token itself goes on. NULL does nothing. */
TG_API tg_status tg_token_release(tg_token *token);

/* Gives `count` references back; NULLs among them do nothing. */
TG_API tg_status tg_token_release_many(tg_token *const *tokens, size_t count);

/* TG_STATE_... at this moment, or a negative status. */
TG_API int32_t tg_token_state(const tg_token *token);

/* How often its body has begun: 1 at most without a retry policy, 0 before. Negative: a status. */
TG_API int32_t tg_token_attempts(const tg_token *token);

/* Who it is. */
TG_API tg_status tg_token_get_id(const tg_token *token, tg_token_id *out);

/* The 32 bytes of the lead's seed; TG_E_NOT_AVAILABLE outside of leads. */
TG_API tg_status tg_token_get_seed(const tg_token *token, uint8_t out[32]);

/* What is to be told of it at this moment, as JSON: {"id", "operationType", "state", "waitsFor" (in words: one thing, the first in its
 * way; null where that is a free worker, or not known), "isAwaited", "attempts", "domain" (null before its body began), "seed",
 * "ageNanoseconds", "timeRemainingNanoseconds" (null without a time limit)}. *out is to be freed with tg_string_free. */
TG_API tg_status tg_token_status_json(const tg_token *token, char **out, tg_error *error);

/* Settles the token with TG_E_KILLED unless it is settled. One that waits never runs; a running body is asked to end.
 * `settled`, nullable: 1 where this call did it, else 0. */
TG_API tg_status tg_token_kill(tg_token *token, int32_t *settled);

/* What became of it, without waiting: TG_OK and the result; TG_E_BODY_FAILED and the result; TG_E_NOT_SETTLED; or what it
 * was settled with (TG_E_KILLED, TG_E_DISCARDED, TG_E_STOPPED, TG_E_TIMED_OUT, TG_E_OVERLOADED, TG_E_BLOCKED,
 * TG_E_DEPENDENCY_FAILED). A pointer in *value is borrowed: it lives as long as the caller's reference. `value` is nullable. */
TG_API tg_status tg_token_result(const tg_token *token, tg_value *value, tg_error *error);

/* Blocks until it is settled, then as tg_token_result; TG_E_WAIT_TIMED_OUT where the time passes first.
 * `timeout`: 0 only looks, TG_FOREVER. Inside a body it is safe to wait for what the body submitted, at any depth: such a
 * token may run on the spot; waits in a circle (for oneself, say) end with their time, and are told (TG_EVENT_WAIT_CYCLE). Not from a callback of tg_on_settled. */
TG_API tg_status tg_token_wait(tg_token *token, int64_t timeout, tg_value *value, tg_error *error);

/* Blocks until all are settled: TG_OK whatever became of them; TG_E_WAIT_TIMED_OUT. Not from a callback of
 * tg_on_settled. */
TG_API tg_status tg_token_wait_all(tg_token *const *tokens, size_t count, int64_t timeout, tg_error *error);

/* Registers a callback: see tg_on_settled. `user_data` is transferred; it is destroyed after the callback. */
TG_API tg_status tg_token_notify(
    tg_token *token, tg_on_settled callback, void *user_data, tg_destroy destroy_user_data, tg_error *error);

/* ---- Completion queue ----------------------------------------------------------------------------------------- */

typedef struct tg_completion {
    tg_token *token;  /* a reference, to be given to tg_token_release */
    void *tag;        /* of the submission */
    tg_status status; /* as tg_token_result says */
    int32_t body_status;
    tg_value value;   /* borrowed from the token */
} tg_completion;

/* Makes a queue, for any coordinators. *out is to be given to tg_completion_queue_destroy. */
TG_API tg_status tg_completion_queue_create(tg_completion_queue **out, tg_error *error);

/* An eventfd that is readable while there are completions, for epoll, poll, libuv: the library reads and writes it, nobody
 * else may. Stays open until the queue is destroyed. A negative number is a status. */
TG_API int tg_completion_queue_fd(const tg_completion_queue *queue);

/* Lets the queue have the token when it is settled: at once where it is already. */
TG_API tg_status tg_completion_queue_add(tg_completion_queue *queue, tg_token *token, void *tag, tg_error *error);

/* Takes up to `capacity` completions, in the order in which they came in, waiting up to `timeout` for the first. *count is how many;
 * TG_E_WAIT_TIMED_OUT where there are none. Several threads may take. Waiting (timeout > 0): not from a body, nor from a
 * callback of tg_on_settled. */
TG_API tg_status tg_completion_queue_take(
    tg_completion_queue *queue, tg_completion *out, size_t capacity, int64_t timeout, size_t *count, tg_error *error);

/* Releases what is in it, closes the descriptor; tokens that settle later are not kept. NULL does nothing. Other threads may
 * be using it: who waits in it, or comes later, gets TG_E_INVALID_HANDLE. */
TG_API tg_status tg_completion_queue_destroy(tg_completion_queue *queue, tg_error *error);

/* ---- Inside bodies -------------------------------------------------------------------------------------------- */
/* With the context of the innermost body on this thread: that of a body that waits while another runs on top of it is refused. */

/* The calling thread's innermost body; NULL outside of bodies. Never fails. */
TG_API tg_context *tg_context_current(void);

/* What the operation was created with; NULL where context is. */
TG_API void *tg_context_user_data(const tg_context *context);

/* 1: the token is settled already (killed, say), nobody waits for what the body returns. Else 0, or a negative status. */
TG_API int32_t tg_context_is_cancelled(const tg_context *context);

/* 1: the coordinator has begun to stop, a long body does well to come to an end. Else 0, or a negative status. */
TG_API int32_t tg_context_is_draining(const tg_context *context);

/* How long until the token is settled without its body, by a timeout of its own or by a stop that gives up: 0 and more; TG_FOREVER
 * where neither is to come. Negative: a status. */
TG_API int64_t tg_context_time_left(const tg_context *context);

/* Which attempt this is, from 1 (tg_retry_policy). Negative: a status. */
TG_API int32_t tg_context_attempt(const tg_context *context);

/* Number of the core domain it runs in, from 1. Negative: a status. */
TG_API int32_t tg_context_domain(const tg_context *context);

/* The token's id. */
TG_API tg_status tg_context_get_id(const tg_context *context, tg_token_id *out);

/* The 32 bytes of the lead's seed; TG_E_NOT_AVAILABLE outside of leads. */
TG_API tg_status tg_context_get_seed(const tg_context *context, uint8_t out[32]);

/* The same as 64 lower-case hex digits and NUL. */
TG_API tg_status tg_context_get_seed_hex(const tg_context *context, char out[65]);

/* ---- Sight ---------------------------------------------------------------------------------------------------- */

typedef struct tg_statistics {
    size_t struct_size;
    int32_t phase;        /* TG_PHASE_... */
    uint32_t domains;
    uint32_t threads;
    uint32_t pinned_threads; /* those whose mask was read back and is their domain's */
    uint64_t submitted;   /* queued + executing + completed + failed + killed + timed_out */
    uint64_t queued;
    uint64_t executing;
    uint64_t completed;
    uint64_t failed;
    uint64_t killed;      /* killed, discarded, left over at the stop */
    uint64_t timed_out;
    uint64_t late;        /* bodies that returned after their token had been settled; not part of the sum */
    uint64_t live_anchors;
    uint64_t idle_anchors;
    uint64_t leases_opened;
    uint64_t leases_released;
    uint64_t lease_diversions;
    uint64_t capacity;      /* of tg_config; 0: no limit, and the following are 0 */
    uint64_t places_in_use; /* live tokens; more than capacity where bodies have submitted */
    uint64_t rejected;      /* tokens that found no place */
    uint64_t dropped;       /* tokens that were dropped for newer ones */
} tg_statistics;

#define TG_STATISTICS_INIT { sizeof(tg_statistics), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* One consistent snapshot. */
TG_API tg_status tg_coordinator_statistics(const tg_coordinator *coordinator, tg_statistics *out, tg_error *error);

/* The same with operations, histograms, domains, workers and tiers, as JSON. *out is to be freed with tg_string_free. */
TG_API tg_status tg_coordinator_statistics_json(const tg_coordinator *coordinator, char **out, tg_error *error);

/* By the share of an operation's runs that completed. */
enum {
    TG_HEALTH_UNKNOWN = 0,     /* fewer than five runs */
    TG_HEALTH_PROBLEMATIC = 1, /* less than half */
    TG_HEALTH_AT_RISK = 2,     /* 50 % and more */
    TG_HEALTH_HEALTHY = 3,     /* 80 % and more */
    TG_HEALTH_EXCELLENT = 4    /* 95 % and more */
};

/* How an operation has been doing in a coordinator. A run is a body that returned, whatever it was, or took too long: killed,
 * discarded and blocked tokens, and those that timed out before they began, say nothing of it. */
typedef struct tg_health {
    size_t struct_size;
    int32_t health;          /* TG_HEALTH_... */
    int32_t is_blocked;      /* 1: by tg_coordinator_block */
    int32_t is_breaker_open; /* 1: by its circuit breaker */
    int32_t is_breaker_half_open; /* 1: it lets some try, and blocks the others */
    uint64_t runs;           /* completed + failed + timed_out */
    uint64_t completed;
    uint64_t failed;
    uint64_t timed_out;
    double success_rate;     /* 0...1; -1 without runs */
    int64_t median_wait;     /* from submission to the start of the body, of half of them at most */
    int64_t median_run;      /* from the start of the body to its end, of half of them at most */
    int64_t longest_run;
    char recommendation[240]; /* what to do about it, for people; ends in NUL */
} tg_health;

#define TG_HEALTH_INIT { sizeof(tg_health), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, { 0 } }

/* How an operation type has been doing; TG_E_NOT_AVAILABLE where it was never submitted there. */
TG_API tg_status tg_coordinator_health(
    const tg_coordinator *coordinator, const char *operation_type, tg_health *out, tg_error *error);

/* The same, with what its bodies failed with and how often, as JSON: an object, or, where `operation_type` is NULL, an array with all in
 * order of their first submission: {"operationType", "health", "runs", "completed", "failed", "timedOut", "successRate" (where
 * there are runs), "medianWaitNanoseconds", "medianRunNanoseconds", "longestRunNanoseconds", "failures": [{"kind", "count"}],
 * "isBlocked", "isBreakerOpen", "isBreakerHalfOpen", "recommendation"}. *out is to be freed with tg_string_free. */
TG_API tg_status tg_coordinator_health_json(
    const tg_coordinator *coordinator, const char *operation_type, char **out, tg_error *error);

/* What became of a token: one for each, made when it settles, if tg_config.history_capacity says that some are kept. More fields may
 * come at the end, in any version. Borrowed for the callback. */
typedef struct tg_execution_record {
    size_t struct_size;
    uint64_t number;            /* 1, 2, 3, ... in the order of settling; those that are missing were pushed out by newer ones */
    tg_token_id id;
    const char *operation_type;
    int32_t state;              /* TG_STATE_..., terminal */
    tg_status status;           /* as tg_token_result says */
    const char *error;          /* in words, at most 1,000 characters; NULL where it completed */
    int64_t submitted_at;       /* monotonic, as times of events are */
    int64_t started_at;         /* when its body began, for the first time; -1 where none did */
    int64_t settled_at;
    int32_t attempts;           /* how often its body had begun */
    uint32_t domain;            /* where its body ran, from 1; 0 where none did */
    const char *worker;         /* the one that finished its body: "standard_1_core_1"; NULL where none did */
    int32_t weight;             /* TG_WEIGHT_... */
    int32_t storage;            /* TG_STORAGE_... */
    int32_t has_anchor;         /* 1, or 0 */
    int32_t reserved;           /* 0 */
    uint64_t anchor_hash;       /* of its anchor's key (XXH3-64), where it has one */
    const uint8_t *seed;        /* 32 bytes, of the lead that it belonged to, or was; NULL outside of leads */
} tg_execution_record;

/* Called for one record. It may call anything that its thread may. */
typedef void (*tg_on_record)(const tg_execution_record *record, void *user_data);

/* Calls back for each of the tokens that settled last, newest first, at most `limit` (SIZE_MAX: all that are kept), one after the other,
 * on the calling thread, before it returns. Whoever has waited for a token finds it there. Costs a copy of what is kept. `user_data`,
 * nullable, is borrowed. No record is there, and that is no error, where tg_config.history_capacity is 0. */
TG_API tg_status tg_coordinator_history(
    const tg_coordinator *coordinator, size_t limit, tg_on_record callback, void *user_data, tg_error *error);

/* The same as JSON: an array of {"number", "id", "operationType", "state", "code", "error", "submittedAt", "startedAt", "settledAt",
 * "attempts", "domain", "worker", "weight", "storage", "anchor", "seed"}, null for what there is none of. *out is to be freed with
 * tg_string_free. */
TG_API tg_status tg_coordinator_history_json(const tg_coordinator *coordinator, size_t limit, char **out, tg_error *error);

/* Writes it to a file, newest first, with the keys of Py-TokenGate's dump and more (Docs/History.md). The file takes the place of one of
 * that name when it is complete, and not before. `path`: UTF-8, not empty. `written`, nullable: how many records. Blocks on storage.
 * TG_E_SYSTEM where the system refused: there is no new file then. */
TG_API tg_status tg_coordinator_dump_history(
    const tg_coordinator *coordinator, const char *path, size_t limit, size_t *written, tg_error *error);

/* The machine as it is now, as JSON: what `tokengate topology --json` prints. *out is to be freed with tg_string_free. */
TG_API tg_status tg_topology_json(char **out, tg_error *error);

/* The CPUs of core domain `domain`, from 1, as a mask (see tg_config.cpu_mask) of `size` bytes. `needed`, nullable: how many
 * bytes it takes; with TG_E_BUFFER_TOO_SMALL nothing else is written. */
TG_API tg_status tg_coordinator_domain_cpus(
    const tg_coordinator *coordinator, uint32_t domain, uint8_t *mask, size_t size, size_t *needed, tg_error *error);

enum {
    TG_EVENT_TOKEN = 1,          /* a token changed its state: id, operation_type, state, domain */
    TG_EVENT_LATE_RESULT = 2,    /* a body returned after its token had been settled: id, operation_type */
    TG_EVENT_LEASE_OPENED = 3,   /* id of the lead, domain, seed */
    TG_EVENT_LEASE_RELEASED = 4, /* the same */
    TG_EVENT_WORKER_STARTED = 5, /* domain, detail: crew, number and pinning */
    TG_EVENT_WORKER_ENDED = 6,   /* domain, detail: crew and number */
    TG_EVENT_THREAD_REFUSED = 7, /* domain, detail: crew and the system's error */
    TG_EVENT_LIFECYCLE = 8,      /* phase */
    TG_EVENT_RETRYING = 9,       /* a body failed and is run again: id, operation_type, attempt to come, delay, detail: why */
    TG_EVENT_BREAKER_OPENED = 10, /* operation_type, delay: for how long */
    TG_EVENT_BREAKER_HALF_OPEN = 11, /* it lets some try: operation_type */
    TG_EVENT_BREAKER_CLOSED = 12, /* operation_type */
    TG_EVENT_WAIT_CYCLE = 13, /* tokens wait for each other in a circle: id and operation_type of the first; detail: all of them, and why
                                 each waits for the next */
    TG_EVENT_WORKER_OVERRUN = 14, /* a token was settled while its body ran, which goes on and keeps its worker: domain, id,
                                     operation_type, detail: crew and number */
    TG_EVENT_WORKERS_CHANGED = 15, /* another number of a crew's threads may run at once: domain, from, to, detail: crew and why */
    TG_EVENT_DOMAIN_RETIRED = 16, /* nothing new is placed in a core domain: domain, detail: why */
    TG_EVENT_DOMAIN_RESTORED = 17, /* it is used again: domain */
    TG_EVENT_ANCHOR_REHOMED = 18, /* an anchor without live tokens has moved: anchor_hash, from and to, which are domains; domain: to */
    TG_EVENT_ANCHORS_REHOMED = 19 /* so have more of them, which are not told one by one: from, count */
};

/* One event. More kinds, and more fields at the end, may come in any version. Borrowed for the callback. */
typedef struct tg_event {
    size_t struct_size;
    uint64_t sequence;  /* 1, 2, 3, ...: a gap tells how many were missed */
    int64_t time;       /* monotonic */
    int32_t kind;       /* TG_EVENT_... */
    int32_t state;      /* TG_STATE_..., or -1 */
    int32_t phase;      /* TG_PHASE_..., or -1 */
    uint32_t domain;    /* from 1; 0 where there is none */
    tg_token_id id;
    const char *operation_type; /* or NULL */
    const char *detail;         /* or NULL */
    const uint8_t *seed;        /* 32 bytes, or NULL */
    int64_t delay;              /* or 0 */
    int64_t attempt;            /* from 1; 0 where there is none */
    int32_t from;               /* or 0 */
    int32_t to;                 /* or 0 */
    uint64_t count;             /* or 0 */
    uint64_t anchor_hash;       /* or 0 */
} tg_event;

/* Called for each event, one after the other, on a thread of the subscription's own. It may block: what comes meanwhile waits in
 * the buffer (tg_config.event_buffer), then the oldest is dropped. */
typedef void (*tg_on_event)(const tg_event *event, void *user_data);

/* Subscribes to every state change, lease and worker event from now on, until tg_subscription_destroy, or until the
 * coordinator has stopped. `user_data` is transferred. */
TG_API tg_status tg_coordinator_subscribe(
    tg_coordinator *coordinator, tg_on_event callback, void *user_data, tg_destroy destroy_user_data,
    tg_subscription **out, tg_error *error);

/* How many events were dropped because the buffer was full. */
TG_API tg_status tg_subscription_dropped(const tg_subscription *subscription, uint64_t *out);

/* Ends it: when this returns no callback runs any more, and user_data is destroyed. From its own callback: ends after
 * that. NULL does nothing. Not from a callback of tg_on_settled. */
TG_API tg_status tg_subscription_destroy(tg_subscription *subscription, tg_error *error);

#ifdef __cplusplus
}
#endif

#endif /* TOKENGATE_H */
