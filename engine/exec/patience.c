// SPDX-License-Identifier: Apache-2.0
// One number a thread.
#include "engine/patience.h"

static _Thread_local struct {
    bool is_limited;
    int64_t left;
} patience;

void dbk_patience_begin(int64_t ns)
{
    patience.is_limited = true;
    patience.left = ns;
}

void dbk_patience_end(void)
{
    patience.is_limited = false;
}

bool dbk_patience_take(int64_t ns)
{
    if (!patience.is_limited)
        return true;
    if (ns > patience.left)
        return false;
    patience.left -= ns;
    return true;
}

bool dbk_patience_is_limited(void)
{
    return patience.is_limited;
}
