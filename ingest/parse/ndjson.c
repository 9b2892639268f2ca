// SPDX-License-Identifier: Apache-2.0
// NDJSON: one object a line, its keys the names of columns. Lines are decoded straight into the row at hand,
// without a document in between. Files repeat their keys in one order, so the n-th key of a row is first
// compared with the n-th key of the row before.
#include "engine/base/utf8.h"
#include "ingest/parse/json_lex.h"
#include "ingest/parse/source.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX = 8 << 20, KEYS_MAX = 64, KEY_BYTES = 47 };

typedef struct known_key {
    uint8_t length; // 0: none yet
    int8_t column;  // -1: unknown and skipped
    char name[KEY_BYTES];
} known_key;

typedef struct ndjson_source {
    dbk_source super;
    dbk_parse_options options;
    dbk_rows *rows;
    dbk_buffer begun;     // a line whose end has not come yet
    dbk_buffer unescaped; // strings with escapes, of the line at hand
    uint64_t line;        // of what comes next
    bool any_row;
    uint32_t keys_count;      // of those below that are set
    known_key keys[KEYS_MAX]; // last: not cleared
} ndjson_source;

typedef struct line_parse {
    dbk_text raw;
    const char *at, *end;
    uint32_t field; // 1-based position of the key at hand
    int column;     // it means, or -1
    uint64_t seen;  // columns
    dbk_json_lex_fault fault;
    char reason[160]; // for reasons that are made up
} line_parse;

static bool fail(line_parse *p, const char *reason)
{
    p->fault = (dbk_json_lex_fault){reason, p->at};
    return false;
}

// Whether the key is a column (or one to skip); *unknown: neither.
static bool find_column(ndjson_source *source, line_parse *p, dbk_text key, bool *unknown)
{
    known_key *known = p->field <= KEYS_MAX ? &source->keys[p->field - 1] : NULL;
    if (known && p->field > source->keys_count) { // by one: fields are counted one by one
        known->length = 0;
        source->keys_count = p->field;
    }
    *unknown = false;
    if (known && known->length == key.length && memcmp(known->name, key.data, key.length) == 0 &&
        key.length) {
        p->column = known->column;
    } else {
        p->column = dbk_rows_column(source->options.table, key);
        *unknown = p->column < 0 && !source->options.ignore_unknown;
        if (!*unknown && known && key.length > 0 && key.length <= KEY_BYTES) {
            known->length = (uint8_t)key.length;
            known->column = (int8_t)p->column;
            memcpy(known->name, key.data, key.length);
        }
    }
    if (*unknown) {
        snprintf(p->reason, sizeof p->reason, "%s has no column \"%.*s\"", source->options.table->name,
                 key.length < 64 ? (int)key.length : 64, key.data);
        return fail(p, p->reason);
    }
    if (p->column >= 0) {
        if ((p->seen >> p->column) & 1)
            return fail(p, "a key that the object has already");
        p->seen |= (uint64_t)1 << p->column;
    }
    return true;
}

static bool take_value(ndjson_source *source, line_parse *p)
{
    dbk_text text = {NULL, 0};
    const char *start = p->at;
    if (p->at == p->end)
        return fail(p, "a value is missing");
    switch (*p->at) {
    case '"':
        p->at = dbk_json_string(p->at + 1, p->end, &source->unescaped, &text, &p->fault);
        if (p->at && text.length && memchr(text.data, 0, text.length)) {
            p->at = start;
            return fail(p, "a NUL character");
        }
        break;
    case 't':
        p->at = dbk_json_word(p->at, p->end, "true", &p->fault);
        text = DBK_TEXT("true");
        break;
    case 'f':
        p->at = dbk_json_word(p->at, p->end, "false", &p->fault);
        text = DBK_TEXT("false");
        break;
    case 'n':
        p->at = dbk_json_word(p->at, p->end, "null", &p->fault);
        break;
    case '{':
    case '[':
        return fail(p, "an object or array where one value is expected");
    default:
        p->at = dbk_json_number(p->at, p->end, &text, &p->fault);
    }
    if (!p->at)
        return false;
    if (p->column < 0)
        return true;
    const char *reason = dbk_rows_set(source->rows, p->column, text);
    if (reason) {
        p->at = start;
        return fail(p, reason);
    }
    return true;
}

static bool take_pair(ndjson_source *source, line_parse *p, bool *unknown)
{
    dbk_text key;
    p->field++;
    p->column = -1;
    if (p->at == p->end || *p->at != '"')
        return fail(p, "a key in quotes is missing");
    p->at = dbk_json_string(p->at + 1, p->end, &source->unescaped, &key, &p->fault);
    if (!p->at)
        return false;
    if (!find_column(source, p, key, unknown))
        return false;
    if (p->at < p->end && *p->at != ':')
        p->at = dbk_json_skip_space(p->at, p->end);
    if (p->at == p->end || *p->at != ':')
        return fail(p, "a colon is missing");
    p->at = dbk_json_skip_space(p->at + 1, p->end);
    return take_value(source, p);
}

static bool take_object(ndjson_source *source, line_parse *p, bool *unknown)
{
    if (*p->at != '{')
        return fail(p, "not a JSON object");
    p->at = dbk_json_skip_space(p->at + 1, p->end);
    bool first = true;
    while (p->at < p->end && *p->at != '}') {
        if (!first) {
            if (*p->at != ',')
                return fail(p, "a comma is missing");
            p->at = dbk_json_skip_space(p->at + 1, p->end);
        }
        if (!take_pair(source, p, unknown))
            return false;
        p->at = dbk_json_skip_space(p->at, p->end);
        first = false;
    }
    p->column = -1;
    p->field = 0;
    if (p->at == p->end)
        return fail(p, "the object is left open");
    p->at = dbk_json_skip_space(p->at + 1, p->end);
    return p->at == p->end || fail(p, "something stands behind the object");
}

static void reject(ndjson_source *source, const line_parse *p)
{
    dbk_reject what = {source->line, p->field, dbk_source_column_name(source->options.table, p->column),
                       p->fault.reason};
    dbk_source_reject(&source->super, &what, p->raw);
}

static dbk_status take_line(ndjson_source *source, const char *at, const char *end, bool check_utf8,
                            dbk_error *err)
{
    while (end > at && (end[-1] == '\r' || end[-1] == ' ' || end[-1] == '\t'))
        end--;
    line_parse p = {
        .raw = {at, (uint32_t)(end - at)}, .at = dbk_json_skip_space(at, end), .end = end, .column = -1};
    if (p.at == end)
        return DBK_OK;
    bool first_row = !source->any_row && source->line == source->options.first_line;
    source->any_row = true;
    source->unescaped.size = 0;
    if (source->unescaped.capacity < p.raw.length && memchr(at, '\\', p.raw.length) &&
        !dbk_buffer_reserve(&source->unescaped, p.raw.length))
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory for a line of %u bytes", p.raw.length);
    if (check_utf8 && dbk_utf8_invalid_at(at, p.raw.length) < p.raw.length) {
        fail(&p, "not valid UTF-8");
        reject(source, &p);
        return DBK_OK;
    }
    bool unknown = false;
    dbk_rows_begin(source->rows);
    if (!take_object(source, &p, &unknown)) {
        // In the first row that is a file of another table rather than a slip.
        if (unknown && first_row) {
            char known[300];
            dbk_rows_column_list(source->options.table, known, sizeof known);
            return dbk_fail(err, DBK_INVALID, "line 1: %s; its columns are %s", p.fault.reason, known);
        }
        reject(source, &p);
        return DBK_OK;
    }
    p.fault.reason = dbk_rows_check(source->rows, &p.column);
    if (p.fault.reason) {
        reject(source, &p);
        return DBK_OK;
    }
    source->super.totals.rows++;
    return dbk_rows_commit(source->rows, source->line, err);
}

static dbk_status keep_begun(ndjson_source *source, const char *data, size_t size, dbk_error *err)
{
    if (source->begun.size + size > LINE_MAX)
        return dbk_fail(err, DBK_INVALID, "line %llu is longer than %d MiB: NDJSON has one object a line",
                        (unsigned long long)source->line, LINE_MAX >> 20);
    dbk_buffer_append(&source->begun, data, size);
    return source->begun.failed ? dbk_fail(err, DBK_NO_MEMORY, "out of memory for a line") : DBK_OK;
}

static dbk_status take_lines(ndjson_source *source, const char *at, const char *end, dbk_error *err)
{
    size_t size = (size_t)(end - at);
    bool check_utf8 = dbk_utf8_invalid_at(at, size) < size;
    while (at < end) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        DBK_TRY(take_line(source, at, feed, check_utf8, err));
        source->line++;
        at = feed + 1;
    }
    return DBK_OK;
}

static dbk_status ndjson_feed(dbk_source *super, const char *data, size_t size, dbk_error *err)
{
    ndjson_source *source = (ndjson_source *)super;
    const char *at = data, *end = data + size;
    if (size && memchr(data, 0, size))
        return dbk_fail(err, DBK_INVALID, "a NUL byte after line %llu: this is not a text file",
                        (unsigned long long)source->line);
    if (source->begun.size > 0) {
        const char *feed = memchr(at, '\n', size);
        DBK_TRY(keep_begun(source, at, feed ? (size_t)(feed + 1 - at) : size, err));
        if (!feed)
            return DBK_OK;
        const char *line = (const char *)source->begun.data;
        DBK_TRY(take_lines(source, line, line + source->begun.size, err));
        source->begun.size = 0;
        at = feed + 1;
    }
    const char *last = at < end ? memrchr(at, '\n', (size_t)(end - at)) : NULL;
    if (last) {
        // In steps that stay in the cache between the check of the bytes and the reading of the lines.
        enum { STEP = 1 << 17 };
        while (at <= last) {
            const char *stop = last;
            if (last - at > STEP) {
                stop = memchr(at + STEP, '\n', (size_t)(last + 1 - at - STEP));
            }
            DBK_TRY(take_lines(source, at, stop + 1, err));
            at = stop + 1;
        }
    }
    super->totals.lines = source->line - source->options.first_line;
    return at < end ? keep_begun(source, at, (size_t)(end - at), err) : DBK_OK;
}

static dbk_status ndjson_finish(dbk_source *super, dbk_error *err)
{
    ndjson_source *source = (ndjson_source *)super;
    if (source->begun.size > 0) {
        const char *line = (const char *)source->begun.data;
        DBK_TRY(take_line(source, line, line + source->begun.size, true, err));
        source->line++;
        source->begun.size = 0;
    }
    super->totals.lines = source->line - source->options.first_line;
    return dbk_rows_flush(source->rows, err);
}

static void ndjson_destroy(dbk_source *super)
{
    ndjson_source *source = (ndjson_source *)super;
    dbk_rows_destroy(source->rows);
    dbk_buffer_dispose(&source->begun);
    dbk_buffer_dispose(&source->unescaped);
    free(source);
}

dbk_source *dbk_source_ndjson_create(const dbk_parse_options *options, const dbk_parse_sink *sink)
{
    static const dbk_source_ops ops = {ndjson_feed, ndjson_finish, ndjson_destroy, NULL};
    ndjson_source *source = malloc(sizeof *source);
    if (!source)
        return NULL;
    memset(source, 0, offsetof(ndjson_source, keys));
    source->super.ops = &ops;
    source->super.sink = *sink;
    source->options = *options;
    source->line = options->first_line;
    dbk_rows_options rows = {options->table, options->zone, options->batch_rows,
                             sink->on_batch, sink->user,    options->slabs};
    source->rows = dbk_rows_create(&rows);
    if (!source->rows) {
        free(source);
        return NULL;
    }
    return &source->super;
}
