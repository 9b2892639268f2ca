// SPDX-License-Identifier: Apache-2.0
// cancellations: what was cancelled in the window, whenever it was placed; why, and of which offers.
#include "http/stoq/reports.h"
#include "http/stoq/sales.h"

enum { SET_TOTALS, SET_BY_REASON, SET_BY_OFFER, SET_ROWS };
enum { REVENUE, REFUNDS };
enum { ORDERS, UNITS, REFUND_COUNT };

static const dbk_text unknown = DBK_TEXT("unknown");

// What a breakdown is by.
typedef struct breakdown {
    bool by_reason, by_offer;
} breakdown;

static dbk_text text_of(const dbk_stoq_figures *figures, const dbk_stoq_figure *figure, int column)
{
    return dbk_result_text(figures->result, figure->row, column);
}

// The line's own reason, or the order's.
static dbk_text reason_of(const dbk_stoq_figures *figures, const dbk_stoq_figure *figure, dbk_stoq_cancel how)
{
    dbk_text reason = text_of(figures, figure, 0);
    if (reason.length == 0 && how == DBK_STOQ_CANCELLED_LINE)
        reason = text_of(figures, figure, 1);
    return reason.length > 0 ? reason : unknown;
}

static dbk_status enter_group(dbk_stoq_ledger *ledger, const dbk_stoq_figures *figures,
                              const dbk_stoq_figure *figure, dbk_stoq_cancel how, const breakdown *by,
                              int keys_count, dbk_error *err)
{
    dbk_text keys[2] = {{NULL, 0}, {NULL, 0}};
    int count = 0;
    if (by->by_reason)
        keys[count++] = reason_of(figures, figure, how);
    if (by->by_offer)
        keys[count++] = text_of(figures, figure, keys_count - 1);
    dbk_stoq_entry *entry = dbk_stoq_ledger_entry(ledger, keys[0], keys[1]);
    if (entry == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory adding up cancellations");
    if (by->by_offer)
        entry->texts[0] = text_of(figures, figure, keys_count);
    entry->counts[ORDERS] += figure->counts[DBK_STOQ_ORDERS];
    entry->counts[UNITS] += figure->counts[DBK_STOQ_UNITS];
    entry->sums[REVENUE] += figure->sums[DBK_STOQ_TOTAL];
    return DBK_OK;
}

static dbk_status enter_cancelled(dbk_stoq_run *run, dbk_stoq_ledger *ledger, const breakdown *by,
                                  dbk_error *err)
{
    static const char *const fields[] = {"offer_id.name"};
    for (int how = 0; how < DBK_STOQ_CANCELS; how++) {
        dbk_group_key keys[3];
        int count = 0;
        if (by->by_reason && how == DBK_STOQ_CANCELLED_LINE)
            keys[count++] = (dbk_group_key){.column = "cancel_reason"};
        if (by->by_reason)
            keys[count++] = (dbk_group_key){.column = "order_id.cancel_reason"};
        if (by->by_offer)
            keys[count++] = (dbk_group_key){.column = "offer_id"};
        dbk_stoq_question question = dbk_stoq_cancelled(run, (dbk_stoq_cancel)how, keys, count);
        question.counts_count = DBK_STOQ_CUSTOMERS; // orders and units
        question.sums_count = 1;
        question.fields = fields;
        question.fields_count = by->by_offer;
        const dbk_stoq_figures *figures;
        DBK_TRY(dbk_stoq_ledger_measure(run, ledger, &question, &figures, err));
        for (size_t i = 0; i < figures->count; i++)
            DBK_TRY(enter_group(ledger, figures, &figures->rows[i], (dbk_stoq_cancel)how, by, count, err));
    }
    return DBK_OK;
}

// Refunds of the window, by the offer of the line that they are of.
static dbk_status enter_refunds(dbk_stoq_run *run, dbk_stoq_ledger *ledger, bool by_offer, dbk_error *err)
{
    static const dbk_group_key keys[] = {{.column = "line_id.offer_id"}};
    static const char *const fields[] = {"line_id.offer_id.name"};
    dbk_stoq_question question = dbk_stoq_paid(run, DBK_STOQ_REFUND_PAID, keys, by_offer);
    question.fields = fields;
    question.fields_count = by_offer;
    const dbk_stoq_figures *figures;
    DBK_TRY(dbk_stoq_ledger_measure(run, ledger, &question, &figures, err));
    for (size_t i = 0; i < figures->count; i++) {
        const dbk_stoq_figure *figure = &figures->rows[i];
        dbk_text offer = {NULL, 0};
        if (by_offer)
            offer = text_of(figures, figure, 0);
        dbk_stoq_entry *entry = dbk_stoq_ledger_entry(ledger, offer, (dbk_text){NULL, 0});
        if (entry == NULL)
            return dbk_fail(err, DBK_NO_MEMORY, "out of memory adding up refunds");
        if (by_offer)
            entry->texts[0] = text_of(figures, figure, 1);
        entry->counts[REFUND_COUNT] += figure->counts[DBK_STOQ_PAYMENTS];
        entry->sums[REFUNDS] += figure->sums[DBK_STOQ_AMOUNT];
    }
    return DBK_OK;
}

// How many of the units that were placed in the window are cancelled by its end.
static dbk_status measure_rate(dbk_stoq_run *run, dbk_i128 *cancelled, dbk_i128 *placed, dbk_error *err)
{
    const dbk_value end = {.kind = DBK_VALUE_INT, .number = run->request->to_ms};
    *cancelled = 0;
    for (int how = -1; how < DBK_STOQ_CANCELS; how++) {
        dbk_stoq_question question = dbk_stoq_placed(run, NULL, 0);
        dbk_stoq_figure figure;
        question.counts_count = DBK_STOQ_CUSTOMERS;
        question.sums_count = 0;
        if (how >= 0)
            dbk_stoq_only_cancelled(&question, (dbk_stoq_cancel)how, &end);
        DBK_TRY(dbk_stoq_one(run, &question, &figure, err));
        if (how < 0)
            *placed = figure.counts[DBK_STOQ_UNITS];
        else
            *cancelled += figure.counts[DBK_STOQ_UNITS];
    }
    return DBK_OK;
}

static void put_cancelled(dbk_stoq_row *row, const dbk_stoq_entry *entry)
{
    dbk_stoq_put_int(row, entry->counts[ORDERS]);
    dbk_stoq_put_int(row, entry->counts[UNITS]);
    dbk_stoq_put_money(row, entry->sums[REVENUE], 1);
}

static dbk_status put_totals(dbk_stoq_run *run, dbk_stoq_ledger *ledger, dbk_error *err)
{
    static const breakdown whole = {false, false};
    dbk_i128 cancelled, placed;
    DBK_TRY(enter_cancelled(run, ledger, &whole, err));
    DBK_TRY(enter_refunds(run, ledger, false, err));
    DBK_TRY(measure_rate(run, &cancelled, &placed, err));
    DBK_TRY(dbk_stoq_set_begin(run, SET_TOTALS, err));
    dbk_stoq_row row = dbk_stoq_row_begin(run, SET_TOTALS);
    put_cancelled(&row, &ledger->entries[0]);
    dbk_stoq_put_money(&row, ledger->entries[0].sums[REFUNDS], 1);
    dbk_stoq_put_int(&row, ledger->entries[0].counts[REFUND_COUNT]);
    dbk_stoq_put_ratio(&row, cancelled, placed);
    return dbk_stoq_row_end(&row, err);
}

static dbk_status put_breakdown(dbk_stoq_run *run, dbk_stoq_ledger *ledger, int set, const breakdown *by,
                                dbk_error *err)
{
    DBK_TRY(enter_cancelled(run, ledger, by, err));
    if (set == SET_BY_OFFER)
        DBK_TRY(enter_refunds(run, ledger, true, err));
    dbk_stoq_ledger_sort(ledger, REVENUE);
    DBK_TRY(dbk_stoq_set_begin(run, set, err));
    for (size_t i = 0; i < ledger->count; i++) {
        const dbk_stoq_entry *entry = &ledger->entries[i];
        dbk_stoq_row row = dbk_stoq_row_begin(run, set);
        dbk_stoq_put_text(&row, entry->keys[0]);
        if (by->by_reason && by->by_offer)
            dbk_stoq_put_text(&row, entry->keys[1]);
        if (by->by_offer)
            dbk_stoq_put_text(&row, entry->texts[0]);
        put_cancelled(&row, entry);
        if (set == SET_BY_OFFER)
            dbk_stoq_put_money(&row, entry->sums[REFUNDS], 1);
        DBK_TRY(dbk_stoq_row_end(&row, err));
    }
    return DBK_OK;
}

dbk_status dbk_stoq_cancellations(dbk_stoq_run *run, dbk_error *err)
{
    static const breakdown breakdowns[] = {[SET_BY_REASON] = {.by_reason = true},
                                           [SET_BY_OFFER] = {.by_offer = true},
                                           [SET_ROWS] = {.by_reason = true, .by_offer = true}};
    dbk_status status = DBK_OK;
    for (int set = 0; set <= SET_ROWS && status == DBK_OK; set++) {
        dbk_stoq_ledger ledger = {0};
        if (!dbk_stoq_wants_set(run, set))
            continue;
        status = set == SET_TOTALS ? put_totals(run, &ledger, err)
                                   : put_breakdown(run, &ledger, set, &breakdowns[set], err);
        dbk_stoq_ledger_dispose(&ledger);
    }
    return status;
}
