/* SPDX-License-Identifier: Apache-2.0
 *
 * malloc with counters: an executable that links this defines malloc and its kin itself, so every allocation of the
 * process is seen, without LD_PRELOAD. glibc only: the work is done by its __libc_ functions.
 */
#ifndef TOKENGATE_CBENCHALLOCATIONS_H
#define TOKENGATE_CBENCHALLOCATIONS_H

#include <stdint.h>

/* Allocations of the whole process so far: malloc, calloc, aligned ones, and realloc of NULL. */
uint64_t bench_allocations(void);

#endif
