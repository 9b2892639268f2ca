// SPDX-License-Identifier: Apache-2.0
// A JSON document (RFC 8259) read strictly: at most 32 levels, no duplicate keys, no halves of surrogate
// pairs, valid UTF-8, nothing behind the value. Numbers stay the text they were.
#ifndef DBK_PARSE_JSON_H
#define DBK_PARSE_JSON_H

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/base/types.h"

typedef enum dbk_json_type {
    DBK_JSON_NULL = 1,
    DBK_JSON_FALSE,
    DBK_JSON_TRUE,
    DBK_JSON_NUMBER,
    DBK_JSON_STRING,
    DBK_JSON_ARRAY,
    DBK_JSON_OBJECT,
} dbk_json_type;

// One value. The values of a document lie in one array in the order of the text: a container is followed by
// its members, each with what it contains.
typedef struct dbk_json {
    dbk_json_type type;
    uint32_t span;   // values from this one to behind its last descendant: the next sibling is at + span
    uint32_t count;  // members of an array or object
    uint32_t offset; // of the value in the text
    dbk_text text;   // of a string, unescaped; of a number, as it stood
    dbk_text key;    // in an object: the member's name, unescaped
} dbk_json;

typedef struct dbk_json_doc {
    const dbk_json *root;
    dbk_arena arena;
} dbk_json_doc;

typedef struct dbk_json_fault {
    size_t offset;         // in bytes
    uint32_t line, column; // 1-based; column in bytes
    const char *reason;    // one clause, constant text
} dbk_json_fault;

enum { DBK_JSON_DEPTH_MAX = 32 };

// Reads a whole text of at most 1 GiB. Texts of the document may point into it, so it must outlive the
// document. On DBK_INVALID *fault (may be NULL) says where and why, err the same as a sentence, and there is
// nothing to dispose.
dbk_status dbk_json_parse(const char *text, size_t length, dbk_json_doc *doc, dbk_json_fault *fault,
                          dbk_error *err);
void dbk_json_doc_dispose(dbk_json_doc *doc);

// The member of that name; NULL when there is none or `object` is NULL or no object.
const dbk_json *dbk_json_get(const dbk_json *object, const char *key);
// for (const dbk_json *m = dbk_json_first(a); m; m = dbk_json_next(a, m))
const dbk_json *dbk_json_first(const dbk_json *container);
const dbk_json *dbk_json_next(const dbk_json *container, const dbk_json *member);
// The text of a string; no value for NULL and anything else.
dbk_text dbk_json_string_of(const dbk_json *value);
// A number that is a whole one in range, without exponent or decimals.
bool dbk_json_int_of(const dbk_json *value, int64_t *out);

#endif
