// SPDX-License-Identifier: Apache-2.0
// Figures of one window as text, to be kept in a row: hours and closures are. JSON, so that whoever looks
// into the table can read it; money in ten-thousandths of the currency's unit, so that nothing is rounded:
//
//     {"registers":[[id, name, orders, revenue, cash, card], …],
//      "foods":[[category id, category name, food id, food name, revenue, quantity], …]}
#ifndef DBK_POS_KEPT_H
#define DBK_POS_KEPT_H

#include "http/json/writer.h"
#include "http/pos/figures.h"

// NULL: a window in which nothing happened.
void dbk_pos_kept_write(dbk_out *out, const dbk_pos_window *window);
// Adds what was written to a ledger, each number times `sign` (1 or -1); texts are copied. DBK_CORRUPT for
// anything that dbk_pos_kept_write does not write; then some of it may have been added.
dbk_status dbk_pos_kept_read(dbk_pos_ledger *ledger, dbk_text text, dbk_pos_source source, int sign,
                             int64_t window_ms, dbk_error *err);

#endif
