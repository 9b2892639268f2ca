// SPDX-License-Identifier: Apache-2.0
// Any bytes as the parameters of every STOQ report, as a query string and as a JSON body; and as a request
// that was stored. What is accepted is within bounds and comes back from its JSON as it was.
#include "http/stoq/rows.h"

#include <assert.h>
#include <string.h>

static void expect_bounds(const dbk_stoq_request *request)
{
    assert(request->from_day <= request->to_day && request->to_day - request->from_day < DBK_STOQ_DAYS_MAX);
    assert(request->from_ms < request->to_ms);
    assert(request->offers_count <= DBK_STOQ_OFFERS_MAX);
    assert(request->page >= 1 && request->per_page >= 1 && request->per_page <= 250);
    assert(request->include_deposits || request->include_balances);
    char name[DBK_STOQ_FILE_NAME_MAX];
    dbk_stoq_file_name(request, name);
    assert(strchr(name, '/') == NULL && strlen(name) > 4);
}

static void expect_same(const dbk_stoq_request *request)
{
    dbk_buffer text = {0}, again = {0};
    dbk_out json = dbk_out_init(&text), second = dbk_out_init(&again);
    dbk_stoq_request read;
    dbk_stoq_request_write(request, &json);
    assert(dbk_stoq_request_read((dbk_text){(const char *)text.data, (uint32_t)text.size}, &read, NULL) ==
           DBK_OK);
    dbk_stoq_request_write(&read, &second);
    assert(text.size == again.size && memcmp(text.data, again.data, text.size) == 0);
    assert(read.from_ms == request->from_ms && read.to_ms == request->to_ms &&
           read.digits == request->digits && read.metrics == request->metrics);
    dbk_buffer_dispose(&text);
    dbk_buffer_dispose(&again);
}

static void prepare_all(const dbk_stoq_input *input, const dbk_settings *settings)
{
    for (int i = 0; i < dbk_stoq_reports_count; i++) {
        dbk_stoq_request request;
        dbk_stoq_faults faults;
        if (!dbk_stoq_prepare(&dbk_stoq_reports[i], input, settings, 1774746000000, &request, &faults)) {
            assert(faults.count > 0 && faults.count <= DBK_STOQ_FAULTS_MAX);
            continue;
        }
        expect_bounds(&request);
        expect_same(&request);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static dbk_settings settings = {.currency = "EUR"};
    if (settings.zone == NULL && dbk_zone_load("Europe/Berlin", &settings.zone, NULL) != DBK_OK)
        return 0;
    dbk_text text = {(const char *)data, (uint32_t)size};
    dbk_arena arena = {0};
    dbk_params params;
    dbk_json_doc doc;
    dbk_stoq_request stored;
    if (dbk_params_parse(&params, text, &arena))
        prepare_all(&(dbk_stoq_input){.params = &params}, &settings);
    if (dbk_json_parse(text.data, text.length, &doc, NULL, NULL) == DBK_OK) {
        if (doc.root->type == DBK_JSON_OBJECT)
            prepare_all(&(dbk_stoq_input){.body = doc.root}, &settings);
        dbk_json_doc_dispose(&doc);
    }
    if (dbk_stoq_request_read(text, &stored, NULL) == DBK_OK)
        expect_same(&stored);
    dbk_arena_dispose(&arena);
    return 0;
}
