/* SPDX-License-Identifier: Apache-2.0
 * Ordered sticky anchors: the calls of one account run in one core domain, one at a time, in the order of submission. So the
 * account needs no lock. */
#include <stdint.h>
#include <stdio.h>
#include <tokengate.h>

typedef struct account {
    int64_t balance;
    int32_t domain;
    int moves;
} account;

static account accounts[3];

static int32_t deposit(tg_context *context, void *argument, tg_result *result) {
    account *mine = argument;
    int32_t here = tg_context_domain(context);
    if (mine->moves == 0) mine->domain = here;
    if (mine->domain != here) return 1; /* Never. */
    mine->balance = mine->balance * 3 % 1000003 + mine->moves; /* The order matters. */
    mine->moves++;
    result->value.i64 = mine->balance;
    return 0;
}

int main(void) {
    enum { each = 10000 };
    tg_coordinator *coordinator;
    tg_operation *operation;
    tg_operation_options options = TG_OPERATION_OPTIONS_INIT;
    if (tg_coordinator_create(NULL, &coordinator, NULL) != TG_OK) return 1;
    if (tg_coordinator_start(coordinator, NULL) != TG_OK) return 1;
    options.anchor_mode = TG_ANCHOR_PER_CALL;
    options.ordered = 1;
    tg_operation_create(coordinator, "deposit", deposit, &options, &operation, NULL);

    for (int i = 0; i < each; i++) {
        for (int number = 0; number < 3; number++) {
            tg_submit_options call = TG_SUBMIT_OPTIONS_INIT;
            call.anchor = &number; /* The key: its bytes. */
            call.anchor_size = sizeof number;
            tg_submit(operation, &accounts[number], &call, NULL, NULL); /* No token wanted. */
        }
    }
    tg_operation_destroy(operation, NULL);
    tg_coordinator_stop(coordinator, 60 * TG_SECOND, NULL, NULL); /* Finishes what is there. */
    tg_coordinator_destroy(coordinator, NULL);

    int64_t expected = 0;
    for (int i = 0; i < each; i++) expected = expected * 3 % 1000003 + i;
    for (int number = 0; number < 3; number++) {
        printf("account %d: %d deposits, in order: %s\n", number, accounts[number].moves,
               accounts[number].balance == expected ? "yes" : "no");
    }
    return 0;
}
