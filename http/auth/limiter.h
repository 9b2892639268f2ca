// SPDX-License-Identifier: Apache-2.0
// The rate limit of one key or bearer: an exact sliding window. A request passes when fewer than `per_minute`
// requests of the key passed in the 60 seconds before it; refused ones do not count. So no minute, wherever
// it begins, ever holds more than the limit, and the wait that a refusal names is exact.
//
// A key, or the bearer of tokens, costs 8 bytes for each request of its limit, from its first request on
// until it has been silent for a minute and another that shares its place asks. Keys are spread over shards,
// each with its own lock, held for a few instructions.
#ifndef DBK_LIMITER_H
#define DBK_LIMITER_H

#include "engine/base/status.h"
#include "engine/base/types.h"

enum { DBK_LIMITER_RATE_MAX = 100000, DBK_LIMITER_WINDOW_MS = 60000 };

typedef struct dbk_limiter dbk_limiter;

dbk_status dbk_limiter_create(dbk_limiter **out, dbk_error *err);
void dbk_limiter_destroy(dbk_limiter *limiter);

// 0: the request passes. Otherwise the whole seconds to wait, 1 to 60. `cost` requests are taken at once; it
// must not exceed per_minute. now_ms is of a clock that never goes back. Any thread. When memory for a new
// key is out the request passes: a limit is no reason to fail.
int dbk_limiter_take(dbk_limiter *limiter, dbk_text key, int per_minute, int cost, int64_t now_ms);

// The same, saying what is left.
typedef struct dbk_limiter_state {
    int remaining;   // requests that would pass now
    int frees_in_ms; // until there is one more; 0 when none is taken
} dbk_limiter_state;
int dbk_limiter_take_and_tell(dbk_limiter *limiter, dbk_text key, int per_minute, int cost, int64_t now_ms,
                              dbk_limiter_state *state);

#endif
