// SPDX-License-Identifier: Apache-2.0
// What reports of the point of sale are made of. A ledger collects the groups that queries answer with, and
// what closures were sealed with; figures are a ledger added up: windows of time, in each the categories with
// their foods and the cash registers.
#ifndef DBK_POS_FIGURES_H
#define DBK_POS_FIGURES_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/result.h"

// Where an entry comes from, as bits, so that figures can be made of some of them.
typedef enum dbk_pos_source {
    DBK_POS_PERIOD = 1, // stored tickets
    DBK_POS_BEFORE = 2, // stored tickets of periods that are closed
    DBK_POS_SEALED = 4, // what those periods were closed with, with the sign turned
} dbk_pos_source;

// Money in ten-thousandths. Texts live as long as the ledger. An entry without id is what belongs to no
// register, no category or no food.
typedef struct dbk_pos_tickets {
    int64_t window_ms;
    dbk_pos_source source;
    dbk_text register_id, register_name;
    int64_t orders;
    dbk_i128 revenue, cash, card; // revenue may be more than the other two: there are other ways to pay
} dbk_pos_tickets;

typedef struct dbk_pos_items {
    int64_t window_ms;
    dbk_pos_source source;
    dbk_text category_id, category_name, food_id, food_name;
    dbk_i128 revenue, quantity;
} dbk_pos_items;

typedef struct dbk_pos_completion {
    int64_t window_ms;
    int64_t orders;
    dbk_i128 ms; // sum of completed_at - created_at
} dbk_pos_completion;

enum { DBK_POS_RESULTS_MAX = 1024 };
typedef struct dbk_pos_ledger {
    dbk_buffer tickets, items, completions; // arrays of the above
    dbk_arena arena;
    dbk_result *results[DBK_POS_RESULTS_MAX]; // whose texts the entries point into
    int results_count;
} dbk_pos_ledger;

// A zeroed ledger is empty. Failed allocations show when figures are made.
void dbk_pos_ledger_add_tickets(dbk_pos_ledger *ledger, const dbk_pos_tickets *entry);
void dbk_pos_ledger_add_items(dbk_pos_ledger *ledger, const dbk_pos_items *entry);
void dbk_pos_ledger_add_completion(dbk_pos_ledger *ledger, const dbk_pos_completion *entry);
// Takes the result over. DBK_LIMIT when there are too many.
dbk_status dbk_pos_ledger_keep(dbk_pos_ledger *ledger, dbk_result *result, dbk_error *err);
void dbk_pos_ledger_dispose(dbk_pos_ledger *ledger);

// is_named, here and below: dbk_pos_hours_name found the name.
typedef struct dbk_pos_food {
    dbk_text id, name;
    dbk_i128 revenue, quantity;
    bool is_named;
} dbk_pos_food;

typedef struct dbk_pos_category {
    dbk_text id, name;
    dbk_i128 revenue, quantity;
    dbk_pos_food *foods;
    size_t foods_count;
    bool is_named;
} dbk_pos_category;

typedef struct dbk_pos_register {
    dbk_text id, name;
    int64_t orders;
    dbk_i128 revenue, cash, card;
    bool is_named;
} dbk_pos_register;

typedef struct dbk_pos_window {
    int64_t start_ms;
    int64_t orders;
    dbk_i128 revenue, cash, card;
    int64_t completed;
    dbk_i128 completion_ms;
    dbk_pos_category *categories;
    size_t categories_count;
    dbk_pos_register *registers; // that of no register among them
    size_t registers_count;
} dbk_pos_window;

typedef struct dbk_pos_figures {
    dbk_pos_window *windows; // by start
    size_t windows_count;
    dbk_arena arena;
} dbk_pos_figures;

// Adds the entries of some sources up; everything by id. drops_nothing: entries whose sums are all zero stay.
// *out must be disposed of, whatever this returns; its texts are the ledger's.
dbk_status dbk_pos_figures_make(dbk_pos_figures *out, dbk_pos_ledger *ledger, unsigned sources,
                                bool drops_nothing, dbk_error *err);
// Puts categories, foods and registers in the order of an answer (PA14): categories and foods by revenue,
// largest first, registers by name; then by id.
void dbk_pos_figures_sort(dbk_pos_figures *figures);
void dbk_pos_figures_dispose(dbk_pos_figures *figures);

// By start or id, while they are not sorted otherwise; NULL when there is none.
dbk_pos_window *dbk_pos_window_find(const dbk_pos_figures *figures, int64_t start_ms);
dbk_pos_category *dbk_pos_category_find(const dbk_pos_window *window, dbk_text id);
dbk_pos_food *dbk_pos_food_find(const dbk_pos_category *category, dbk_text id);
dbk_pos_register *dbk_pos_register_find(const dbk_pos_window *window, dbk_text id);

#endif
