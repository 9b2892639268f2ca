// SPDX-License-Identifier: Apache-2.0
// The body of a request that must be JSON. What is wrong with one is the same for every dialect; how what
// is not JSON is told is the dialect's.
#ifndef DBK_JSON_BODY_H
#define DBK_JSON_BODY_H

#include "http/app/call.h"
#include "ingest/parse/json.h"

// A parsed value takes 48 bytes, an element of a list two of the text: what a larger body could ask of the
// memory is out of proportion to anything that is asked or written in one.
enum { DBK_JSON_BODY_BYTES_MAX = 1 << 20 };

typedef enum dbk_json_body {
    DBK_JSON_BODY_OK,
    DBK_JSON_BODY_TOO_LARGE,  // over DBK_JSON_BODY_BYTES_MAX
    DBK_JSON_BODY_OTHER_TYPE, // Content-Type names something else; none at all is taken as JSON
    DBK_JSON_BODY_ENCODED,    // Content-Encoding: compressed bodies are not read
    DBK_JSON_BODY_BROKEN,     // not JSON; the header Daybook-Json-Error of the answer says where and why
    DBK_JSON_BODY_NO_MEMORY,
} dbk_json_body;

// Parses the whole body. With DBK_JSON_BODY_OK the document must be disposed of before the call ends.
dbk_json_body dbk_json_body_read(dbk_call *call, dbk_json_doc *doc);
// Ends the call with what is said of a body that was not looked into: too large, of another type, encoded.
// False: it was none of these, and nothing was said.
bool dbk_json_body_refuse(dbk_call *call, dbk_json_body found);

#endif
