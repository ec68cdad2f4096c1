/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "CForeign.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

_Thread_local tgf_thread tgf_thread_record;

/* Written once, in the child, whose only thread that is. */
bool tgf_is_forked;

static void note_fork(void) { tgf_is_forked = true; }

__attribute__((constructor)) static void watch_for_fork(void) { (void)pthread_atfork(NULL, NULL, note_fork); }

int tgf_eventfd(void) {
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void tgf_eventfd_raise(int fd) {
    uint64_t one = 1;
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR) {}
}

void tgf_eventfd_clear(int fd) {
    uint64_t count;
    while (read(fd, &count, sizeof count) < 0 && errno == EINTR) {}
}

void tgf_close(int fd) { (void)close(fd); }
