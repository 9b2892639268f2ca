// SPDX-License-Identifier: Apache-2.0
// Tickets: what a browser may put into a URL where it cannot send a header (EventSource). Whoever has a key
// or a token asks for one; it stands for the same tenant and role for a short while, and only on routes that
// take tickets. A ticket is base64url of its fields and their HMAC-SHA256 under the tenant's signing secret;
// nothing is stored, so a ticket may be used more than once until it expires.
#ifndef DBK_TICKET_H
#define DBK_TICKET_H

#include "http/auth/jwt.h"
#include "ingest/store/store.h"
#include "ingest/store/tenant_name.h"

enum { DBK_TICKET_ID_MAX = 64, DBK_TICKET_TEXT_MAX = 256 };

typedef struct dbk_ticket {
    char tenant[DBK_TENANT_NAME_MAX + 1];
    char id[DBK_TICKET_ID_MAX + 1]; // who asked for it: of a key, or of a token's bearer
    dbk_role role;
    int64_t expires_ms;
} dbk_ticket;

// Waits for the disk the first time that something is signed for a tenant, see dbk_secret_signing_key.
dbk_status dbk_ticket_issue(dbk_store *store, const dbk_ticket *ticket, char out[DBK_TICKET_TEXT_MAX],
                            dbk_error *err);
// DBK_INVALID: no ticket, another's signature, or expired at now_ms.
dbk_status dbk_ticket_verify(dbk_store *store, dbk_text text, int64_t now_ms, dbk_ticket *out,
                             dbk_error *err);

#endif
