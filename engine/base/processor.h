// SPDX-License-Identifier: Apache-2.0
// The inner loops stand in up to three forms that give the same answers: for any processor, for 256-bit
// vectors (AVX2) and for 512-bit vectors (AVX-512 F, BW, DQ, VL, VBMI2). Which of them run is found out once,
// when the program starts.
#ifndef DBK_BASE_PROCESSOR_H
#define DBK_BASE_PROCESSOR_H

#include <stdbool.h>

typedef enum dbk_level { DBK_LEVEL_PORTABLE, DBK_LEVEL_AVX2, DBK_LEVEL_AVX512 } dbk_level;
enum { DBK_LEVELS = 3 };

// The best that this processor runs, and what is used of it.
dbk_level dbk_level_best(void);
dbk_level dbk_level_used(void);
// "portable", "avx2", "avx512".
const char *dbk_level_name(dbk_level level);
// For tests and measurements. False, and nothing is changed, where this processor does not run it. Not while
// other threads work.
bool dbk_level_use(dbk_level level);

// ---- Writing the forms ----

#if defined(__x86_64__)
#define DBK_HAS_LEVELS 1
#define DBK_AVX2       __attribute__((target("avx2,bmi,bmi2,popcnt")))
// gcc has to be told that whole registers are wanted.
#if defined(__clang__)
#define DBK_AVX512                                                                                           \
    __attribute__((target("avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,bmi,bmi2,popcnt")))
#else
#define DBK_AVX512                                                                                           \
    __attribute__((target("avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,bmi,bmi2,popcnt,"             \
                          "prefer-vector-width=512")))
#endif
#else
#define DBK_HAS_LEVELS 0
#endif

// The body of a function that DBK_EACH_LEVEL compiles: plain loops, which the compiler turns into vectors of
// each width.
#define DBK_BODY static inline __attribute__((always_inline))

// Defines name(parameters) as name_body(arguments) in all forms:
//
//     DBK_BODY uint64_t sum_body(const uint32_t *numbers, uint32_t n) { … }
//     DBK_EACH_LEVEL(uint64_t, sum, (const uint32_t *numbers, uint32_t n), (numbers, n))
#if DBK_HAS_LEVELS
#define DBK_EACH_LEVEL(type, name, parameters, arguments)                                                    \
    static type name##_portable parameters                                                                   \
    {                                                                                                        \
        return name##_body arguments;                                                                        \
    }                                                                                                        \
    DBK_AVX2 static type name##_avx2 parameters                                                              \
    {                                                                                                        \
        return name##_body arguments;                                                                        \
    }                                                                                                        \
    DBK_AVX512 static type name##_avx512 parameters                                                          \
    {                                                                                                        \
        return name##_body arguments;                                                                        \
    }                                                                                                        \
    type name parameters                                                                                     \
    {                                                                                                        \
        return (dbk_level_used() == DBK_LEVEL_AVX512 ? name##_avx512                                         \
                : dbk_level_used() == DBK_LEVEL_AVX2 ? name##_avx2                                           \
                                                     : name##_portable) arguments;                           \
    }
#else
#define DBK_EACH_LEVEL(type, name, parameters, arguments)                                                    \
    type name parameters                                                                                     \
    {                                                                                                        \
        return name##_body arguments;                                                                        \
    }
#endif

#endif
