// SPDX-License-Identifier: Apache-2.0
// Functions marked DBK_WIDE are compiled twice, for any x86-64 and for those with 256-bit integer vectors,
// and the loader picks once: plain loops over vectors run about twice as fast in the second form.
// Sanitizers are not up yet when the loader asks, so their builds get the first form only; so do other
// processors, and clang, whose version 14 loses such functions between files.
#ifndef DBK_BASE_WIDE_H
#define DBK_BASE_WIDE_H

#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&                          \
    !defined(__SANITIZE_THREAD__)
#define DBK_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define DBK_WIDE
#endif

#endif
