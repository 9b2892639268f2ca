// SPDX-License-Identifier: Apache-2.0
// ?fields=customerId,revenue: which columns the rows of a report have. An addition to the vendor's reports,
// whose shapes are fixed; without it the rows are as documented.
#ifndef DBK_DISTRIBU_FIELDS_H
#define DBK_DISTRIBU_FIELDS_H

#include "http/app/call.h"

typedef struct dbk_fields {
    dbk_text wanted; // names joined by commas; empty = all
} dbk_fields;

// Reads the parameter and makes it part of what the ETag follows from, so call it before that is settled.
// known ends with NULL. False: a name is not known, and the call was answered.
bool dbk_fields_read(dbk_call *call, const char *const *known, dbk_fields *out);
// Writes the key if the column is wanted; false: leave its value out.
bool dbk_fields_open(const dbk_fields *fields, dbk_out *out, const char *name);

#endif
