// SPDX-License-Identifier: Apache-2.0
// Loops written by hand for 512-bit vectors (AVX-512 F, BW, DQ, VL, VBMI2) stand beside a portable twin that
// gives the same answer; which of the two runs is found out once, when the program starts.
#ifndef DBK_BASE_PROCESSOR_H
#define DBK_BASE_PROCESSOR_H

#include <stdbool.h>

#if defined(__x86_64__)
#define DBK_HAS_512 1
#define DBK_512     __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,bmi,bmi2,popcnt")))
#else
#define DBK_HAS_512 0
#endif

// Whether this processor runs them, and nobody has switched them off.
bool dbk_has_512(void);
// For tests and measurements: portable twins only, or the best there is again. Not while other threads work.
void dbk_use_512(bool use);

#endif
