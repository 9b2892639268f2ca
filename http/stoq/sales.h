// SPDX-License-Identifier: Apache-2.0
// The questions that the reports share: what was placed, cancelled and paid in the window, and what is open.
#ifndef DBK_STOQ_SALES_H
#define DBK_STOQ_SALES_H

#include "http/stoq/run.h"

// Counts and sums of questions over lines.
enum { DBK_STOQ_ORDERS, DBK_STOQ_UNITS, DBK_STOQ_CUSTOMERS };
enum { DBK_STOQ_TOTAL, DBK_STOQ_DEPOSIT };
// … and over payments.
enum { DBK_STOQ_PAYMENTS };
enum { DBK_STOQ_AMOUNT };

// A line is cancelled when it says so itself, or, where it says nothing, when its order does. These are two
// questions, of different lines.
typedef enum dbk_stoq_cancel {
    DBK_STOQ_CANCELLED_LINE,
    DBK_STOQ_CANCELLED_ORDER,
    DBK_STOQ_CANCELS
} dbk_stoq_cancel;

typedef enum dbk_stoq_payment {
    DBK_STOQ_DEPOSIT_PAID,
    DBK_STOQ_BALANCE_PAID,
    DBK_STOQ_BALANCE_FAILED,
    DBK_STOQ_REFUND_PAID, // of preorders
} dbk_stoq_payment;

// Lines placed in the window.
dbk_stoq_question dbk_stoq_placed(const dbk_stoq_run *run, const dbk_group_key *keys, int keys_count);
// Lines cancelled in the window.
dbk_stoq_question dbk_stoq_cancelled(const dbk_stoq_run *run, dbk_stoq_cancel how, const dbk_group_key *keys,
                                     int keys_count);
// The column that says when, for buckets.
const char *dbk_stoq_cancelled_at(dbk_stoq_cancel how);
// Payments made in the window.
dbk_stoq_question dbk_stoq_paid(const dbk_stoq_run *run, dbk_stoq_payment what, const dbk_group_key *keys,
                                int keys_count);
// Leaves only what was cancelled before the window's end, of a question over lines.
void dbk_stoq_only_cancelled(dbk_stoq_question *question, dbk_stoq_cancel how, const dbk_value *end);

// Asks one question without keys.
dbk_status dbk_stoq_one(dbk_stoq_run *run, const dbk_stoq_question *question, dbk_stoq_figure *out,
                        dbk_error *err);

// ---- What several questions say of one thing ----

enum { DBK_STOQ_LEDGER_FIGURES = 24 };

typedef struct dbk_stoq_entry {
    dbk_text keys[2];
    dbk_text texts[5]; // whatever else is shown of it
    dbk_i128 counts[DBK_STOQ_COUNTS_MAX];
    dbk_stoq_sum sums[DBK_STOQ_COUNTS_MAX];
    bool flag;
} dbk_stoq_entry;

// Entries by their keys, ascending, "no value" first. Owns the figures that its texts are of. Zeroed = empty.
typedef struct dbk_stoq_ledger {
    dbk_stoq_entry *entries;
    size_t count, capacity;
    dbk_stoq_figures figures[DBK_STOQ_LEDGER_FIGURES];
    int figures_count;
} dbk_stoq_ledger;

// Measures into the ledger's keeping.
dbk_status dbk_stoq_ledger_measure(dbk_stoq_run *run, dbk_stoq_ledger *ledger,
                                   const dbk_stoq_question *question, const dbk_stoq_figures **out,
                                   dbk_error *err);
// The entry, made when there is none; valid until the next. NULL when memory is out.
dbk_stoq_entry *dbk_stoq_ledger_entry(dbk_stoq_ledger *ledger, dbk_text first, dbk_text second);
// Orders entries by sums[sum], largest first, then by keys; entries cannot be looked for any more.
void dbk_stoq_ledger_sort(dbk_stoq_ledger *ledger, int sum);
void dbk_stoq_ledger_dispose(dbk_stoq_ledger *ledger);

// Balances still to be collected as of the window's end, added to sums[sum] of entries by offer (by_offer) or
// of the one entry without keys.
dbk_status dbk_stoq_outstanding(dbk_stoq_run *run, dbk_stoq_ledger *ledger, bool by_offer, int sum,
                                dbk_error *err);

#endif
