// SPDX-License-Identifier: Apache-2.0
// How long a thread has time for queries. An event loop that waits for a long one keeps all its connections
// waiting; so it says beforehand how long it can wait, and what would take longer is refused before it has
// begun, to be asked again on a thread that has time.
//
// What a query takes is estimated from its plan: the rows, kept sums and groups to be looked at, with what
// each costs a processor of today. The estimate errs by a factor of two or three, upwards rather than
// downwards.
#ifndef DBK_PATIENCE_H
#define DBK_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

// From here on, queries of this thread (dbk_query_run) that are expected to take more than is left of so many
// nanoseconds end with DBK_LONG; the others use them up, all together. Not nested.
void dbk_patience_begin(int64_t ns);
// Queries of this thread take as long as they take again.
void dbk_patience_end(void);

// For the executor: takes from what is left; false where it is not enough, and then nothing is taken.
bool dbk_patience_take(int64_t ns);
// … whether anything is counted at all.
bool dbk_patience_is_limited(void);

#endif
