// SPDX-License-Identifier: Apache-2.0
// balance_collection: what is still to be collected at the end of the window, and how collecting went in it.
#include "http/stoq/reports.h"
#include "http/stoq/sales.h"

enum { OUTSTANDING, COLLECTED, FAILED };
enum { COLLECTED_COUNT, FAILED_COUNT };

static dbk_status enter_payments(dbk_stoq_run *run, dbk_stoq_ledger *ledger, dbk_stoq_payment what,
                                 dbk_error *err)
{
    static const dbk_group_key keys[] = {{.column = "line_id.offer_id"}};
    dbk_stoq_question question = dbk_stoq_paid(run, what, keys, DBK_COUNT(keys));
    bool has_failed = what == DBK_STOQ_BALANCE_FAILED;
    const dbk_stoq_figures *figures;
    DBK_TRY(dbk_stoq_ledger_measure(run, ledger, &question, &figures, err));
    for (size_t i = 0; i < figures->count; i++) {
        const dbk_stoq_figure *figure = &figures->rows[i];
        dbk_text offer = dbk_result_text(figures->result, figure->row, 0);
        dbk_stoq_entry *entry = dbk_stoq_ledger_entry(ledger, offer, (dbk_text){NULL, 0});
        if (entry == NULL)
            return dbk_fail(err, DBK_NO_MEMORY, "out of memory adding up balances");
        entry->sums[has_failed ? FAILED : COLLECTED] += figure->sums[DBK_STOQ_AMOUNT];
        entry->counts[has_failed ? FAILED_COUNT : COLLECTED_COUNT] += figure->counts[DBK_STOQ_PAYMENTS];
    }
    return DBK_OK;
}

// The names of all offers, by id.
static dbk_status query_names(dbk_stoq_run *run, dbk_result **out, dbk_error *err)
{
    static const char *const fields[] = {"id", "name"};
    static const dbk_order order = {.output = 0};
    dbk_query query = {.table = "offers",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .fields = fields,
                       .fields_count = DBK_COUNT(fields),
                       .order = &order,
                       .order_count = 1};
    return dbk_stoq_query(run, &query, out, err);
}

// Both ascend by id.
static void name_offers(dbk_stoq_ledger *ledger, const dbk_result *names)
{
    size_t at = 0;
    for (size_t row = 0; row < dbk_result_rows(names); row++) {
        dbk_text id = dbk_result_text(names, row, 0);
        while (at < ledger->count && dbk_text_compare(ledger->entries[at].keys[0], id) < 0)
            at++;
        if (at < ledger->count && dbk_text_equal(ledger->entries[at].keys[0], id))
            ledger->entries[at].texts[0] = dbk_result_text(names, row, 1);
    }
}

static dbk_status fill(dbk_stoq_run *run, dbk_stoq_ledger *ledger, dbk_error *err)
{
    DBK_TRY(dbk_stoq_outstanding(run, ledger, true, OUTSTANDING, err));
    DBK_TRY(enter_payments(run, ledger, DBK_STOQ_BALANCE_PAID, err));
    return enter_payments(run, ledger, DBK_STOQ_BALANCE_FAILED, err);
}

static void put_balances(dbk_stoq_row *row, const dbk_stoq_entry *entry)
{
    dbk_i128 collected = entry->counts[COLLECTED_COUNT], failed = entry->counts[FAILED_COUNT];
    dbk_stoq_put_money(row, entry->sums[OUTSTANDING], 1);
    dbk_stoq_put_money(row, entry->sums[COLLECTED], 1);
    dbk_stoq_put_money(row, entry->sums[FAILED], 1);
    dbk_stoq_put_int(row, collected);
    dbk_stoq_put_int(row, failed);
    dbk_stoq_put_ratio(row, collected, collected + failed);
}

// The offers add up to the totals: all is counted by payment and line, and one without an offer has an entry
// too.
static dbk_status put_totals(dbk_stoq_run *run, const dbk_stoq_ledger *ledger, dbk_error *err)
{
    dbk_stoq_entry totals = {0};
    for (size_t i = 0; i < ledger->count; i++) {
        for (int sum = OUTSTANDING; sum <= FAILED; sum++)
            totals.sums[sum] += ledger->entries[i].sums[sum];
        for (int count = COLLECTED_COUNT; count <= FAILED_COUNT; count++)
            totals.counts[count] += ledger->entries[i].counts[count];
    }
    DBK_TRY(dbk_stoq_set_begin(run, 0, err));
    dbk_stoq_row row = dbk_stoq_row_begin(run, 0);
    put_balances(&row, &totals);
    return dbk_stoq_row_end(&row, err);
}

static bool is_empty(const dbk_stoq_entry *entry)
{
    return entry->sums[OUTSTANDING] == 0 && entry->counts[COLLECTED_COUNT] == 0 &&
           entry->counts[FAILED_COUNT] == 0;
}

static dbk_status put_offers(dbk_stoq_run *run, dbk_stoq_ledger *ledger, dbk_error *err)
{
    dbk_result *names;
    DBK_TRY(query_names(run, &names, err));
    name_offers(ledger, names);
    dbk_stoq_ledger_sort(ledger, OUTSTANDING);
    dbk_status status = dbk_stoq_set_begin(run, 1, err);
    for (size_t i = 0; i < ledger->count && status == DBK_OK; i++) {
        const dbk_stoq_entry *entry = &ledger->entries[i];
        if (is_empty(entry))
            continue;
        dbk_stoq_row row = dbk_stoq_row_begin(run, 1);
        dbk_stoq_put_text(&row, entry->keys[0]);
        dbk_stoq_put_text(&row, entry->texts[0]);
        put_balances(&row, entry);
        status = dbk_stoq_row_end(&row, err);
    }
    dbk_result_free(names);
    return status;
}

dbk_status dbk_stoq_balance_collection(dbk_stoq_run *run, dbk_error *err)
{
    dbk_stoq_ledger ledger = {0};
    dbk_status status = fill(run, &ledger, err);
    if (status == DBK_OK && dbk_stoq_wants_set(run, 0))
        status = put_totals(run, &ledger, err);
    if (status == DBK_OK && dbk_stoq_wants_set(run, 1))
        status = put_offers(run, &ledger, err);
    dbk_stoq_ledger_dispose(&ledger);
    return status;
}
