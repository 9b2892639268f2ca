// SPDX-License-Identifier: Apache-2.0
// /reports/vendors/payments/list and …/summary: what vendors were paid and will be.
#include "http/blocks/handlers.h"
#include "http/blocks/list.h"

#include <stdlib.h>

static const char *const sums[] = {"amount"};
static const dbk_blocks_source vendor_payments = {.table = "vendor_payments",
                                                  .time_column = "created_at",
                                                  .id_column = "id",
                                                  .sums = sums,
                                                  .sums_count = DBK_COUNT(sums),
                                                  .initial = "pending",
                                                  .left_out = "cancelled",
                                                  .vendor = "vendor_id",
                                                  .groups = DBK_BLOCKS_VENDOR};

// ---- By vendor ----

typedef struct vendor {
    dbk_text id, name; // point into the query's result
    int64_t payments;
    dbk_i128 amount, paid;
} vendor;

enum { VENDOR, STATUS, NAME, COUNT, AMOUNT };

static dbk_status query_vendors(const dbk_blocks_report *report, dbk_result **out, dbk_error *err)
{
    static const dbk_group_key keys[] = {{.column = "vendor_id"}, {.column = "status"}};
    static const char *const name[] = {"vendor_id.name"};
    static const dbk_aggregate aggregates[] = {{.kind = DBK_COUNT_ROWS},
                                               {.kind = DBK_SUM, .column = "amount"}};
    static const dbk_order order[] = {{.output = VENDOR}, {.output = STATUS}};
    dbk_query query = dbk_blocks_rows(report);
    query.keys = keys;
    query.keys_count = DBK_COUNT(keys);
    query.fields = name;
    query.fields_count = 1;
    query.aggregates = aggregates;
    query.aggregates_count = DBK_COUNT(aggregates);
    query.order = order;
    query.order_count = DBK_COUNT(order);
    return dbk_blocks_run(report, &query, out, err);
}

static int compare_vendors(const void *a, const void *b)
{
    const vendor *x = a, *y = b;
    if (x->amount != y->amount)
        return x->amount < y->amount ? 1 : -1;
    return dbk_text_compare(x->id, y->id);
}

// The statuses of a vendor become one. NULL when memory is out.
static vendor *fold_vendors(const dbk_blocks_report *report, const dbk_result *rows, size_t *count)
{
    bool failed = false;
    vendor *vendors = dbk_arena_alloc(&report->call->arena, (dbk_result_rows(rows) + 1) * sizeof(*vendors));
    *count = 0;
    for (size_t row = 0; vendors != NULL && row < dbk_result_rows(rows); row++) {
        dbk_text id = dbk_result_text(rows, row, VENDOR);
        if (*count == 0 || !dbk_text_equal(vendors[*count - 1].id, id))
            vendors[(*count)++] = (vendor){.id = id, .name = dbk_result_text(rows, row, NAME)};
        vendor *v = &vendors[*count - 1];
        dbk_text status = dbk_blocks_status_of(report, dbk_result_text(rows, row, STATUS), &failed);
        v->payments += dbk_result_int(rows, row, COUNT);
        v->amount += dbk_result_sum(rows, row, AMOUNT);
        if (dbk_text_equal(status, DBK_TEXT("paid")))
            v->paid += dbk_result_sum(rows, row, AMOUNT);
    }
    if (vendors == NULL || failed)
        return NULL;
    qsort(vendors, *count, sizeof(*vendors), compare_vendors);
    return vendors;
}

static void write_vendor(const dbk_blocks_report *report, dbk_out *out, const vendor *v)
{
    dbk_out_object(out);
    dbk_out_key(out, "vendor_id");
    dbk_out_text_or_null(out, v->id);
    dbk_out_key(out, "vendor_name");
    dbk_out_text_or_null(out, v->name);
    dbk_blocks_write_count(out, "payments", v->payments);
    dbk_blocks_write_money(report, out, "total_amount", v->amount);
    dbk_blocks_write_money(report, out, "paid_amount", v->paid);
    dbk_out_object_end(out);
}

// ---- The reports ----

static dbk_status write_summary(dbk_blocks_report *report, dbk_error *err)
{
    dbk_result *rows;
    size_t count;
    DBK_TRY(query_vendors(report, &rows, err));
    const vendor *vendors = fold_vendors(report, rows, &count);
    dbk_out out = dbk_blocks_open(report);
    dbk_blocks_write_count(&out, "total_payments", report->total.rows);
    dbk_blocks_write_money(report, &out, "total_amount", report->total.sums[0]);
    dbk_blocks_write_money(report, &out, "paid_amount", dbk_blocks_figure_of(report, "paid").sums[0]);
    dbk_blocks_write_money(report, &out, "pending_amount", dbk_blocks_figure_of(report, "pending").sums[0]);
    dbk_blocks_write_currency(report, &out);
    dbk_out_key(&out, "by_vendor");
    dbk_out_array(&out);
    for (size_t i = 0; vendors != NULL && i < count; i++)
        write_vendor(report, &out, &vendors[i]);
    dbk_out_array_end(&out);
    dbk_blocks_close(&out);
    dbk_result_free(rows);
    return vendors != NULL ? DBK_OK : dbk_fail(err, DBK_NO_MEMORY, "out of memory adding up vendors");
}

void dbk_blocks_vendor_payments_summary(dbk_call *call)
{
    dbk_blocks_report report;
    dbk_error err;
    if (!dbk_blocks_begin(call, &report, &vendor_payments))
        return;
    dbk_status status = write_summary(&report, &err);
    dbk_blocks_end(&report, status, &err);
}

void dbk_blocks_vendor_payments_list(dbk_call *call)
{
    static const dbk_blocks_column columns[] = {
        {"payment_id", "id", DBK_BLOCKS_TEXT},
        {"vendor_id", "vendor_id", DBK_BLOCKS_TEXT},
        {"vendor_name", "vendor_id.name", DBK_BLOCKS_TEXT},
        {"order_id", "order_id", DBK_BLOCKS_TEXT},
        {"amount", "amount", DBK_BLOCKS_MONEY},
        {"status", "status", DBK_BLOCKS_STATUS},
        {"paid_at", "paid_at", DBK_BLOCKS_TIME},
    };
    static const dbk_blocks_list list = {columns, DBK_COUNT(columns), "total_amount"};
    dbk_blocks_answer_list(call, &vendor_payments, &list);
}
