// SPDX-License-Identifier: Apache-2.0
// Writes JSON into a buffer, front to back. Commas are the writer's business: it only remembers whether the
// next value or key follows another one, so nesting needs no stack. A failed allocation shows in the buffer's
// `failed`, once, at the end.
#ifndef DBK_JSON_WRITER_H
#define DBK_JSON_WRITER_H

#include "engine/base/bytes.h"
#include "engine/base/types.h"

typedef struct dbk_out {
    dbk_buffer *out;
    bool comma; // a value stands before: the next key or element needs a comma
} dbk_out;

dbk_out dbk_out_init(dbk_buffer *out);

void dbk_out_object(dbk_out *json); // '{'
void dbk_out_object_end(dbk_out *json);
void dbk_out_array(dbk_out *json); // '['
void dbk_out_array_end(dbk_out *json);
// Key names are our own constants and must not need escaping.
void dbk_out_key_plain(dbk_out *json, const char *name, size_t length);
static inline void dbk_out_key(dbk_out *json, const char *name)
{
    dbk_out_key_plain(json, name, __builtin_strlen(name));
}
// A key that comes from data.
void dbk_out_key_text(dbk_out *json, dbk_text name);

// Escaped as RFC 8259 asks; bytes that are not UTF-8 become U+FFFD, so that the document always is.
void dbk_out_text(dbk_out *json, dbk_text text);
void dbk_out_string(dbk_out *json, const char *string);
// null when the text has no value.
void dbk_out_text_or_null(dbk_out *json, dbk_text text);
void dbk_out_int(dbk_out *json, int64_t value);
void dbk_out_bool(dbk_out *json, bool value);
void dbk_out_null(dbk_out *json);
// Money in ten-thousandths over divisor as a JSON number with so many digits, rounded once.
void dbk_out_money(dbk_out *json, dbk_i128 value, int64_t divisor, int digits);
// The same for a rate in thousand-millionths.
void dbk_out_rate(dbk_out *json, dbk_i128 value, int64_t divisor, int digits);
// A whole number of any size.
void dbk_out_wide(dbk_out *json, dbk_i128 value);
// "2026-04-17T23:59:59.999Z"; null for DBK_NULL.
void dbk_out_time(dbk_out *json, int64_t ms);
// "2026-04-17T23:59:59Z", to the second; null for DBK_NULL.
void dbk_out_time_seconds(dbk_out *json, int64_t ms);
// "2026-04-17" of a day number.
void dbk_out_day(dbk_out *json, int32_t day);
// A whole JSON value, as it stands.
void dbk_out_raw(dbk_out *json, const char *value);

#endif
