// SPDX-License-Identifier: Apache-2.0
// summary, by_offer, by_product and by_variant: what was placed in the window, in all and by what was sold.
#include "http/stoq/reports.h"
#include "http/stoq/sales.h"

enum { TOP_OFFERS = 5, REVENUE = DBK_STOQ_TOTAL };

static dbk_text none(void)
{
    return (dbk_text){NULL, 0};
}

static dbk_status no_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "out of memory adding up preorders");
}

// orders, units, revenue, deposits, balances, customers
static void put_sales(dbk_stoq_row *row, const dbk_i128 *counts, const dbk_stoq_sum *sums)
{
    dbk_stoq_put_int(row, counts[DBK_STOQ_ORDERS]);
    dbk_stoq_put_int(row, counts[DBK_STOQ_UNITS]);
    dbk_stoq_put_money(row, sums[DBK_STOQ_TOTAL], 1);
    dbk_stoq_put_money(row, sums[DBK_STOQ_DEPOSIT], 1);
    dbk_stoq_put_rest(row, sums[DBK_STOQ_TOTAL], sums[DBK_STOQ_DEPOSIT]);
    dbk_stoq_put_int(row, counts[DBK_STOQ_CUSTOMERS]);
}

static dbk_status put_totals(dbk_stoq_run *run, int set, dbk_error *err)
{
    if (!dbk_stoq_wants_set(run, set))
        return DBK_OK;
    dbk_stoq_question question = dbk_stoq_placed(run, NULL, 0);
    dbk_stoq_figure figure;
    DBK_TRY(dbk_stoq_one(run, &question, &figure, err));
    DBK_TRY(dbk_stoq_set_begin(run, set, err));
    dbk_stoq_row row = dbk_stoq_row_begin(run, set);
    put_sales(&row, figure.counts, figure.sums);
    return dbk_stoq_row_end(&row, err);
}

// Groups of a question to entries: keys, then fields as texts.
static dbk_status enter(dbk_stoq_run *run, dbk_stoq_ledger *ledger, const dbk_stoq_question *question,
                        dbk_error *err)
{
    const dbk_stoq_figures *figures;
    DBK_TRY(dbk_stoq_ledger_measure(run, ledger, question, &figures, err));
    for (size_t i = 0; i < figures->count; i++) {
        const dbk_stoq_figure *figure = &figures->rows[i];
        dbk_text second =
            question->keys_count > 1 ? dbk_result_text(figures->result, figure->row, 1) : none();
        dbk_stoq_entry *entry =
            dbk_stoq_ledger_entry(ledger, dbk_result_text(figures->result, figure->row, 0), second);
        if (entry == NULL)
            return no_memory(err);
        for (int f = 0; f < question->fields_count; f++)
            entry->texts[f] = dbk_result_text(figures->result, figure->row, question->keys_count + f);
        for (int c = 0; c < question->counts_count; c++)
            entry->counts[c] = figure->counts[c];
        for (int s = 0; s < question->sums_count; s++)
            entry->sums[s] = figure->sums[s];
    }
    return DBK_OK;
}

// ---- By offer ----

static dbk_status enter_offers(dbk_stoq_run *run, dbk_stoq_ledger *ledger, dbk_error *err)
{
    static const dbk_group_key keys[] = {{.column = "offer_id"}};
    static const char *const fields[] = {"offer_id.name"};
    dbk_stoq_question question = dbk_stoq_placed(run, keys, DBK_COUNT(keys));
    question.fields = fields;
    question.fields_count = DBK_COUNT(fields);
    DBK_TRY(enter(run, ledger, &question, err));
    dbk_stoq_ledger_sort(ledger, REVENUE);
    return DBK_OK;
}

static dbk_status put_offers(dbk_stoq_run *run, int set, size_t most, dbk_error *err)
{
    if (!dbk_stoq_wants_set(run, set))
        return DBK_OK;
    dbk_stoq_ledger ledger = {0};
    dbk_status status = enter_offers(run, &ledger, err);
    if (status == DBK_OK)
        status = dbk_stoq_set_begin(run, set, err);
    for (size_t i = 0; i < ledger.count && i < most && status == DBK_OK; i++) {
        const dbk_stoq_entry *entry = &ledger.entries[i];
        dbk_stoq_row row = dbk_stoq_row_begin(run, set);
        dbk_stoq_put_text(&row, entry->keys[0]);
        dbk_stoq_put_text(&row, entry->texts[0]);
        put_sales(&row, entry->counts, entry->sums);
        status = dbk_stoq_row_end(&row, err);
    }
    dbk_stoq_ledger_dispose(&ledger);
    return status;
}

dbk_status dbk_stoq_by_offer(dbk_stoq_run *run, dbk_error *err)
{
    DBK_TRY(put_totals(run, 0, err));
    return put_offers(run, 1, SIZE_MAX, err);
}

// ---- Summary ----

static dbk_status put_summary(dbk_stoq_run *run, dbk_stoq_ledger *ledger, dbk_error *err)
{
    dbk_stoq_question placed = dbk_stoq_placed(run, NULL, 0);
    dbk_stoq_question deposits = dbk_stoq_paid(run, DBK_STOQ_DEPOSIT_PAID, NULL, 0);
    dbk_stoq_question balances = dbk_stoq_paid(run, DBK_STOQ_BALANCE_PAID, NULL, 0);
    dbk_stoq_figure sales, deposit, balance, cancelled[DBK_STOQ_CANCELS];
    DBK_TRY(dbk_stoq_one(run, &placed, &sales, err));
    DBK_TRY(dbk_stoq_one(run, &deposits, &deposit, err));
    DBK_TRY(dbk_stoq_one(run, &balances, &balance, err));
    for (int how = 0; how < DBK_STOQ_CANCELS; how++) {
        dbk_stoq_question question = dbk_stoq_cancelled(run, (dbk_stoq_cancel)how, NULL, 0);
        question.sums_count = 0;
        DBK_TRY(dbk_stoq_one(run, &question, &cancelled[how], err));
    }
    DBK_TRY(dbk_stoq_outstanding(run, ledger, false, 0, err));
    const dbk_stoq_entry *open = dbk_stoq_ledger_entry(ledger, none(), none());
    if (open == NULL)
        return no_memory(err);
    DBK_TRY(dbk_stoq_set_begin(run, 0, err));
    dbk_stoq_row row = dbk_stoq_row_begin(run, 0);
    dbk_stoq_put_int(&row, sales.counts[DBK_STOQ_ORDERS]);
    dbk_stoq_put_int(&row, sales.counts[DBK_STOQ_UNITS]);
    dbk_stoq_put_money(&row, sales.sums[DBK_STOQ_TOTAL], 1);
    dbk_stoq_put_int(&row, sales.counts[DBK_STOQ_CUSTOMERS]);
    dbk_stoq_put_money(&row, sales.sums[DBK_STOQ_TOTAL], sales.counts[DBK_STOQ_ORDERS]);
    dbk_stoq_put_money(&row, deposit.sums[DBK_STOQ_AMOUNT], 1);
    dbk_stoq_put_money(&row, balance.sums[DBK_STOQ_AMOUNT], 1);
    dbk_stoq_put_money(&row, open->sums[0], 1);
    dbk_stoq_put_int(&row, cancelled[0].counts[DBK_STOQ_ORDERS] + cancelled[1].counts[DBK_STOQ_ORDERS]);
    dbk_stoq_put_int(&row, cancelled[0].counts[DBK_STOQ_UNITS] + cancelled[1].counts[DBK_STOQ_UNITS]);
    return dbk_stoq_row_end(&row, err);
}

dbk_status dbk_stoq_summary(dbk_stoq_run *run, dbk_error *err)
{
    dbk_stoq_ledger ledger = {0};
    dbk_status status = put_summary(run, &ledger, err);
    dbk_stoq_ledger_dispose(&ledger);
    return status == DBK_OK ? put_offers(run, 1, TOP_OFFERS, err) : status;
}

// ---- By product ----

enum { VARIANTS = DBK_STOQ_CUSTOMERS + 1 };

static dbk_status enter_products(dbk_stoq_run *run, dbk_stoq_ledger *ledger, dbk_error *err)
{
    static const dbk_group_key keys[] = {{.column = "product_id"}};
    static const char *const fields[] = {"product_id.name", "product_id.sku"};
    dbk_stoq_question question = dbk_stoq_placed(run, keys, DBK_COUNT(keys));
    const dbk_aggregate counts[] = {question.counts[DBK_STOQ_ORDERS],
                                    question.counts[DBK_STOQ_UNITS],
                                    question.counts[DBK_STOQ_CUSTOMERS],
                                    {.kind = DBK_COUNT_DISTINCT, .column = "variant_id"}};
    question.counts = counts;
    question.counts_count = DBK_COUNT(counts);
    question.fields = fields;
    question.fields_count = DBK_COUNT(fields);
    DBK_TRY(enter(run, ledger, &question, err));
    dbk_stoq_ledger_sort(ledger, REVENUE);
    return DBK_OK;
}

dbk_status dbk_stoq_by_product(dbk_stoq_run *run, dbk_error *err)
{
    DBK_TRY(put_totals(run, 0, err));
    dbk_stoq_ledger ledger = {0};
    dbk_status status = enter_products(run, &ledger, err);
    if (status == DBK_OK)
        status = dbk_stoq_set_begin(run, 1, err);
    for (size_t i = 0; i < ledger.count && status == DBK_OK; i++) {
        const dbk_stoq_entry *entry = &ledger.entries[i];
        dbk_stoq_row row = dbk_stoq_row_begin(run, 1);
        dbk_stoq_put_text(&row, entry->keys[0]);
        dbk_stoq_put_text(&row, entry->texts[0]);
        dbk_stoq_put_text(&row, entry->texts[1]);
        dbk_stoq_put_int(&row, entry->counts[VARIANTS]);
        put_sales(&row, entry->counts, entry->sums);
        status = dbk_stoq_row_end(&row, err);
    }
    dbk_stoq_ledger_dispose(&ledger);
    return status;
}

// ---- By variant ----

#define VARIANT_FIELDS                                                                                       \
    "offer_id.name", "variant_id.name", "variant_id.sku", "variant_id.product_id",                           \
        "variant_id.product_id.name"
enum { OFFER_NAME, VARIANT_NAME, SKU, PRODUCT, PRODUCT_NAME, VARIANT_TEXTS };

// The variants that are attached to the offers, sold or not.
static dbk_status query_attached(dbk_stoq_run *run, dbk_result **out, dbk_error *err)
{
    static const char *const fields[] = {"offer_id", "variant_id", VARIANT_FIELDS};
    const dbk_stoq_request *request = run->request;
    dbk_value offers[DBK_STOQ_OFFERS_MAX];
    for (int i = 0; i < request->offers_count; i++)
        offers[i] = (dbk_value){.kind = DBK_VALUE_TEXT, .text = dbk_text_from(request->offers[i])};
    dbk_value variant = {.kind = DBK_VALUE_TEXT, .text = dbk_text_from(request->variant_id)};
    dbk_value product = {.kind = DBK_VALUE_TEXT, .text = dbk_text_from(request->product_id)};
    dbk_filter filters[3] = {
        {.column = "offer_id", .op = DBK_OP_IN, .values = offers, .values_count = request->offers_count}};
    int count = 1;
    if (variant.text.length > 0)
        filters[count++] =
            (dbk_filter){.column = "variant_id", .op = DBK_OP_EQ, .values = &variant, .values_count = 1};
    if (product.text.length > 0)
        filters[count++] = (dbk_filter){
            .column = "variant_id.product_id", .op = DBK_OP_EQ, .values = &product, .values_count = 1};
    dbk_query query = {.table = "offer_variants",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = filters,
                       .filters_count = count,
                       .fields = fields,
                       .fields_count = DBK_COUNT(fields)};
    return dbk_stoq_query(run, &query, out, err);
}

static dbk_status enter_attached(dbk_stoq_ledger *ledger, const dbk_result *attached, dbk_error *err)
{
    for (size_t row = 0; row < dbk_result_rows(attached); row++) {
        dbk_stoq_entry *entry = dbk_stoq_ledger_entry(ledger, dbk_result_text(attached, row, 0),
                                                      dbk_result_text(attached, row, 1));
        if (entry == NULL)
            return no_memory(err);
        entry->flag = true;
        for (int i = 0; i < VARIANT_TEXTS; i++)
            entry->texts[i] = dbk_result_text(attached, row, 2 + i);
    }
    return DBK_OK;
}

static dbk_status enter_variants(dbk_stoq_run *run, dbk_stoq_ledger *ledger, const dbk_result *attached,
                                 dbk_error *err)
{
    static const dbk_group_key keys[] = {{.column = "offer_id"}, {.column = "variant_id"}};
    static const char *const fields[] = {VARIANT_FIELDS};
    dbk_stoq_question question = dbk_stoq_placed(run, keys, DBK_COUNT(keys));
    question.fields = fields;
    question.fields_count = DBK_COUNT(fields);
    DBK_TRY(enter_attached(ledger, attached, err));
    DBK_TRY(enter(run, ledger, &question, err));
    dbk_stoq_ledger_sort(ledger, REVENUE);
    return DBK_OK;
}

static dbk_status put_variant(dbk_stoq_run *run, const dbk_stoq_entry *entry, dbk_error *err)
{
    dbk_stoq_row row = dbk_stoq_row_begin(run, 1);
    dbk_stoq_put_text(&row, entry->keys[0]);
    dbk_stoq_put_text(&row, entry->texts[OFFER_NAME]);
    dbk_stoq_put_text(&row, entry->keys[1]);
    dbk_stoq_put_text(&row, entry->texts[VARIANT_NAME]);
    dbk_stoq_put_text(&row, entry->texts[SKU]);
    dbk_stoq_put_text(&row, entry->texts[PRODUCT]);
    dbk_stoq_put_text(&row, entry->texts[PRODUCT_NAME]);
    dbk_stoq_put_flag(&row, entry->flag);
    put_sales(&row, entry->counts, entry->sums);
    return dbk_stoq_row_end(&row, err);
}

dbk_status dbk_stoq_by_variant(dbk_stoq_run *run, dbk_error *err)
{
    dbk_stoq_ledger ledger = {0};
    dbk_result *attached;
    DBK_TRY(put_totals(run, 0, err));
    DBK_TRY(query_attached(run, &attached, err));
    dbk_status status = enter_variants(run, &ledger, attached, err);
    if (status == DBK_OK)
        status = dbk_stoq_set_begin(run, 1, err);
    for (size_t i = 0; i < ledger.count && status == DBK_OK; i++)
        status = put_variant(run, &ledger.entries[i], err);
    dbk_stoq_ledger_dispose(&ledger);
    dbk_result_free(attached);
    return status;
}
