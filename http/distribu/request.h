// SPDX-License-Identifier: Apache-2.0
// What Distribu's requests that write have in common: a JSON object as body, fields that are judged one by
// one with the vendor's texts, and the answers to what cannot be used.
#ifndef DBK_DISTRIBU_REQUEST_H
#define DBK_DISTRIBU_REQUEST_H

#include "http/app/json_body.h"

// The text of a refusal and its HTTP status; status 0 = nothing was refused yet.
typedef struct dbk_refusal {
    int status;
    char text[512];
} dbk_refusal;

// Notes the first refusal; later ones change nothing. Returns false, so that a check can `return
// dbk_refuse(…)`.
bool dbk_refuse(dbk_refusal *refusal, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Parses the body, which must be a JSON object and say so. False: the call was answered. The place of a
// fault stands in the header Daybook-Json-Error; the body keeps the vendor's text. The document must be
// disposed of before the call ends.
bool dbk_distribu_body(dbk_call *call, dbk_json_doc *doc);

// ---- Fields ----

// A text without the space around it; blank, null and absent are no value. False: refused, wrong type or more
// than `characters_max`.
bool dbk_field_text(const dbk_json *body, const char *name, int characters_max, dbk_text *out,
                    dbk_refusal *refusal);
// The text of an id. "<name> is required" when there is none.
bool dbk_field_id(const dbk_json *body, const char *name, dbk_text *out, dbk_refusal *refusal);
// A JSON number as plain decimal text, exponent worked in: "1.5e2" is "150". False: it needs more room.
enum { DBK_PLAIN_NUMBER_MAX = 48 };
bool dbk_plain_number(dbk_text number, char out[DBK_PLAIN_NUMBER_MAX], size_t *length);

// A new id: the prefix, at most 8 bytes, and 96 random bits in hex. False: the system gives none.
enum { DBK_NEW_ID_MAX = 33 };
bool dbk_distribu_new_id(const char *prefix, char out[DBK_NEW_ID_MAX], dbk_refusal *refusal);

// ---- Lists ----

// 1 to 100; clamped when out of range, 50 for what is no number.
int64_t dbk_distribu_limit(dbk_text text);
// "pagination": {…}; next is the last id shown when there is more.
void dbk_distribu_pagination(dbk_out *out, bool has_more, dbk_text next);

#endif
