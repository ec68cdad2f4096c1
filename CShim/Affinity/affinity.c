/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "CAffinity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int tga_set_affinity(int32_t tid, const uint64_t *words, size_t count) {
    long result = syscall(SYS_sched_setaffinity, tid, count * sizeof *words, words);
    return result < 0 ? errno : 0;
}

long tga_get_affinity(int32_t tid, uint64_t *words, size_t count) {
    memset(words, 0, count * sizeof *words);
    /* The raw call tells how many bytes it wrote; the libc wrapper hides that. */
    long bytes = syscall(SYS_sched_getaffinity, tid, count * sizeof *words, words);
    if (bytes < 0) return -(long)errno;
    return (long)(((size_t)bytes + sizeof *words - 1) / sizeof *words);
}

int tga_current_cpu(void) {
    int cpu = sched_getcpu();
    return cpu < 0 ? -errno : cpu;
}

int32_t tga_current_tid(void) { return (int32_t)syscall(SYS_gettid); }

int32_t tga_main_tid(void) { return (int32_t)getpid(); }

int tga_set_name(const char *name) {
    char buffer[16];
    size_t length = strnlen(name, sizeof buffer);
    if (length >= sizeof buffer) {
        length = sizeof buffer - 1;
        /* name[length] is the first byte cut; step back while it continues a character. */
        while (length > 0 && ((unsigned char)name[length] & 0xC0) == 0x80) length--;
    }
    memcpy(buffer, name, length);
    buffer[length] = '\0';
    return pthread_setname_np(pthread_self(), buffer);
}

int tga_get_name(char buffer[16]) { return prctl(PR_GET_NAME, buffer) < 0 ? errno : 0; }

int tga_set_nice(int nice) {
    return setpriority(PRIO_PROCESS, (id_t)tga_current_tid(), nice) < 0 ? errno : 0;
}

int tga_get_nice(int *nice) {
    errno = 0; /* -1 is a nice value as well as a failure */
    int value = getpriority(PRIO_PROCESS, (id_t)tga_current_tid());
    if (value == -1 && errno != 0) return errno;
    *nice = value;
    return 0;
}

/* struct sched_attr of sched_setattr(2), first version: libc has none before glibc 2.41, and the kernel's header clashes with it. */
struct scheduling {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime;
    uint64_t deadline;
    uint64_t period;
};

int tga_set_slice(uint64_t nanoseconds) {
    struct scheduling attributes = {0};
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) < 0) return errno;
    if (attributes.policy != SCHED_OTHER && attributes.policy != SCHED_BATCH) return EINVAL;
    attributes.size = sizeof attributes;
    attributes.runtime = nanoseconds;
    return syscall(SYS_sched_setattr, 0, &attributes, 0) < 0 ? errno : 0;
}

int tga_get_slice(uint64_t *nanoseconds) {
    struct scheduling attributes = {0};
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) < 0) return errno;
    *nanoseconds = attributes.runtime;
    return 0;
}

struct start {
    void (*function)(void *);
    void *context;
};

static void *run_start(void *argument) {
    struct start start = *(struct start *)argument;
    free(argument);
    start.function(start.context);
    return NULL;
}

int tga_thread_create(uint64_t *handle, size_t stack_size, void (*function)(void *), void *context) {
    struct start *start = malloc(sizeof *start);
    if (start == NULL) return ENOMEM;
    start->function = function;
    start->context = context;

    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error == 0) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        error = stack_size > SIZE_MAX - page
            ? EINVAL
            : pthread_attr_setstacksize(&attributes, (stack_size + page - 1) / page * page);
        pthread_t thread;
        if (error == 0) error = pthread_create(&thread, &attributes, run_start, start);
        if (error == 0) *handle = (uint64_t)(uintptr_t)thread;
        pthread_attr_destroy(&attributes);
    }
    if (error != 0) free(start);
    return error;
}

int tga_thread_join(uint64_t handle) { return pthread_join((pthread_t)(uintptr_t)handle, NULL); }

int tga_thread_detach(uint64_t handle) { return pthread_detach((pthread_t)(uintptr_t)handle); }

bool tga_thread_is_self(uint64_t handle) {
    return pthread_equal((pthread_t)(uintptr_t)handle, pthread_self()) != 0;
}

int tga_thread_cpu_time(int32_t tid, int64_t *nanoseconds) {
    /* What pthread_getcpuclockid(3) makes of a thread: the kernel's encoding of a per-thread scheduler clock. */
    if (tid <= 0 || tid > 1 << 22) return ESRCH; /* the most that the kernel gives; more would not fit below */
    const clockid_t clock = (clockid_t)((~(uint32_t)tid << 3) | 6u);
    struct timespec time;
    if (clock_gettime(clock, &time) != 0) return errno;
    *nanoseconds = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
    return 0;
}

long tga_read_file(const char *path, char *buffer, size_t capacity) {
    /* O_NONBLOCK: a tree may hold a FIFO where a file should be; it must not hang us. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return -(long)errno;
    size_t used = 0;
    long error = 0;
    while (used < capacity) {
        ssize_t count = read(file, buffer + used, capacity - used);
        if (count > 0) {
            used += (size_t)count;
        } else if (count == 0) {
            break;
        } else if (errno != EINTR) {
            error = -(long)errno;
            break;
        }
    }
    close(file);
    return error != 0 ? error : (long)used;
}

int tga_list_directory(const char *path, void *context, void (*each)(void *, const char *)) {
    DIR *directory = opendir(path);
    if (directory == NULL) return errno;
    struct dirent *entry;
    errno = 0;
    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) each(context, entry->d_name);
        errno = 0;
    }
    int error = errno;
    closedir(directory);
    return error;
}

void tga_describe_errno(int code, char *buffer, size_t capacity) {
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    snprintf(buffer, capacity, "%s", locale == (locale_t)0 ? "error" : strerror_l(code, locale));
    if (locale != (locale_t)0) freelocale(locale);
}
