// SPDX-License-Identifier: Apache-2.0
// What both threads of a store do to its state.
#include "ingest/store/store_state.h"

#include <stdio.h>

void dbk_store_note_failure(dbk_store *s, const char *reason)
{
    if (s->failure.status != DBK_OK)
        return;
    dbk_fail(&s->failure, DBK_READ_ONLY, "%s", reason);
    s->figures.read_only = true;
    snprintf(s->figures.read_only_reason, sizeof(s->figures.read_only_reason), "%.255s", reason);
    if (s->notice)
        s->notice(s->user, reason);
}
