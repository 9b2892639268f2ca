// SPDX-License-Identifier: Apache-2.0
// The smallest parts of JSON (RFC 8259), shared by documents (json.h) and rows (ndjson.c). The text they read
// was already found to be valid UTF-8.
#ifndef DBK_PARSE_JSON_LEX_H
#define DBK_PARSE_JSON_LEX_H

#include "engine/base/bytes.h"
#include "engine/base/types.h"

// Each takes the place where its part begins and returns the place behind it; on a fault NULL, with *fault
// the reason and *where the place.
typedef struct dbk_json_lex_fault {
    const char *reason;
    const char *where;
} dbk_json_lex_fault;

const char *dbk_json_skip_space(const char *at, const char *end);

// at: behind the opening quote. Without escapes *out points into the input, else to the end of `unescaped`,
// where at least end - at bytes must be reserved if there is a backslash in the text, so that earlier texts
// there stay in place.
const char *dbk_json_string(const char *at, const char *end, dbk_buffer *unescaped, dbk_text *out,
                            dbk_json_lex_fault *fault);
const char *dbk_json_number(const char *at, const char *end, dbk_text *out, dbk_json_lex_fault *fault);
// true, false, null
const char *dbk_json_word(const char *at, const char *end, const char *word, dbk_json_lex_fault *fault);

#endif
