// SPDX-License-Identifier: Apache-2.0
// The engine behind a pipe, for tests in other languages: one JSON command a line in, one JSON answer a line
// out. Files go through the real parser into a database in memory; a query is dbk_query spelled in JSON.
//
//     {"load":{"table":"orders","format":"csv","file":"…","tenant":"t","batch_rows":0}}
//     {"remove":{"table":"orders","ids":["…"],"tenant":"t"}}
//     {"query":{"table":"orders","timeColumn":"…","from":"0","to":"…","filters":[{"column","op","values"}],
//               "keys":["status",{"column","unit","count","zone","dayStart"}],"fields":[…],
//               "aggregates":[{"kind","column"}],"fill":false,"order":[{"output","descending"}],"limit":0,
//               "after":[…],"threads":1,"stream":false}}
//
// A value is null, a text "…" or an integer {"int":"…"}. Integers in answers are strings, so that no reader
// can round them; an average is {"sum","count"}. Failures are {"error":"…","status":"…"}.
#include "engine/db.h"
#include "ingest/parse/json.h"
#include "ingest/parse/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct probe {
    dbk_db *db;
    uint64_t number; // of the last snapshot
    dbk_buffer out;
} probe;

static void out_text(dbk_buffer *out, dbk_text text)
{
    dbk_buffer_u8(out, '"');
    for (uint32_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '"' || c == '\\')
            dbk_buffer_format(out, "\\%c", c);
        else if (c < 0x20)
            dbk_buffer_format(out, "\\u%04x", c);
        else
            dbk_buffer_u8(out, c);
    }
    dbk_buffer_u8(out, '"');
}

static void out_i128(dbk_buffer *out, dbk_i128 value)
{
    char digits[48];
    size_t at = sizeof digits;
    dbk_u128 left = value < 0 ? -(dbk_u128)value : (dbk_u128)value;
    do {
        digits[--at] = (char)('0' + (int)(left % 10));
        left /= 10;
    } while (left);
    if (value < 0)
        digits[--at] = '-';
    out_text(out, (dbk_text){digits + at, (uint32_t)(sizeof digits - at)});
}

static void out_cell(dbk_buffer *out, const dbk_result *result, size_t row, int column)
{
    if (dbk_result_is_null(result, row, column)) {
        dbk_buffer_format(out, "null");
        return;
    }
    switch (dbk_result_column_kind(result, column)) {
    case DBK_RESULT_INT:
        dbk_buffer_format(out, "\"%" PRId64 "\"", dbk_result_int(result, row, column));
        break;
    case DBK_RESULT_TEXT:
        out_text(out, dbk_result_text(result, row, column));
        break;
    case DBK_RESULT_SUM:
        out_i128(out, dbk_result_sum(result, row, column));
        break;
    case DBK_RESULT_AVERAGE:
        dbk_buffer_format(out, "{\"sum\":");
        out_i128(out, dbk_result_sum(result, row, column));
        dbk_buffer_format(out, ",\"count\":\"%" PRId64 "\"}", dbk_result_count(result, row, column));
        break;
    }
}

static void out_rows(dbk_buffer *out, const dbk_result *result, bool first)
{
    int columns = dbk_result_columns(result);
    for (size_t row = 0; row < dbk_result_rows(result); row++) {
        dbk_buffer_format(out, first && row == 0 ? "[" : ",[");
        for (int column = 0; column < columns; column++) {
            if (column)
                dbk_buffer_u8(out, ',');
            out_cell(out, result, row, column);
        }
        dbk_buffer_u8(out, ']');
    }
}

static void out_columns(dbk_buffer *out, const dbk_result *result)
{
    static const char *const kinds[] = {[DBK_RESULT_INT] = "int",
                                        [DBK_RESULT_TEXT] = "text",
                                        [DBK_RESULT_SUM] = "sum",
                                        [DBK_RESULT_AVERAGE] = "average"};
    static const char *const types[] = {
        [DBK_BOOL] = "bool", [DBK_INT] = "int",   [DBK_MONEY] = "money", [DBK_RATE] = "rate",
        [DBK_TIME] = "time", [DBK_DATE] = "date", [DBK_CODE] = "code",   [DBK_TEXT] = "text"};
    dbk_buffer_format(out, "\"columns\":[");
    for (int column = 0; column < dbk_result_columns(result); column++)
        dbk_buffer_format(out, "%s[\"%s\",\"%s\"]", column ? "," : "",
                          kinds[dbk_result_column_kind(result, column)],
                          types[dbk_result_column_type(result, column)]);
    dbk_buffer_u8(out, ']');
}

// ---- The query ----

// The first failure wins; reading goes on with something harmless.
typedef struct build {
    dbk_arena arena;
    dbk_status status;
    dbk_error *err;
} build;

static void *build_array(build *b, uint32_t count, size_t size)
{
    void *array = dbk_arena_zalloc(&b->arena, (count + 1) * size);
    if (!array)
        abort();
    return array;
}

static const char *build_name(build *b, const dbk_json *value)
{
    if (!value || value->type != DBK_JSON_STRING)
        return NULL;
    return dbk_arena_copy(&b->arena, value->text.data, value->text.length);
}

static int64_t build_number(build *b, const dbk_json *value, int64_t absent)
{
    if (!value || value->type == DBK_JSON_NULL)
        return absent;
    char digits[32];
    if ((value->type != DBK_JSON_NUMBER && value->type != DBK_JSON_STRING) ||
        value->text.length >= sizeof digits) {
        b->status = dbk_fail(b->err, DBK_INVALID, "probe: not a number");
        return absent;
    }
    memcpy(digits, value->text.data, value->text.length);
    digits[value->text.length] = 0;
    return strtoll(digits, NULL, 10);
}

static bool build_bool(const dbk_json *value)
{
    return value && value->type == DBK_JSON_TRUE;
}

static int build_word(build *b, const dbk_json *value, const char *const *words, size_t count)
{
    dbk_text text = dbk_json_string_of(value);
    for (size_t i = 0; i < count; i++)
        if (dbk_text_equal(text, dbk_text_from(words[i])))
            return (int)i;
    b->status = dbk_fail(b->err, DBK_INVALID, "probe: no such word: %.*s", (int)text.length,
                         text.data ? text.data : "");
    return 0;
}

static const dbk_value *build_values(build *b, const dbk_json *list, int *count)
{
    *count = list ? (int)list->count : 0;
    dbk_value *values = build_array(b, (uint32_t)*count, sizeof *values);
    int i = 0;
    for (const dbk_json *item = list ? dbk_json_first(list) : NULL; item;
         item = dbk_json_next(list, item), i++) {
        if (item->type == DBK_JSON_STRING) {
            values[i] = (dbk_value){.kind = DBK_VALUE_TEXT, .text = item->text};
        } else if (item->type == DBK_JSON_OBJECT) {
            int64_t number = build_number(b, dbk_json_get(item, "int"), 0);
            values[i] = (dbk_value){.kind = DBK_VALUE_INT, .number = number};
        }
    }
    return values;
}

static void build_filters(build *b, const dbk_json *list, dbk_query *query)
{
    static const char *const ops[] = {"eq", "ne", "in",   "lt",       "le",
                                      "gt", "ge", "null", "not_null", "contains"};
    if (!list)
        return;
    dbk_filter *filters = build_array(b, list->count, sizeof *filters);
    for (const dbk_json *item = dbk_json_first(list); item; item = dbk_json_next(list, item)) {
        dbk_filter *filter = &filters[query->filters_count++];
        filter->column = build_name(b, dbk_json_get(item, "column"));
        filter->op = (dbk_op)build_word(b, dbk_json_get(item, "op"), ops, DBK_COUNT(ops));
        filter->values = build_values(b, dbk_json_get(item, "values"), &filter->values_count);
    }
    query->filters = filters;
}

static const dbk_bucket *build_bucket(build *b, const dbk_json *key)
{
    static const char *const units[] = {"minute", "hour", "day", "week", "month", "quarter", "year"};
    dbk_bucket *bucket = build_array(b, 1, sizeof *bucket);
    bucket->unit = (dbk_unit)build_word(b, dbk_json_get(key, "unit"), units, DBK_COUNT(units));
    bucket->count = (int)build_number(b, dbk_json_get(key, "count"), 1);
    bucket->day_start_minutes = (int)build_number(b, dbk_json_get(key, "dayStart"), 0);
    const char *zone = build_name(b, dbk_json_get(key, "zone"));
    if (zone && dbk_zone_load(zone, &bucket->zone, b->err) != DBK_OK)
        b->status = DBK_INVALID;
    return bucket;
}

static void build_keys(build *b, const dbk_json *list, dbk_query *query)
{
    if (!list)
        return;
    dbk_group_key *keys = build_array(b, list->count, sizeof *keys);
    for (const dbk_json *item = dbk_json_first(list); item; item = dbk_json_next(list, item)) {
        dbk_group_key *key = &keys[query->keys_count++];
        if (item->type == DBK_JSON_STRING) {
            key->column = build_name(b, item);
        } else {
            key->column = build_name(b, dbk_json_get(item, "column"));
            key->bucket = build_bucket(b, item);
        }
    }
    query->keys = keys;
}

static void build_fields(build *b, const dbk_json *list, dbk_query *query)
{
    if (!list)
        return;
    const char **fields = build_array(b, list->count, sizeof *fields);
    for (const dbk_json *item = dbk_json_first(list); item; item = dbk_json_next(list, item))
        fields[query->fields_count++] = build_name(b, item);
    query->fields = fields;
}

static void build_aggregates(build *b, const dbk_json *list, dbk_query *query)
{
    static const char *const kinds[] = {"rows", "values", "sum", "min", "max", "average", "distinct"};
    if (!list)
        return;
    dbk_aggregate *aggregates = build_array(b, list->count, sizeof *aggregates);
    for (const dbk_json *item = dbk_json_first(list); item; item = dbk_json_next(list, item)) {
        dbk_aggregate *aggregate = &aggregates[query->aggregates_count++];
        aggregate->kind =
            (dbk_aggregate_kind)build_word(b, dbk_json_get(item, "kind"), kinds, DBK_COUNT(kinds));
        aggregate->column = build_name(b, dbk_json_get(item, "column"));
    }
    query->aggregates = aggregates;
}

static void build_order(build *b, const dbk_json *list, dbk_query *query)
{
    if (!list)
        return;
    dbk_order *order = build_array(b, list->count, sizeof *order);
    for (const dbk_json *item = dbk_json_first(list); item; item = dbk_json_next(list, item)) {
        dbk_order *by = &order[query->order_count++];
        by->output = (int)build_number(b, dbk_json_get(item, "output"), 0);
        by->descending = build_bool(dbk_json_get(item, "descending"));
    }
    query->order = order;
}

static dbk_query build_query(build *b, const dbk_json *json)
{
    dbk_query query = {
        .table = build_name(b, dbk_json_get(json, "table")),
        .time_column = build_name(b, dbk_json_get(json, "timeColumn")),
        .from_ms = build_number(b, dbk_json_get(json, "from"), DBK_TIME_OPEN_FROM),
        .to_ms = build_number(b, dbk_json_get(json, "to"), DBK_TIME_OPEN_TO),
        .fill = build_bool(dbk_json_get(json, "fill")),
        .limit = build_number(b, dbk_json_get(json, "limit"), 0),
        .threads = (int)build_number(b, dbk_json_get(json, "threads"), 1),
    };
    build_filters(b, dbk_json_get(json, "filters"), &query);
    build_keys(b, dbk_json_get(json, "keys"), &query);
    build_fields(b, dbk_json_get(json, "fields"), &query);
    build_aggregates(b, dbk_json_get(json, "aggregates"), &query);
    build_order(b, dbk_json_get(json, "order"), &query);
    query.after = build_values(b, dbk_json_get(json, "after"), &query.after_count);
    return query;
}

typedef struct stream {
    dbk_buffer *out;
    bool begun;
} stream;

static dbk_status stream_block(void *user, const dbk_result *block, dbk_error *err)
{
    (void)err;
    stream *s = user;
    if (!s->begun) {
        out_columns(s->out, block);
        dbk_buffer_format(s->out, ",\"rows\":[");
    }
    out_rows(s->out, block, !s->begun);
    s->begun = true;
    return DBK_OK;
}

static dbk_status run_stream(probe *p, const dbk_snapshot *snapshot, dbk_text tenant, const dbk_query *query,
                             dbk_error *err)
{
    stream s = {.out = &p->out};
    dbk_status status = dbk_query_stream(snapshot, tenant, query, stream_block, &s, err);
    dbk_buffer_format(&p->out, s.begun ? "]" : "\"columns\":[],\"rows\":[]");
    return status;
}

static dbk_status run_whole(probe *p, const dbk_snapshot *snapshot, dbk_text tenant, const dbk_query *query,
                            dbk_error *err)
{
    dbk_result *result = NULL;
    DBK_TRY(dbk_query_run(snapshot, tenant, query, &result, err));
    out_columns(&p->out, result);
    dbk_buffer_format(&p->out, ",\"rows\":[");
    out_rows(&p->out, result, true);
    dbk_result_stats stats = dbk_result_statistics(result);
    dbk_buffer_format(&p->out, "],\"segments\":%" PRIu64, stats.segments_total);
    dbk_result_free(result);
    return DBK_OK;
}

static dbk_text tenant_of(const dbk_json *command)
{
    dbk_text tenant = dbk_json_string_of(dbk_json_get(command, "tenant"));
    return tenant.length ? tenant : DBK_TEXT("t");
}

static dbk_status answer_query(probe *p, const dbk_json *command, dbk_error *err)
{
    build b = {.status = DBK_OK, .err = err};
    dbk_query query = build_query(&b, command);
    dbk_status status = b.status;
    if (status == DBK_OK) {
        dbk_read read = dbk_read_begin(p->db);
        bool streamed = build_bool(dbk_json_get(command, "stream"));
        status = (streamed ? run_stream : run_whole)(p, read.snapshot, tenant_of(command), &query, err);
        dbk_read_end(p->db, &read);
    }
    dbk_arena_dispose(&b.arena);
    return status;
}

// ---- Changes ----

typedef struct load {
    probe *probe;
    dbk_text tenant;
    uint64_t stored, refused;
    dbk_buffer rejects; // the first few, as JSON
    int rejects_count;
} load;

static dbk_status apply(load *l, const dbk_batch *batch, dbk_error *err)
{
    dbk_apply_report report = {0};
    DBK_TRY(dbk_db_apply(l->probe->db, l->tenant, batch, &report, err));
    l->stored += report.stored;
    l->refused += report.rejected_count;
    free(report.rejected_rows);
    return DBK_OK;
}

static dbk_status load_batch(void *user, dbk_batch *batch, dbk_error *err)
{
    dbk_status status = apply(user, batch, err);
    dbk_batch_dispose(batch);
    free(batch);
    return status;
}

static void load_reject(void *user, const dbk_reject *reject, dbk_text row)
{
    (void)row;
    load *l = user;
    if (l->rejects_count++ >= 10)
        return;
    dbk_buffer_format(&l->rejects, "%s\"%" PRIu64 ":%s: %s\"", l->rejects_count > 1 ? "," : "", reject->line,
                      reject->column_name ? reject->column_name : "", reject->reason);
}

static dbk_status publish(probe *p, dbk_error *err)
{
    dbk_snapshot *snapshot = dbk_db_freeze(p->db, ++p->number);
    if (!snapshot)
        return dbk_fail(err, DBK_NO_MEMORY, "probe: no memory for a snapshot");
    dbk_db_publish(p->db, snapshot);
    return DBK_OK;
}

static dbk_status feed_file(dbk_parser *parser, const char *path, dbk_error *err)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return dbk_fail(err, DBK_IO, "probe: %s: %s", path, strerror(errno));
    static char block[1 << 16];
    dbk_status status = DBK_OK;
    for (size_t size; status == DBK_OK && (size = fread(block, 1, sizeof block, file)) > 0;)
        status = dbk_parser_feed(parser, block, size, err);
    fclose(file);
    return status == DBK_OK ? dbk_parser_finish(parser, err) : status;
}

static dbk_status answer_load(probe *p, const dbk_json *command, dbk_error *err)
{
    build b = {.status = DBK_OK, .err = err};
    load l = {.probe = p, .tenant = tenant_of(command)};
    dbk_parse_options options = {
        .table = dbk_table_def_by_name(dbk_json_string_of(dbk_json_get(command, "table"))),
        .format = dbk_text_equal(dbk_json_string_of(dbk_json_get(command, "format")), DBK_TEXT("ndjson"))
                      ? DBK_FORMAT_NDJSON
                      : DBK_FORMAT_CSV,
        .batch_rows = (uint32_t)build_number(&b, dbk_json_get(command, "batch_rows"), 0),
    };
    dbk_parse_sink sink = {.on_batch = load_batch, .on_reject = load_reject, .user = &l};
    const char *path = build_name(&b, dbk_json_get(command, "file"));
    dbk_parser *parser = NULL;
    dbk_status status = options.table && path
                            ? dbk_parser_create(&parser, &options, &sink, err)
                            : dbk_fail(err, DBK_INVALID, "probe: load needs table and file");
    if (status == DBK_OK) {
        status = feed_file(parser, path, err);
        dbk_parse_totals totals = dbk_parser_totals(parser);
        dbk_parser_destroy(parser);
        if (status == DBK_OK)
            status = publish(p, err);
        dbk_buffer_format(&p->out,
                          "\"rows\":%" PRIu64 ",\"rejected\":%" PRIu64 ",\"stored\":%" PRIu64
                          ",\"refused\":%" PRIu64 ",\"rejects\":[%.*s]",
                          totals.rows, totals.rejected, l.stored, l.refused, (int)l.rejects.size,
                          l.rejects.data ? (const char *)l.rejects.data : "");
    }
    dbk_buffer_dispose(&l.rejects);
    dbk_arena_dispose(&b.arena);
    return status;
}

static dbk_status answer_remove(probe *p, const dbk_json *command, dbk_error *err)
{
    const dbk_json *ids = dbk_json_get(command, "ids");
    const dbk_table_def *table = dbk_table_def_by_name(dbk_json_string_of(dbk_json_get(command, "table")));
    if (!ids || !table || ids->count > DBK_SEGMENT_ROWS)
        return dbk_fail(err, DBK_INVALID, "probe: remove needs table and ids");
    build b = {.status = DBK_OK, .err = err};
    load l = {.probe = p, .tenant = tenant_of(command)};
    dbk_batch batch = {.table = table, .rows = ids->count, .remove = true};
    dbk_batch_column *key = &batch.columns[table->key_column];
    dbk_text *texts = build_array(&b, ids->count + 1, sizeof *texts);
    uint32_t at = 1; // words[0] is "no value"
    for (const dbk_json *id = dbk_json_first(ids); id; id = dbk_json_next(ids, id))
        texts[at++] = id->text;
    if (table->columns[table->key_column].type == DBK_TEXT) {
        key->texts = texts + 1;
    } else {
        key->words = texts;
        key->words_count = ids->count + 1;
        key->codes = build_array(&b, ids->count, sizeof *key->codes);
        for (uint32_t i = 0; i < ids->count; i++)
            key->codes[i] = i + 1;
    }
    dbk_status status = apply(&l, &batch, err);
    if (status == DBK_OK)
        status = publish(p, err);
    dbk_buffer_format(&p->out, "\"removed\":%" PRIu64, l.stored);
    dbk_arena_dispose(&b.arena);
    return status;
}

static void answer(probe *p, const char *line, size_t length)
{
    dbk_error err = {0};
    dbk_json_doc doc;
    dbk_status status = dbk_json_parse(line, length, &doc, NULL, &err);
    dbk_buffer_reset(&p->out);
    dbk_buffer_u8(&p->out, '{');
    if (status == DBK_OK) {
        const dbk_json *command;
        if ((command = dbk_json_get(doc.root, "load")))
            status = answer_load(p, command, &err);
        else if ((command = dbk_json_get(doc.root, "remove")))
            status = answer_remove(p, command, &err);
        else if ((command = dbk_json_get(doc.root, "query")))
            status = answer_query(p, command, &err);
        else
            status = dbk_fail(&err, DBK_INVALID, "probe: no such command");
        dbk_json_doc_dispose(&doc);
    }
    if (status != DBK_OK) {
        dbk_buffer_reset(&p->out);
        dbk_buffer_format(&p->out, "{\"status\":\"%s\",\"error\":", dbk_status_name(status));
        out_text(&p->out, dbk_text_from(err.message));
    }
    dbk_buffer_format(&p->out, "}\n");
    fwrite(p->out.data, 1, p->out.size, stdout);
    fflush(stdout);
}

int main(void)
{
    probe p = {0};
    dbk_error err = {0};
    if (dbk_db_create(&p.db, &err) != DBK_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    char *line = NULL;
    size_t capacity = 0;
    for (ssize_t length; (length = getline(&line, &capacity, stdin)) > 0;)
        answer(&p, line, (size_t)length);
    free(line);
    dbk_buffer_dispose(&p.out);
    dbk_db_destroy(p.db);
    return 0;
}
