// SPDX-License-Identifier: Apache-2.0
// JSON documents: what is accepted must be walkable within the text's size, what is refused must point into
// it.
#include "ingest/parse/json.h"

#include <stdlib.h>

static uint32_t walk(const dbk_json *value, int depth)
{
    uint32_t count = 1, members = 0;
    if (depth > DBK_JSON_DEPTH_MAX || value->span == 0)
        abort();
    for (const dbk_json *m = dbk_json_first(value); m; m = dbk_json_next(value, m)) {
        count += walk(m, depth + 1);
        members++;
    }
    if (count != value->span || members != value->count)
        abort();
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dbk_json_doc doc;
    dbk_json_fault fault;
    if (dbk_json_parse((const char *)data, size, &doc, &fault, NULL) == DBK_OK) {
        walk(doc.root, 0);
        dbk_json_doc_dispose(&doc);
    } else if (fault.offset > size || !fault.reason || fault.line == 0) {
        abort();
    }
    return 0;
}
