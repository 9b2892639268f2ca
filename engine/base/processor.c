// SPDX-License-Identifier: Apache-2.0
#include "engine/base/processor.h"

static bool has_512;

static bool runs_512(void)
{
#if DBK_HAS_512
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("popcnt");
#else
    return false;
#endif
}

__attribute__((constructor)) static void look(void)
{
    has_512 = runs_512();
}

bool dbk_has_512(void)
{
    return has_512;
}

void dbk_use_512(bool use)
{
    has_512 = use && runs_512();
}
