// SPDX-License-Identifier: Apache-2.0
// Answers that were just given, kept whole: dashboards ask the same question again and again between two
// changes. An answer is found by tenant, the number of the tenant's last change, path, query and the minute
// of "now" (which decides what "today" is), so it is never older than the data and nothing has to be
// invalidated: what no longer fits is simply not found again, and its place is taken by the next.
#ifndef DBK_ANSWERS_H
#define DBK_ANSWERS_H

#include "http/app/call.h"

dbk_status dbk_answers_create(dbk_answers **out, dbk_error *err);
void dbk_answers_destroy(dbk_answers *answers);

// Answers the call if its answer is there (then the call is over). Only for reads whose tenant is known.
bool dbk_answers_serve(dbk_call *call);
// Keeps the body and headers of an answer that is about to be sent.
void dbk_answers_keep(dbk_call *call, const char *content_type);

#endif
