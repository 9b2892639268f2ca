// SPDX-License-Identifier: Apache-2.0
// From the JSON that the API sends to tables and CSV, so that no report is written twice.
#include "http/cli/render.h"

#include "http/cli/cli.h"
#include "ingest/parse/json.h"

#include <stdio.h>
#include <string.h>

enum { COLUMNS_MAX = 32, CELL_MAX = 60 };

bool dbk_render_format_parse(const char *name, dbk_render_format *out)
{
    static const char *const names[] = {"json", "csv", "table"};
    for (size_t i = 0; i < DBK_COUNT(names); i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (dbk_render_format)i;
            return true;
        }
    return false;
}

static bool is_scalar(const dbk_json *value)
{
    return value->type != DBK_JSON_ARRAY && value->type != DBK_JSON_OBJECT;
}

static dbk_text scalar_text(const dbk_json *value)
{
    switch (value ? value->type : DBK_JSON_NULL) {
    case DBK_JSON_TRUE:
        return DBK_TEXT("true");
    case DBK_JSON_FALSE:
        return DBK_TEXT("false");
    case DBK_JSON_STRING:
    case DBK_JSON_NUMBER:
        return value->text;
    default:
        return (dbk_text){0};
    }
}

// What stands in a cell: a scalar, or the scalars of a list with commas between. The buffer holds the latter.
static dbk_text cell_text(const dbk_json *value, char buffer[CELL_MAX * 4])
{
    if (!value || value->type != DBK_JSON_ARRAY)
        return scalar_text(value);
    size_t length = 0;
    for (const dbk_json *m = dbk_json_first(value); m; m = dbk_json_next(value, m)) {
        dbk_text text = scalar_text(m);
        if (length + text.length + 1 >= CELL_MAX * 4)
            break;
        if (length)
            buffer[length++] = ',';
        memcpy(buffer + length, text.data, text.length);
        length += text.length;
    }
    return (dbk_text){buffer, (uint32_t)length};
}

// ---- CSV ----

static void csv_cell(FILE *out, const dbk_json *value)
{
    dbk_text text = scalar_text(value);
    if (!value || value->type != DBK_JSON_STRING) {
        fprintf(out, "%.*s", (int)text.length, text.data ? text.data : "");
        return;
    }
    // A text that a spreadsheet would run.
    uint32_t first = 0;
    while (first < text.length && text.data[first] == ' ')
        first++;
    bool guard = first < text.length && strchr("=+-@\t\r", text.data[first]) != NULL;
    fputc('"', out);
    if (guard)
        fputc('\'', out);
    for (uint32_t i = 0; i < text.length; i++) {
        if (text.data[i] == '"')
            fputc('"', out);
        fputc(text.data[i], out);
    }
    fputc('"', out);
}

static void csv_list(FILE *out, const dbk_json *list)
{
    const dbk_json *head = dbk_json_first(list);
    if (!head || head->type != DBK_JSON_OBJECT)
        return;
    bool first = true;
    for (const dbk_json *m = dbk_json_first(head); m; m = dbk_json_next(head, m), first = false)
        fprintf(out, "%s%.*s", first ? "" : ",", (int)m->key.length, m->key.data);
    fputs("\r\n", out);
    for (const dbk_json *row = head; row; row = dbk_json_next(list, row)) {
        first = true;
        for (const dbk_json *m = dbk_json_first(row); m; m = dbk_json_next(row, m), first = false) {
            if (!first)
                fputc(',', out);
            csv_cell(out, m);
        }
        fputs("\r\n", out);
    }
}

static const dbk_json *main_list(const dbk_json *data)
{
    if (data->type == DBK_JSON_ARRAY)
        return data;
    static const char *const names[] = {"rows", "records", "daily"};
    for (size_t i = 0; i < DBK_COUNT(names); i++) {
        const dbk_json *list = dbk_json_get(data, names[i]);
        if (list)
            return list;
    }
    for (const dbk_json *m = dbk_json_first(data); m; m = dbk_json_next(data, m))
        if (m->type == DBK_JSON_ARRAY)
            return m;
    return NULL;
}

// ---- Tables ----

// Characters, not bytes, so that columns line up.
static int width_of(dbk_text text)
{
    int width = 0;
    for (uint32_t i = 0; i < text.length; i++)
        width += (text.data[i] & 0xC0) != 0x80;
    return width;
}

static void pad(FILE *out, dbk_text text, int width, bool right)
{
    int spaces = width - width_of(text);
    if (right)
        fprintf(out, "%*s", spaces > 0 ? spaces : 0, "");
    fprintf(out, "%.*s", (int)text.length, text.data ? text.data : "");
    if (!right)
        fprintf(out, "%*s", spaces > 0 ? spaces : 0, "");
}

static void table_row(FILE *out, const dbk_json *row, const int *widths, const bool *numeric, bool header)
{
    int column = 0;
    char buffer[CELL_MAX * 4];
    for (const dbk_json *m = dbk_json_first(row); m && column < COLUMNS_MAX;
         m = dbk_json_next(row, m), column++) {
        fputs("  ", out);
        pad(out, header ? m->key : cell_text(m, buffer), widths[column], numeric[column]);
    }
    fputc('\n', out);
}

static void table_list(FILE *out, const dbk_json *list)
{
    const dbk_json *head = dbk_json_first(list);
    if (!head) {
        fputs("  (none)\n", out);
        return;
    }
    if (head->type != DBK_JSON_OBJECT)
        return;
    int widths[COLUMNS_MAX] = {0};
    bool numeric[COLUMNS_MAX] = {false};
    char buffer[CELL_MAX * 4];
    for (const dbk_json *row = head; row; row = dbk_json_next(list, row)) {
        int column = 0;
        for (const dbk_json *m = dbk_json_first(row); m && column < COLUMNS_MAX;
             m = dbk_json_next(row, m), column++) {
            int width = width_of(cell_text(m, buffer));
            if (row == head && width_of(m->key) > width)
                width = width_of(m->key);
            if (width > widths[column])
                widths[column] = width > CELL_MAX ? CELL_MAX : width;
            numeric[column] |= m->type == DBK_JSON_NUMBER;
        }
    }
    table_row(out, head, widths, numeric, true);
    for (const dbk_json *row = head; row; row = dbk_json_next(list, row))
        table_row(out, row, widths, numeric, false);
}

// An object on one line; those in it stand in parentheses.
static void object_line(FILE *out, const dbk_json *object)
{
    bool first = true;
    for (const dbk_json *m = dbk_json_first(object); m; m = dbk_json_next(object, m), first = false) {
        dbk_text text = scalar_text(m);
        fprintf(out, "%s%.*s %.*s", first ? "" : ", ", (int)m->key.length, m->key.data, (int)text.length,
                text.data ? text.data : "");
        if (m->type != DBK_JSON_OBJECT)
            continue;
        fputc('(', out);
        object_line(out, m);
        fputc(')', out);
    }
}

static void table(FILE *out, const dbk_json *data)
{
    if (data->type == DBK_JSON_ARRAY) {
        table_list(out, data);
        return;
    }
    for (const dbk_json *m = dbk_json_first(data); m; m = dbk_json_next(data, m)) {
        fprintf(out, "%.*s%s", (int)m->key.length, m->key.data, m->type == DBK_JSON_ARRAY ? "\n" : ": ");
        if (m->type == DBK_JSON_ARRAY) {
            table_list(out, m);
        } else if (is_scalar(m)) {
            dbk_text text = scalar_text(m);
            fprintf(out, "%.*s\n", (int)text.length, text.data ? text.data : "");
        } else {
            object_line(out, m);
            fputc('\n', out);
        }
    }
}

int dbk_render(FILE *out, dbk_render_format format, const void *json, size_t size)
{
    if (format == DBK_RENDER_JSON) {
        fwrite(json, 1, size, out);
        fputc('\n', out);
        return DBK_EXIT_OK;
    }
    dbk_json_doc doc;
    dbk_error err;
    if (dbk_json_parse(json, size, &doc, NULL, &err) != DBK_OK)
        return dbk_cli_fail(DBK_EXIT_FAILED, "the answer is not JSON: %s", err.message);
    const dbk_json *data = dbk_json_get(doc.root, "data");
    if (!data)
        data = doc.root;
    if (dbk_json_get(data, "attributes"))
        data = dbk_json_get(data, "attributes");
    if (format == DBK_RENDER_TABLE) {
        table(out, data);
    } else {
        const dbk_json *list = main_list(data);
        if (list)
            csv_list(out, list);
    }
    dbk_json_doc_dispose(&doc);
    return DBK_EXIT_OK;
}
