// SPDX-License-Identifier: Apache-2.0
// Errors in this dialect: an array of one object, {status, code, title, detail}, all of them texts.
#ifndef DBK_BLOCKS_PROBLEM_H
#define DBK_BLOCKS_PROBLEM_H

#include "http/app/call.h"

// Code and title follow from the status.
void dbk_blocks_write_error(dbk_buffer *body, int status, dbk_text detail, int retry_after);

// Ends the call with 400 invalid_json.
void dbk_blocks_refuse_json(dbk_call *call);
// Ends the call with 422 invalid_parameters.
void dbk_blocks_refuse_parameters(dbk_call *call, const char *detail);
// Ends the call with 422 result_too_large.
void dbk_blocks_refuse_size(dbk_call *call, int64_t records, int records_max);

#endif
