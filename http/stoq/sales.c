// SPDX-License-Identifier: Apache-2.0
// Questions over preorder lines and their payments.
#include "http/stoq/sales.h"

static const dbk_aggregate line_counts[] = {{.kind = DBK_COUNT_DISTINCT, .column = "order_id"},
                                            {.kind = DBK_SUM, .column = "quantity"},
                                            {.kind = DBK_COUNT_DISTINCT, .column = "order_id.customer_id"}};
static const char *const line_sums[] = {"total", "deposit"};
static const dbk_aggregate payment_counts[] = {{.kind = DBK_COUNT_ROWS}};
static const char *const payment_sums[] = {"amount"};

static dbk_stoq_question of_window(const dbk_stoq_run *run, const dbk_group_key *keys, int keys_count)
{
    return (dbk_stoq_question){.from_ms = run->request->from_ms,
                               .to_ms = run->request->to_ms,
                               .keys = keys,
                               .keys_count = keys_count};
}

dbk_stoq_question dbk_stoq_placed(const dbk_stoq_run *run, const dbk_group_key *keys, int keys_count)
{
    dbk_stoq_question question = of_window(run, keys, keys_count);
    question.counts = line_counts;
    question.counts_count = DBK_COUNT(line_counts);
    question.sums = line_sums;
    question.sums_count = DBK_COUNT(line_sums);
    return question;
}

const char *dbk_stoq_cancelled_at(dbk_stoq_cancel how)
{
    return how == DBK_STOQ_CANCELLED_LINE ? "cancelled_at" : "order_id.cancelled_at";
}

dbk_stoq_question dbk_stoq_cancelled(const dbk_stoq_run *run, dbk_stoq_cancel how, const dbk_group_key *keys,
                                     int keys_count)
{
    dbk_stoq_question question = dbk_stoq_placed(run, keys, keys_count);
    question.time_column = dbk_stoq_cancelled_at(how);
    question.of_order_cancels = how == DBK_STOQ_CANCELLED_ORDER;
    if (how == DBK_STOQ_CANCELLED_ORDER)
        dbk_stoq_question_filter(&question, "cancelled_at", DBK_OP_NULL, NULL, 0);
    return question;
}

void dbk_stoq_only_cancelled(dbk_stoq_question *question, dbk_stoq_cancel how, const dbk_value *end)
{
    bool of_payments = question->of_payments;
    const char *line = of_payments ? "line_id.cancelled_at" : "cancelled_at";
    if (how == DBK_STOQ_CANCELLED_LINE) {
        dbk_stoq_question_filter(question, line, DBK_OP_LT, end, 1);
        return;
    }
    question->of_order_cancels = !of_payments;
    dbk_stoq_question_filter(question, line, DBK_OP_NULL, NULL, 0);
    dbk_stoq_question_filter(question, "order_id.cancelled_at", DBK_OP_LT, end, 1);
}

dbk_stoq_question dbk_stoq_paid(const dbk_stoq_run *run, dbk_stoq_payment what, const dbk_group_key *keys,
                                int keys_count)
{
    static const dbk_value deposit = {.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("deposit")};
    static const dbk_value balance = {.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("balance")};
    static const dbk_value refund = {.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("refund")};
    static const dbk_value confirmed = {.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("confirmed")};
    static const dbk_value failed = {.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("failed")};
    static const dbk_value preorder = {.kind = DBK_VALUE_TEXT, .text = DBK_TEXT("preorder")};
    static const dbk_value *const kinds[] = {&deposit, &balance, &balance, &refund};
    dbk_stoq_question question = of_window(run, keys, keys_count);
    question.of_payments = true;
    question.counts = payment_counts;
    question.counts_count = DBK_COUNT(payment_counts);
    question.sums = payment_sums;
    question.sums_count = DBK_COUNT(payment_sums);
    dbk_stoq_question_filter(&question, "kind", DBK_OP_EQ, kinds[what], 1);
    dbk_stoq_question_filter(&question, "status", DBK_OP_EQ,
                             what == DBK_STOQ_BALANCE_FAILED ? &failed : &confirmed, 1);
    if (what == DBK_STOQ_REFUND_PAID)
        dbk_stoq_question_filter(&question, "order_id.kind", DBK_OP_EQ, &preorder, 1);
    return question;
}

dbk_status dbk_stoq_one(dbk_stoq_run *run, const dbk_stoq_question *question, dbk_stoq_figure *out,
                        dbk_error *err)
{
    dbk_stoq_figures figures;
    DBK_TRY(dbk_stoq_measure(run, question, &figures, err));
    *out = figures.count > 0 ? figures.rows[0] : (dbk_stoq_figure){0};
    dbk_stoq_figures_dispose(&figures);
    return DBK_OK;
}

// ---- Outstanding ----

static dbk_status add_open(dbk_stoq_run *run, dbk_stoq_ledger *ledger, const dbk_stoq_question *question,
                           int sum, int sign, dbk_error *err)
{
    const dbk_stoq_figures *figures;
    DBK_TRY(dbk_stoq_ledger_measure(run, ledger, question, &figures, err));
    for (size_t i = 0; i < figures->count; i++) {
        const dbk_stoq_figure *figure = &figures->rows[i];
        dbk_text offer = {NULL, 0};
        if (question->keys_count > 0)
            offer = dbk_result_text(figures->result, figure->row, 0);
        dbk_stoq_entry *entry = dbk_stoq_ledger_entry(ledger, offer, (dbk_text){NULL, 0});
        if (entry == NULL)
            return dbk_fail(err, DBK_NO_MEMORY, "out of memory adding up balances");
        dbk_stoq_sum open = question->of_payments
                                ? -figure->sums[DBK_STOQ_AMOUNT]
                                : figure->sums[DBK_STOQ_TOTAL] - figure->sums[DBK_STOQ_DEPOSIT];
        entry->sums[sum] += sign * open;
    }
    return DBK_OK;
}

// What all lines leave open less what they have paid, and the same of cancelled lines taken back.
dbk_status dbk_stoq_outstanding(dbk_stoq_run *run, dbk_stoq_ledger *ledger, bool by_offer, int sum,
                                dbk_error *err)
{
    static const dbk_group_key line_offer[] = {{.column = "offer_id"}};
    static const dbk_group_key payment_offer[] = {{.column = "line_id.offer_id"}};
    const dbk_value end = {.kind = DBK_VALUE_INT, .number = run->request->to_ms};
    for (int how = -1; how < DBK_STOQ_CANCELS; how++) {
        dbk_stoq_question lines = dbk_stoq_placed(run, line_offer, by_offer);
        dbk_stoq_question paid = dbk_stoq_paid(run, DBK_STOQ_BALANCE_PAID, payment_offer, by_offer);
        lines.from_ms = paid.from_ms = DBK_TIME_OPEN_FROM;
        lines.counts_count = paid.counts_count = 0;
        if (how >= 0) {
            dbk_stoq_only_cancelled(&lines, (dbk_stoq_cancel)how, &end);
            dbk_stoq_only_cancelled(&paid, (dbk_stoq_cancel)how, &end);
        }
        DBK_TRY(add_open(run, ledger, &lines, sum, how < 0 ? 1 : -1, err));
        DBK_TRY(add_open(run, ledger, &paid, sum, how < 0 ? 1 : -1, err));
    }
    return DBK_OK;
}
