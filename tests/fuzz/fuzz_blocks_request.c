// SPDX-License-Identifier: Apache-2.0
// Any bytes as a request for a report of 23blocks, as a body and as a query string: what is taken is within
// its bounds.
#include "http/blocks/request.h"

#include <assert.h>

static void check(const dbk_blocks_request *request, int groups)
{
    assert(request->start_day <= request->end_day);
    assert(request->group == 0 || ((int)request->group & groups) != 0);
    assert((request->page == 0) == (request->per_page == 0));
    assert(request->page >= 0 && request->page <= 1000000000);
    assert(request->per_page >= 0 && request->per_page <= DBK_BLOCKS_RECORDS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { TODAY = 20484, GROUPS = DBK_BLOCKS_CALENDAR | DBK_BLOCKS_VENDOR };
    dbk_text text = {(const char *)data, (uint32_t)size};
    dbk_blocks_request request;
    dbk_json_doc doc;
    if (dbk_json_parse(text.data, text.length, &doc, NULL, NULL) == DBK_OK) {
        if (dbk_blocks_request_of_json(&request, doc.root, GROUPS, TODAY, NULL) == DBK_OK)
            check(&request, GROUPS);
        dbk_json_doc_dispose(&doc);
    }
    dbk_params params;
    dbk_arena arena = {0};
    if (dbk_params_parse(&params, text, &arena) &&
        dbk_blocks_request_of_params(&request, &params, GROUPS, TODAY, NULL) == DBK_OK)
        check(&request, GROUPS);
    dbk_arena_dispose(&arena);
    return 0;
}
