/* SPDX-License-Identifier: Apache-2.0
 * Events of crews, of core domains, and of circles of waits. Bodies stand at gates until an event has come; no time decides. */
#include "calls.h"

#include <dirent.h>
#include <sched.h>

typedef struct seen {
    atomic_int overruns, more_workers, cycles, retired, restored, moved, moved_more;
    atomic_int gone; /* the domain that was retired */
    tg_token_id overrun;
} seen;

static void on_event(const tg_event *event, void *user_data) {
    seen *told = user_data;
    CHECK(event->struct_size == sizeof *event && event->sequence > 0);
    switch (event->kind) {
    case TG_EVENT_WORKER_OVERRUN:
        /* In the other tests bodies are killed, too. */
        if (strcmp(event->operation_type, "overrun") != 0) break;
        CHECK(event->domain == 1 && strcmp(event->detail, "standard 1") == 0);
        told->overrun = event->id;
        told->overruns++;
        break;
    case TG_EVENT_WORKERS_CHANGED:
        CHECK(event->domain >= 1 && event->from >= 1 && event->to >= 1 && event->from != event->to && event->operation_type == NULL);
        CHECK(strncmp(event->detail, "standard: ", 10) == 0 && strlen(event->detail) > 12);
        if (event->to > event->from) told->more_workers++;
        break;
    case TG_EVENT_WAIT_CYCLE:
        CHECK(event->id.sequence != 0 && strcmp(event->operation_type, "circle") == 0);
        CHECK(strstr(event->detail, "\"circle\" (body) -> ") != NULL);
        told->cycles++;
        break;
    case TG_EVENT_DOMAIN_RETIRED:
        CHECK(event->domain >= 1 && event->detail != NULL && strlen(event->detail) > 5);
        told->gone = (int)event->domain;
        told->retired++;
        break;
    case TG_EVENT_DOMAIN_RESTORED:
        CHECK((int)event->domain == atomic_load(&told->gone) && event->detail == NULL);
        told->restored++;
        break;
    case TG_EVENT_ANCHOR_REHOMED:
        CHECK(event->from == atomic_load(&told->gone) && event->to >= 1 && event->to != event->from);
        CHECK((int)event->domain == event->to && event->anchor_hash != 0);
        told->moved++;
        break;
    case TG_EVENT_ANCHORS_REHOMED:
        CHECK(event->from == atomic_load(&told->gone) && event->to == 0 && event->count >= 1);
        told->moved_more += (int)event->count;
        break;
    default: break;
    }
}

static seen told;
static tg_subscription *subscription;

static void open_coordinator(tg_config *config) {
    memset(&told, 0, sizeof told);
    NEED(tg_coordinator_create(config, &coordinator, NULL));
    NEED(tg_coordinator_start(coordinator, NULL));
    NEED(tg_coordinator_subscribe(coordinator, on_event, &told, NULL, &subscription, NULL));
}

static void close_coordinator(void) {
    NEED(tg_coordinator_stop(coordinator, 500 * TG_SECOND, NULL, NULL));
    NEED(tg_subscription_destroy(subscription, NULL));
    NEED(tg_coordinator_destroy(coordinator, NULL));
}

/* A token is killed while its body runs: its worker is told, and another one goes on. */
static void overruns(void) {
    tg_config config = TG_CONFIG_INIT;
    config.maximum_domains = 1;
    config.adaptation = TG_ADAPTATION_OFF;
    open_coordinator(&config);
    gate door = {0};
    tg_token_id id;
    tg_operation *operation = make("overrun", stand, NULL), *other = make("other", nothing, NULL);
    tg_token *token = submit(operation, &door, NULL);
    gate_await(&door, 1);
    NEED(tg_token_get_id(token, &id));
    NEED(tg_token_kill(token, NULL));
    EVENTUALLY(atomic_load(&told.overruns) == 1);
    CHECK(atomic_load(&told.overruns) == 1 && told.overrun.sequence == id.sequence && told.overrun.origin == id.origin);
    CHECK_STATUS(TG_OK, end_of(submit(other, NULL, NULL), NULL));
    gate_open(&door);
    CHECK_STATUS(TG_E_KILLED, end_of(token, NULL));
    NEED(tg_operation_destroy(operation, NULL));
    NEED(tg_operation_destroy(other, NULL));
    close_coordinator();
}

/* What the statistics say of adaptation. */
static bool adaptation_is(const char *what) {
    char *json = NULL;
    NEED(tg_coordinator_statistics_json(coordinator, &json, NULL));
    const char *place = strstr(json, "\"adaptation\":\"");
    bool is_so = place != NULL && strncmp(place + 14, what, strlen(what)) == 0 && place[14 + strlen(what)] == '"';
    tg_string_free(json);
    return is_so;
}

/* Bodies that block while tokens wait: more of them run at once. */
static void adapts(void) {
    tg_config config = TG_CONFIG_INIT;
    gate door = {0};
    tg_token *tokens[6];
    void *arguments[] = {&door, &door, &door, &door, &door, &door};
    config.maximum_domains = 1;
    config.adaptation = TG_ADAPTATION_OFF;
    open_coordinator(&config);
    CHECK(adaptation_is("off"));
    close_coordinator();

    config.adaptation = TG_ADAPTATION_AUTOMATIC;
    config.workers_per_core = 3;
    open_coordinator(&config);
    tg_operation *operation = make("blocking", stand, NULL);
    NEED(tg_submit_many(operation, arguments, 6, NULL, tokens, NULL));
    gate_await(&door, 1);
    if (adaptation_is("measuring")) {
        /* Up to workers_per_core. */
        gate_await(&door, 3);
        CHECK(atomic_load(&door.arrived) == 3);
        EVENTUALLY(atomic_load(&told.more_workers) >= 1);
        CHECK(atomic_load(&told.more_workers) >= 1);
    } else {
        printf("skipped: adaptation: the system does not tell what threads do\n");
    }
    gate_open(&door);
    NEED(tg_token_wait_all(tokens, 6, TG_FOREVER, NULL));
    NEED(tg_token_release_many(tokens, 6));
    NEED(tg_operation_destroy(operation, NULL));
    close_coordinator();
}

/* Two bodies that wait for each other. */
typedef struct circle {
    tg_token *tokens[2];
    atomic_bool is_closed;
} circle;

static circle ring;
static int32_t await_the_other(tg_context *context, void *argument, tg_result *result) {
    (void)context, (void)result;
    EVENTUALLY(atomic_load(&ring.is_closed));
    return tg_token_wait(*(tg_token **)argument, TG_FOREVER, NULL, NULL) == TG_E_KILLED ? 0 : 1;
}

static void circles(void) {
    tg_config config = TG_CONFIG_INIT;
    config.maximum_domains = 1;
    config.wait_cycle_time = TG_MILLISECOND;
    open_coordinator(&config);
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    options.storage = TG_STORAGE_INSANE;
    tg_operation *operation = make("circle", await_the_other, &options);
    for (int i = 0; i < 2; i++) ring.tokens[i] = submit(operation, &ring.tokens[1 - i], NULL);
    atomic_store(&ring.is_closed, true);
    EVENTUALLY(atomic_load(&told.cycles) == 1);
    CHECK(atomic_load(&told.cycles) == 1);
    NEED(tg_token_kill(ring.tokens[0], NULL));
    CHECK_STATUS(TG_OK, tg_token_wait(ring.tokens[1], TG_FOREVER, NULL, NULL));
    NEED(tg_token_release_many(ring.tokens, 2));
    NEED(tg_operation_destroy(operation, NULL));
    close_coordinator();
}

/* Gives all threads of the process a mask, as taskset -a does. */
static void set_masks(const cpu_set_t *mask) {
    DIR *threads = opendir("/proc/self/task");
    if (threads == NULL) exit(1);
    for (struct dirent *entry; (entry = readdir(threads)) != NULL;)
        if (entry->d_name[0] != '.') (void)sched_setaffinity(atoi(entry->d_name), sizeof *mask, mask);
    closedir(threads);
}

/* The process loses the CPUs of a domain, and gets them back. */
static void domains(void) {
    tg_config config = TG_CONFIG_INIT;
    tg_statistics statistics = TG_STATISTICS_INIT;
    cpu_set_t all, some;
    enum { anchors = 2000 };
    config.pin_mode = TG_PIN_NONE;
    config.maximum_domains = 2;
    config.event_buffer = 1 << 20;
    open_coordinator(&config);
    NEED(tg_coordinator_statistics(coordinator, &statistics, NULL));
    uint8_t bytes[sizeof all] = {0};
    if (statistics.domains < 2) {
        printf("skipped: domains that go: there is one only\n");
        close_coordinator();
        return;
    }
    CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
    NEED(tg_coordinator_domain_cpus(coordinator, 2, bytes, sizeof bytes, NULL, NULL));
    some = all;
    for (unsigned cpu = 0; cpu < 8 * sizeof bytes; cpu++)
        if (bytes[cpu / 8] & 1 << cpu % 8) CPU_CLR(cpu, &some);

    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    tg_submit_options call = TG_SUBMIT_OPTIONS_INIT;
    options.anchor_mode = TG_ANCHOR_PER_CALL;
    tg_operation *operation = make("anchored", stand, &options);
    tg_token *tokens[anchors];
    /* All live at once: both domains get their part of them, also where one of the two workers is slow to begin. */
    gate door = {0};
    for (int i = 0; i < anchors; i++) {
        call.anchor = &i, call.anchor_size = sizeof i;
        tokens[i] = submit(operation, &door, &call);
    }
    gate_open(&door);
    NEED(tg_token_wait_all(tokens, anchors, TG_FOREVER, NULL));
    NEED(tg_token_release_many(tokens, anchors));
    NEED(tg_operation_destroy(operation, NULL));

    set_masks(&some);
    /* The masks are read every five seconds; of many anchors some are told one by one. */
    EVENTUALLY(atomic_load(&told.retired) == 1 && atomic_load(&told.moved_more) > 0);
    CHECK(atomic_load(&told.retired) == 1 && atomic_load(&told.gone) == 2);
    CHECK(atomic_load(&told.moved) == 256 && atomic_load(&told.moved_more) > 0);
    CHECK(atomic_load(&told.moved) + atomic_load(&told.moved_more) < anchors);
    set_masks(&all);
    EVENTUALLY(atomic_load(&told.restored) == 1);
    CHECK(atomic_load(&told.restored) == 1);
    close_coordinator();
}

int main(void) {
    overruns();
    adapts();
    circles();
    domains();
    return check_report("events");
}
