// SPDX-License-Identifier: Apache-2.0
// The document parser: one loop with a small stack of open containers, no recursion.
#include "ingest/parse/json.h"

#include "engine/base/decimal.h"
#include "engine/base/hash.h"
#include "engine/base/utf8.h"
#include "ingest/parse/json_lex.h"

#include <stdlib.h>
#include <string.h>

typedef struct parse {
    const char *text, *at, *end;
    dbk_json *values; // grows in malloc, moves to the arena at the end
    uint32_t count, capacity;
    uint32_t open[DBK_JSON_DEPTH_MAX]; // containers around `at`
    int depth;
    dbk_buffer unescaped; // keeps its place: as large as the text from the first escape on
    dbk_json_lex_fault fault;
    bool no_memory;
} parse;

static bool fail(parse *p, const char *where, const char *reason)
{
    p->fault.where = where;
    p->fault.reason = reason;
    return false;
}

static bool fail_memory(parse *p)
{
    p->no_memory = true;
    return false;
}

static dbk_json *add_value(parse *p, dbk_json_type type, dbk_text key)
{
    if (p->count == p->capacity) {
        uint32_t capacity = p->capacity ? p->capacity * 2 : 32;
        dbk_json *values = realloc(p->values, capacity * sizeof *values);
        if (!values) {
            p->no_memory = true;
            return NULL;
        }
        p->values = values;
        p->capacity = capacity;
    }
    if (p->depth)
        p->values[p->open[p->depth - 1]].count++;
    dbk_json *value = &p->values[p->count++];
    *value = (dbk_json){.type = type, .span = 1, .offset = (uint32_t)(p->at - p->text), .key = key};
    return value;
}

static bool take_string(parse *p, dbk_text *out)
{
    p->at = dbk_json_string(p->at + 1, p->end, &p->unescaped, out, &p->fault);
    return p->at != NULL;
}

static int compare_keys(const void *a, const void *b)
{
    return dbk_text_compare(((const dbk_json *)a)->key, ((const dbk_json *)b)->key);
}

// Few members are compared with each other, many are sorted.
static bool keys_are_unique(parse *p, const dbk_json *object)
{
    enum { FEW = 24 };
    const dbk_json *end = object + object->span;
    if (object->count <= FEW) {
        for (const dbk_json *a = object + 1; a < end; a += a->span) {
            for (const dbk_json *b = a + a->span; b < end; b += b->span) {
                if (dbk_text_equal(a->key, b->key))
                    return fail(p, p->text + b->offset, "a key that the object has already");
            }
        }
        return true;
    }
    dbk_json *sorted = malloc(object->count * sizeof *sorted);
    if (!sorted)
        return fail_memory(p);
    uint32_t count = 0;
    for (const dbk_json *m = object + 1; m < end; m += m->span)
        sorted[count++] = *m;
    qsort(sorted, count, sizeof *sorted, compare_keys);
    bool unique = true;
    for (uint32_t i = 1; i < count && unique; i++) {
        if (dbk_text_equal(sorted[i - 1].key, sorted[i].key)) {
            uint32_t a = sorted[i - 1].offset, b = sorted[i].offset;
            unique = fail(p, p->text + (a > b ? a : b), "a key that the object has already");
        }
    }
    free(sorted);
    return unique;
}

static bool open_container(parse *p, dbk_json_type type, dbk_text key)
{
    if (p->depth == DBK_JSON_DEPTH_MAX)
        return fail(p, p->at, "nested deeper than 32 levels");
    uint32_t index = p->count;
    if (!add_value(p, type, key))
        return false;
    p->open[p->depth++] = index;
    p->at++;
    return true;
}

static bool close_container(parse *p)
{
    dbk_json *container = &p->values[p->open[--p->depth]];
    container->span = (uint32_t)(&p->values[p->count] - container);
    p->at++;
    return container->type != DBK_JSON_OBJECT || keys_are_unique(p, container);
}

static bool take_word(parse *p, const char *word, dbk_json_type type, dbk_text key)
{
    if (!add_value(p, type, key))
        return false;
    p->at = dbk_json_word(p->at, p->end, word, &p->fault);
    return p->at != NULL;
}

// One value: whole if it is simple, else only its opening bracket.
static bool take_value(parse *p, dbk_text key)
{
    dbk_json *value;
    if (p->at == p->end)
        return fail(p, p->at, "a value is missing");
    switch (*p->at) {
    case '{':
        return open_container(p, DBK_JSON_OBJECT, key);
    case '[':
        return open_container(p, DBK_JSON_ARRAY, key);
    case 't':
        return take_word(p, "true", DBK_JSON_TRUE, key);
    case 'f':
        return take_word(p, "false", DBK_JSON_FALSE, key);
    case 'n':
        return take_word(p, "null", DBK_JSON_NULL, key);
    case '"':
        value = add_value(p, DBK_JSON_STRING, key);
        return value && take_string(p, &value->text);
    default:
        value = add_value(p, DBK_JSON_NUMBER, key);
        if (!value)
            return false;
        p->at = dbk_json_number(p->at, p->end, &value->text, &p->fault);
        return p->at != NULL;
    }
}

static bool take_key(parse *p, dbk_text *key)
{
    if (p->at == p->end || *p->at != '"')
        return fail(p, p->at, "a key in quotes is missing");
    if (!take_string(p, key))
        return false;
    p->at = dbk_json_skip_space(p->at, p->end);
    if (p->at == p->end || *p->at != ':')
        return fail(p, p->at, "a colon is missing");
    p->at = dbk_json_skip_space(p->at + 1, p->end);
    return true;
}

// Inside a container: closes it, or takes its next member.
static bool take_member(parse *p)
{
    const dbk_json *container = &p->values[p->open[p->depth - 1]];
    bool object = container->type == DBK_JSON_OBJECT;
    if (p->at == p->end)
        return fail(p, p->at, object ? "an object is left open" : "an array is left open");
    if (*p->at == (object ? '}' : ']'))
        return close_container(p);
    if (container->count > 0) {
        if (*p->at != ',')
            return fail(p, p->at, "a comma is missing");
        p->at = dbk_json_skip_space(p->at + 1, p->end);
    }
    dbk_text key = {NULL, 0};
    if (object && !take_key(p, &key))
        return false;
    return take_value(p, key);
}

static bool take_document(parse *p)
{
    p->at = dbk_json_skip_space(p->text, p->end);
    if (!take_value(p, (dbk_text){NULL, 0}))
        return false;
    while (p->depth > 0) {
        p->at = dbk_json_skip_space(p->at, p->end);
        if (!take_member(p))
            return false;
    }
    p->at = dbk_json_skip_space(p->at, p->end);
    return p->at == p->end || fail(p, p->at, "something stands behind the value");
}

static dbk_status report(const parse *p, dbk_json_fault *fault, dbk_error *err)
{
    dbk_json_fault at = {(size_t)(p->fault.where - p->text), 1, 1, p->fault.reason};
    for (const char *c = p->text; c < p->fault.where; c++) {
        at.column++;
        if (*c == '\n') {
            at.line++;
            at.column = 1;
        }
    }
    if (fault)
        *fault = at;
    return dbk_fail(err, DBK_INVALID, "line %u, column %u: %s", at.line, at.column, at.reason);
}

// One allocation in the arena takes both arrays over.
static bool move_to_arena(parse *p, dbk_json_doc *doc)
{
    dbk_json *values = dbk_arena_alloc(&doc->arena, p->count * sizeof *values);
    char *texts = p->unescaped.size ? dbk_arena_alloc(&doc->arena, p->unescaped.size) : NULL;
    const char *from = (const char *)p->unescaped.data;
    if (!values || (p->unescaped.size && !texts))
        return false;
    memcpy(values, p->values, p->count * sizeof *values);
    if (texts) {
        memcpy(texts, from, p->unescaped.size);
        for (uint32_t i = 0; i < p->count; i++) {
            dbk_text *both[] = {&values[i].text, &values[i].key};
            for (int j = 0; j < 2; j++) {
                if (both[j]->data >= from && both[j]->data < from + p->unescaped.size)
                    both[j]->data = texts + (both[j]->data - from);
            }
        }
    }
    doc->root = values;
    return true;
}

dbk_status dbk_json_parse(const char *text, size_t length, dbk_json_doc *doc, dbk_json_fault *fault,
                          dbk_error *err)
{
    *doc = (dbk_json_doc){0};
    parse p = {.text = text, .at = text, .end = text + length};
    if (length > (size_t)1 << 30)
        return dbk_fail(err, DBK_LIMIT, "a JSON text of more than 1 GiB");
    size_t invalid = dbk_utf8_invalid_at(text, length);
    if (invalid < length) {
        fail(&p, text + invalid, "not valid UTF-8");
        return report(&p, fault, err);
    }
    if (memchr(text, '\\', length) && !dbk_buffer_reserve(&p.unescaped, length))
        p.no_memory = true;
    bool ok = !p.no_memory && take_document(&p) && (move_to_arena(&p, doc) || fail_memory(&p));
    dbk_status status = DBK_OK;
    if (p.no_memory) {
        status = dbk_fail(err, DBK_NO_MEMORY, "out of memory for a JSON text of %zu bytes", length);
        dbk_arena_dispose(&doc->arena);
    } else if (!ok) {
        status = report(&p, fault, err);
    }
    free(p.values);
    dbk_buffer_dispose(&p.unescaped);
    return status;
}

void dbk_json_doc_dispose(dbk_json_doc *doc)
{
    dbk_arena_dispose(&doc->arena);
    doc->root = NULL;
}

const dbk_json *dbk_json_first(const dbk_json *container)
{
    return container && container->count > 0 ? container + 1 : NULL;
}

const dbk_json *dbk_json_next(const dbk_json *container, const dbk_json *member)
{
    const dbk_json *next = member + member->span;
    return next < container + container->span ? next : NULL;
}

const dbk_json *dbk_json_get(const dbk_json *object, const char *key)
{
    if (!object || object->type != DBK_JSON_OBJECT)
        return NULL;
    dbk_text wanted = dbk_text_from(key);
    for (const dbk_json *m = dbk_json_first(object); m; m = dbk_json_next(object, m)) {
        if (dbk_text_equal(m->key, wanted))
            return m;
    }
    return NULL;
}

dbk_text dbk_json_string_of(const dbk_json *value)
{
    return value && value->type == DBK_JSON_STRING ? value->text : (dbk_text){NULL, 0};
}

bool dbk_json_int_of(const dbk_json *value, int64_t *out)
{
    return value && value->type == DBK_JSON_NUMBER && !memchr(value->text.data, '.', value->text.length) &&
           dbk_decimal_parse(value->text.data, value->text.length, 0, out) == DBK_DECIMAL_OK;
}
