/* SPDX-License-Identifier: Apache-2.0
 *
 * Nothing: oneTBB is C++, and only CShim/TBB includes it. This module brings its linker flag.
 */
