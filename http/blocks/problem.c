// SPDX-License-Identifier: Apache-2.0
// Error bodies.
#include "http/blocks/problem.h"

#include "engine/base/decimal.h"

#include <stdio.h>

typedef struct problem {
    int status;
    const char *code, *title;
} problem;

static const problem problems[] = {
    {400, "bad_request", "Bad Request"},
    {401, "unauthorized", "Unauthorized"},
    {403, "forbidden", "Forbidden"},
    {404, "not_found", "Not Found"},
    {405, "method_not_allowed", "Method Not Allowed"},
    {411, "length_required", "Length Required"},
    {413, "payload_too_large", "Payload Too Large"},
    {415, "unsupported_media_type", "Unsupported Media Type"},
    {422, "invalid_parameters", "Invalid Report Parameters"},
    {429, "rate_limited", "Too Many Requests"},
    {500, "internal_error", "Internal Server Error"},
    {503, "unavailable", "Service Unavailable"},
};
static const problem invalid_json = {400, "invalid_json", "Invalid JSON"};
static const problem too_large = {422, "result_too_large", "Result Too Large"};

static problem problem_of(int status)
{
    for (size_t i = 0; i < DBK_COUNT(problems); i++)
        if (problems[i].status == status)
            return problems[i];
    return (problem){status, "error", "Error"};
}

static void write_problem(dbk_buffer *body, problem p, dbk_text detail)
{
    char status[DBK_DECIMAL_TEXT_MAX];
    dbk_out out = dbk_out_init(body);
    dbk_out_object(&out);
    dbk_out_key(&out, "errors");
    dbk_out_array(&out);
    dbk_out_object(&out);
    dbk_out_key(&out, "status");
    dbk_out_text(&out, (dbk_text){status, (uint32_t)dbk_int_write(status, p.status)});
    dbk_out_key(&out, "code");
    dbk_out_string(&out, p.code);
    dbk_out_key(&out, "title");
    dbk_out_string(&out, p.title);
    dbk_out_key(&out, "detail");
    dbk_out_text(&out, detail);
    dbk_out_object_end(&out);
    dbk_out_array_end(&out);
    dbk_out_object_end(&out);
}

void dbk_blocks_write_error(dbk_buffer *body, int status, dbk_text detail, int retry_after)
{
    (void)retry_after; // stands in its header
    write_problem(body, problem_of(status), detail);
}

static void refuse(dbk_call *call, problem p, const char *detail)
{
    dbk_buffer_reset(&call->body);
    write_problem(&call->body, p, dbk_text_from(detail));
    dbk_call_answer_json(call, p.status);
}

void dbk_blocks_refuse_parameters(dbk_call *call, const char *detail)
{
    refuse(call, problem_of(422), detail);
}

void dbk_blocks_refuse_json(dbk_call *call)
{
    refuse(call, invalid_json, "The request body is not valid JSON.");
}

void dbk_blocks_refuse_size(dbk_call *call, int64_t records, int records_max)
{
    char detail[200];
    snprintf(detail, sizeof(detail),
             "The list has %lld records. Ask for it in pages, with page and per_page (at most %d).",
             (long long)records, records_max);
    refuse(call, too_large, detail);
}
