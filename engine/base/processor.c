// SPDX-License-Identifier: Apache-2.0
// A level asks for all of its extensions at once: processors that have the last of them have the others too,
// and few levels are few twins to test.
#include "engine/base/processor.h"

static dbk_level best, used;

#if DBK_HAS_LEVELS
static dbk_level look(void)
{
    __builtin_cpu_init();
    if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
          __builtin_cpu_supports("popcnt")))
        return DBK_LEVEL_PORTABLE;
    if (!(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
          __builtin_cpu_supports("avx512vbmi2")))
        return DBK_LEVEL_AVX2;
    return DBK_LEVEL_AVX512;
}

__attribute__((constructor)) static void start(void)
{
    used = best = look();
}
#endif

dbk_level dbk_level_best(void)
{
    return best;
}

dbk_level dbk_level_used(void)
{
    return used;
}

const char *dbk_level_name(dbk_level level)
{
    return level == DBK_LEVEL_AVX512 ? "avx512" : level == DBK_LEVEL_AVX2 ? "avx2" : "portable";
}

bool dbk_level_use(dbk_level level)
{
    if (level > best)
        return false;
    used = level;
    return true;
}
