// SPDX-License-Identifier: Apache-2.0
// What is drawn with probability p costs -log2(p) bits; a range drawn evenly, the logarithm of its size.
#include "ingest/gen/draw.h"

#include <math.h>

uint64_t dbk_draw_uniform(dbk_random *random, dbk_tally *tally, uint64_t n)
{
    tally->bits += log2((double)n);
    return dbk_random_below(random, n);
}

int dbk_draw_weighted(dbk_random *random, dbk_tally *tally, const int *weights, int count)
{
    int total = 0;
    for (int i = 0; i < count; i++)
        total += weights[i];
    int at = (int)dbk_random_below(random, (uint64_t)total);
    int chosen = 0;
    while (at >= weights[chosen])
        at -= weights[chosen++];
    tally->bits -= log2((double)weights[chosen] / total);
    return chosen;
}

uint64_t dbk_draw_zipf(dbk_random *random, dbk_tally *tally, uint64_t n)
{
    double scale = log((double)n + 1);
    uint64_t rank = (uint64_t)exp(dbk_random_unit(random) * scale) - 1;
    if (rank >= n)
        rank = n - 1;
    tally->bits -= log2(log((double)(rank + 2) / (double)(rank + 1)) / scale);
    return rank;
}

bool dbk_draw_chance(dbk_random *random, dbk_tally *tally, int per_mille)
{
    bool yes = dbk_random_below(random, 1000) < (uint64_t)per_mille;
    tally->bits -= log2((yes ? per_mille : 1000 - per_mille) / 1000.0);
    return yes;
}

void dbk_tally_sorted(dbk_tally *tally, uint64_t count, uint64_t range)
{
    if (count > 0)
        tally->bits += (double)count * log2((double)range) - lgamma((double)count + 1) / log(2);
}
