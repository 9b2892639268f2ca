// SPDX-License-Identifier: Apache-2.0
// Patience that runs out: the linker's --wrap gives this file the call, and the real one under another name.
#include "tests/support/impatience.h"

#include "engine/patience.h"

#include <stdatomic.h>

bool __real_dbk_patience_take(int64_t ns);
bool __wrap_dbk_patience_take(int64_t ns);

// Queries until the one that is refused; 0: none will.
static _Atomic uint64_t left;
static atomic_bool has_refused;

void impatience_begin(uint64_t nth)
{
    has_refused = false;
    left = nth;
}

bool impatience_end(void)
{
    left = 0;
    return has_refused;
}

bool __wrap_dbk_patience_take(int64_t ns)
{
    if (left > 0 && dbk_patience_is_limited() && --left == 0) {
        has_refused = true;
        return false;
    }
    return __real_dbk_patience_take(ns);
}
