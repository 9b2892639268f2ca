// SPDX-License-Identifier: Apache-2.0
// What the first bytes of an input say it is. People load the wrong file; this is where they are told which
// one they have, instead of reading a thousand rejected rows.
#ifndef DBK_PARSE_SNIFF_H
#define DBK_PARSE_SNIFF_H

#include "ingest/parse/parse.h"

// As many bytes as the decision needs; less only when the whole input is shorter.
enum { DBK_SNIFF_BYTES = 512 };

// DBK_INVALID with what it looks like and what to do when these cannot be the first bytes of that format;
// else *skip is the length of the byte order mark (0 or 3).
dbk_status dbk_sniff(dbk_format format, const void *data, size_t size, size_t *skip, dbk_error *err);

#endif
