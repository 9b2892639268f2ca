// SPDX-License-Identifier: Apache-2.0
// Where the fields and rows of CSV end: the structural scan, the one loop that looks at every byte.
//
// A separator counts unless it stands inside quotes, and a quote opens only at the start of a field (or right
// after a closing quote, which is how a doubled quote looks from here). Between bytes there are therefore
// three states. Over blocks of 64 bytes the scan works on bit masks: the prefix XOR of the quotes says which
// bytes are inside; a block in which some quote opens where none may (`5" pipe`) is done again by the byte
// machine, so that both always agree.
#ifndef DBK_PARSE_CSV_SCAN_H
#define DBK_PARSE_CSV_SCAN_H

#include "engine/base/types.h"

typedef enum dbk_csv_state {
    DBK_CSV_OPENABLE = 0, // outside; a quote that comes next opens (field start, or just after a quote)
    DBK_CSV_PLAIN,        // outside, in a field: quotes are ordinary characters
    DBK_CSV_INSIDE,       // inside quotes
} dbk_csv_state;

// The fast versions write so many positions ahead.
enum { DBK_CSV_BLOCK = 64, DBK_CSV_SCAN_AHEAD = 16 };

// Scans size bytes and appends to `positions` base + i for every comma and line feed at i outside quotes, in
// order; returns how many. positions needs room for size + DBK_CSV_SCAN_AHEAD entries.
size_t dbk_csv_scan(dbk_csv_state *state, const char *data, size_t size, uint32_t base, uint32_t *positions);

// One machine's version of the scan; the portable one is the twin that tests compare with.
typedef size_t (*dbk_csv_scan_fn)(dbk_csv_state *state, const char *data, size_t size, uint32_t base,
                                  uint32_t *positions);
typedef struct dbk_csv_scanner {
    const char *name;
    dbk_csv_scan_fn scan;
} dbk_csv_scanner;

// All that this machine can run, best first; the last is "portable". *count says how many.
const dbk_csv_scanner *dbk_csv_scanners(int *count);

// The offset just behind the last line feed outside quotes, 0 if there is none: where a block may be cut so
// that both parts begin with a row. The state goes on over all bytes.
size_t dbk_csv_split(dbk_csv_state *state, const char *data, size_t size);

#endif
