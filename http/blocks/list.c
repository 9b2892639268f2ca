// SPDX-License-Identifier: Apache-2.0
// Records, block by block.
//
// Each block goes on behind the last record of the one before, by its time and id; the range begins there
// too, so that what was written is not looked at again. A page begins somewhere in the middle: the days
// before it are counted, not walked, and the records of its own day before it are passed over in long blocks
// of no more than their times and ids. Rows that came without a time of day all stand at one moment, which no
// range divides: each block looks at every one of them, so there must be few blocks.
#include "http/blocks/list.h"

#include "http/blocks/problem.h"

enum { BLOCK = 1024, PASSED_BLOCK = 65536 };

// The first fields of a block are what it is in order of; the columns follow.
enum { TIME, ID, COLUMNS };

typedef struct walk {
    dbk_blocks_report *report;
    const dbk_blocks_list *list;
    const char *fields[COLUMNS + DBK_BLOCKS_COLUMNS_MAX];
    int64_t from_ms;
    int64_t skip, left; // records to pass over, records to write
    dbk_result *block;  // the last one; NULL before the first
} walk;

static void begin_fields(walk *w)
{
    w->fields[TIME] = w->report->source->time_column;
    w->fields[ID] = w->report->source->id_column;
    for (int i = 0; i < w->list->columns_count; i++)
        w->fields[COLUMNS + i] = w->list->columns[i].path;
}

// ---- Where a page begins ----

static dbk_status query_days(const dbk_blocks_report *report, dbk_result **out, dbk_error *err)
{
    static const dbk_order order = {.output = 0};
    static const dbk_aggregate count = {.kind = DBK_COUNT_ROWS};
    const dbk_bucket day = {.unit = DBK_UNIT_DAY, .count = 1, .zone = report->settings.zone};
    const dbk_group_key key = {.column = report->source->time_column, .bucket = &day};
    dbk_query query = dbk_blocks_rows(report);
    query.keys = &key;
    query.keys_count = 1;
    query.aggregates = &count;
    query.aggregates_count = 1;
    query.order = &order;
    query.order_count = 1;
    return dbk_blocks_run(report, &query, out, err);
}

static dbk_status find_page(walk *w, dbk_error *err)
{
    const dbk_blocks_request *request = &w->report->request;
    int64_t rows = w->report->total.rows;
    w->from_ms = dbk_blocks_rows(w->report).from_ms;
    w->left = rows;
    if (request->page == 0)
        return DBK_OK;
    w->skip = (request->page - 1) * request->per_page;
    w->left = w->skip >= rows ? 0 : rows - w->skip < request->per_page ? rows - w->skip : request->per_page;
    if (w->skip == 0 || w->left == 0)
        return DBK_OK;
    dbk_result *days;
    DBK_TRY(query_days(w->report, &days, err));
    for (size_t row = 0; row < dbk_result_rows(days); row++) {
        int64_t count = dbk_result_int(days, row, 1);
        w->from_ms = dbk_result_int(days, row, 0);
        if (w->skip < count)
            break;
        w->skip -= count;
    }
    dbk_result_free(days);
    return DBK_OK;
}

// ---- Blocks ----

// The next `limit` records, or those that there are, with the first so many fields.
static dbk_status next_block(walk *w, int fields_count, int64_t limit, dbk_error *err)
{
    static const dbk_order order[] = {{.output = TIME}, {.output = ID}};
    dbk_value after[2];
    dbk_query query = dbk_blocks_rows(w->report);
    query.from_ms = w->from_ms;
    query.fields = w->fields;
    query.fields_count = fields_count;
    query.order = order;
    query.order_count = DBK_COUNT(order);
    query.limit = limit;
    if (w->block != NULL) {
        size_t last = dbk_result_rows(w->block) - 1;
        after[0] = (dbk_value){.kind = DBK_VALUE_INT, .number = dbk_result_int(w->block, last, TIME)};
        after[1] = (dbk_value){.kind = DBK_VALUE_TEXT, .text = dbk_result_text(w->block, last, ID)};
        query.from_ms = after[0].number;
        query.after = after;
        query.after_count = DBK_COUNT(after);
    }
    dbk_result *before = w->block;
    dbk_status status = dbk_blocks_run(w->report, &query, &w->block, err);
    if (status != DBK_OK)
        w->block = NULL;
    dbk_result_free(before);
    if (status == DBK_OK && dbk_result_rows(w->block) == 0)
        status =
            dbk_fail(err, DBK_CORRUPT, "a list ended %lld records too early", (long long)(w->skip + w->left));
    return status;
}

static void write_value(const walk *w, size_t row, int column, dbk_out *out)
{
    const dbk_blocks_report *report = w->report;
    dbk_blocks_kind kind = w->list->columns[column].kind;
    bool is_text = kind == DBK_BLOCKS_TEXT || kind == DBK_BLOCKS_STATUS || kind == DBK_BLOCKS_CURRENCY;
    int field = COLUMNS + column;
    dbk_text text = is_text ? dbk_result_text(w->block, row, field) : (dbk_text){NULL, 0};
    if (kind == DBK_BLOCKS_STATUS)
        text = dbk_blocks_status_of(report, text, &out->out->failed);
    if (kind == DBK_BLOCKS_CURRENCY && text.length == 0)
        text = report->currency.default_name;
    if (is_text)
        dbk_out_text_or_null(out, text);
    else if (dbk_result_is_null(w->block, row, field))
        dbk_out_null(out);
    else if (kind == DBK_BLOCKS_TIME)
        dbk_out_time_seconds(out, dbk_result_int(w->block, row, field));
    else if (kind == DBK_BLOCKS_MONEY)
        dbk_out_money(out, dbk_result_int(w->block, row, field), 1, report->currency.digits);
    else
        dbk_out_rate(out, dbk_result_int(w->block, row, field), 1, 1);
}

static void write_record(const walk *w, size_t row, dbk_out *out)
{
    dbk_out_object(out);
    for (int i = 0; i < w->list->columns_count; i++) {
        dbk_out_key(out, w->list->columns[i].key);
        write_value(w, row, i, out);
    }
    dbk_out_object_end(out);
}

static dbk_status write_records(walk *w, dbk_out *out, dbk_error *err)
{
    while (w->skip > BLOCK && w->left > 0) {
        DBK_TRY(next_block(w, COLUMNS, w->skip < PASSED_BLOCK ? w->skip : PASSED_BLOCK, err));
        w->skip -= (int64_t)dbk_result_rows(w->block);
    }
    while (w->left > 0) {
        int64_t wanted = w->skip + w->left;
        DBK_TRY(next_block(w, COLUMNS + w->list->columns_count, wanted < BLOCK ? wanted : BLOCK, err));
        int64_t rows = (int64_t)dbk_result_rows(w->block);
        for (int64_t row = w->skip; row < rows && w->left > 0; row++, w->left--)
            write_record(w, (size_t)row, out);
        w->skip = w->skip > rows ? w->skip - rows : 0;
    }
    return DBK_OK;
}

static dbk_status write_list(dbk_blocks_report *report, const dbk_blocks_list *list, dbk_error *err)
{
    walk w = {.report = report, .list = list};
    begin_fields(&w);
    DBK_TRY(find_page(&w, err));
    dbk_out out = dbk_blocks_open(report);
    dbk_out_key(&out, "records");
    dbk_out_array(&out);
    dbk_status status = write_records(&w, &out, err);
    dbk_result_free(w.block);
    dbk_out_array_end(&out);
    dbk_blocks_write_count(&out, "total_records", report->total.rows);
    if (list->total_key != NULL)
        dbk_blocks_write_money(report, &out, list->total_key, report->total.sums[0]);
    dbk_blocks_close(&out);
    return status;
}

void dbk_blocks_answer_list(dbk_call *call, const dbk_blocks_source *source, const dbk_blocks_list *list)
{
    dbk_blocks_report report;
    dbk_error err;
    if (!dbk_blocks_begin(call, &report, source))
        return;
    if (report.request.page == 0 && report.total.rows > DBK_BLOCKS_RECORDS_MAX) {
        dbk_blocks_refuse_size(call, report.total.rows, DBK_BLOCKS_RECORDS_MAX);
        dbk_blocks_dispose(&report);
        return;
    }
    if (report.currency.name.length > 0)
        dbk_call_header(call, "daybook-currency", report.currency.name);
    dbk_status status = write_list(&report, list, &err);
    dbk_blocks_end(&report, status, &err);
}
