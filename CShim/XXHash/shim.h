/* SPDX-License-Identifier: Apache-2.0 */
/* XXH3-64 comes from the system's libxxhash (Debian: libxxhash-dev, 0.8.0 or later). */
#ifndef TOKENGATE_CXXHASH_SHIM_H
#define TOKENGATE_CXXHASH_SHIM_H
#include <xxhash.h>
#endif
