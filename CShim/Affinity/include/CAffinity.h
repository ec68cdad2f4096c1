/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Affinity module asks of the system: masks of any size, thread names, nice values, threads with a stated
 * stack, and small files. Private: no product exposes this header. Every function may be called from any thread.
 * Those that return `int` return 0 or an errno value; those that return `long` return a count or a negated errno.
 */
#ifndef TOKENGATE_CAFFINITY_H
#define TOKENGATE_CAFFINITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Masks are arrays of 64-bit words, CPU n at bit n % 64 of word n / 64: what the kernel reads on every 64-bit
 * platform, and on little-endian 32-bit ones. */

/* sched_setaffinity(2) for a thread of this process; 0: the calling one. */
int tga_set_affinity(int32_t tid, const uint64_t *words, size_t count);

/* sched_getaffinity(2) for thread `tid` (0: the caller). Words written, or -errno; -EINVAL: `count` is too small. */
long tga_get_affinity(int32_t tid, uint64_t *words, size_t count);

/* sched_getcpu(3): the CPU the caller runs on, or -errno. */
int tga_current_cpu(void);

/* gettid(2), and getpid(2), which is the thread id of the main thread. */
int32_t tga_current_tid(void);
int32_t tga_main_tid(void);

/* Names the calling thread; `name` is cut to the 15 bytes the kernel keeps, never inside a UTF-8 character. */
int tga_set_name(const char *name);

/* Writes the calling thread's name and a NUL. */
int tga_get_name(char buffer[16]);

/* The nice value of the calling thread alone: Linux keeps one per thread. */
int tga_set_nice(int nice);
int tga_get_nice(int *nice);

/* The time slice of the calling thread, which has a fair policy, in nanoseconds, 100,000 to 100,000,000; 0: the system's own.
 * sched_setattr(2) with sched_runtime, which Linux 6.12 and later take for a fair policy, too; earlier ones ignore it. */
int tga_set_slice(uint64_t nanoseconds);
/* Writes 0 where the kernel does not tell it. */
int tga_get_slice(uint64_t *nanoseconds);

/* Starts a joinable thread that calls start(context). On failure `start` is never called. */
int tga_thread_create(uint64_t *handle, size_t stack_size, void (*start)(void *context), void *context);
int tga_thread_join(uint64_t handle);
int tga_thread_detach(uint64_t handle);
bool tga_thread_is_self(uint64_t handle);

/* Writes how long a thread of this process has run on a CPU, in nanoseconds. 0, or an errno value. */
int tga_thread_cpu_time(int32_t tid, int64_t *nanoseconds);

/* Reads at most `capacity` bytes of the file. Bytes read, or -errno. */
long tga_read_file(const char *path, char *buffer, size_t capacity);

/* Calls `each` with every name in the directory but "." and "..". */
int tga_list_directory(const char *path, void *context, void (*each)(void *context, const char *name));

/* The system's words for an errno value, NUL-terminated, cut to `capacity`. */
void tga_describe_errno(int code, char *buffer, size_t capacity);

#endif
