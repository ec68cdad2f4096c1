/* SPDX-License-Identifier: Apache-2.0
 *
 * What the C API needs of a thread and of the system and cannot say in Swift: a thread-local record, fork, eventfd.
 * Private: no product exposes this header.
 */
#ifndef TOKENGATE_CFOREIGN_H
#define TOKENGATE_CFOREIGN_H

#include <stdbool.h>
#include <stdint.h>

/* The record every thread owns. Only its own thread reads or writes it.
 *   context    the innermost body that runs on this thread, or NULL (borrowed)
 *   callbacks  how many callbacks of the library's users it is inside of
 */
typedef struct tgf_thread {
    void *context;
    uint32_t callbacks;
} tgf_thread;

extern _Thread_local tgf_thread tgf_thread_record;

static inline tgf_thread *tgf_self(void) { return &tgf_thread_record; }

/* True in a child of fork(): none of the library's threads is there. */
extern bool tgf_is_forked;
static inline bool tgf_was_forked(void) { return tgf_is_forked; }

/* A new eventfd, not blocking, closed by exec; a negative errno where the system refuses. */
int tgf_eventfd(void);
/* Makes it readable. */
void tgf_eventfd_raise(int fd);
/* Makes it not readable. */
void tgf_eventfd_clear(int fd);
void tgf_close(int fd);

#endif
