// SPDX-License-Identifier: Apache-2.0
// A ticket's bytes: form (1), role (1), expiry (8), tenant and id, each with its length (4), signature (32).
#include "http/auth/ticket.h"

#include "engine/base/bytes.h"
#include "http/auth/base64url.h"
#include "http/auth/secret.h"

#include <openssl/crypto.h>
#include <string.h>

enum { FORM = 1, MAC_BYTES = 32, BYTES_MAX = DBK_TICKET_TEXT_MAX / 4 * 3 };
static const char purpose[] = "ticket";

dbk_status dbk_ticket_issue(dbk_store *store, const dbk_ticket *ticket, char out[DBK_TICKET_TEXT_MAX],
                            dbk_error *err)
{
    uint8_t key[DBK_SECRET_KEY_BYTES], mac[MAC_BYTES];
    DBK_TRY(dbk_secret_signing_key(store, dbk_text_from(ticket->tenant), purpose, key, err));
    dbk_buffer bytes = {0};
    dbk_buffer_u8(&bytes, FORM);
    dbk_buffer_u8(&bytes, (uint8_t)ticket->role);
    dbk_buffer_u64(&bytes, (uint64_t)ticket->expires_ms);
    dbk_buffer_text(&bytes, dbk_text_from(ticket->tenant));
    dbk_buffer_text(&bytes, dbk_text_from(ticket->id));
    bool is_signed = !bytes.failed &&
                     dbk_secret_sign(key, (dbk_text){(const char *)bytes.data, (uint32_t)bytes.size}, mac);
    dbk_buffer_append(&bytes, mac, sizeof(mac));
    is_signed = is_signed && !bytes.failed && DBK_BASE64URL_LENGTH(bytes.size) < DBK_TICKET_TEXT_MAX;
    if (is_signed)
        dbk_base64url_encode(bytes.data, bytes.size, out);
    dbk_buffer_dispose(&bytes);
    OPENSSL_cleanse(key, sizeof(key));
    return is_signed ? DBK_OK : dbk_fail(err, DBK_NO_MEMORY, "no memory for a ticket");
}

static bool take_name(dbk_reader *r, char *out, size_t max)
{
    dbk_text text = dbk_read_text(r);
    if (r->failed || text.length > max)
        return false;
    if (text.length > 0)
        memcpy(out, text.data, text.length);
    out[text.length] = 0;
    return true;
}

static bool read_fields(dbk_reader *r, dbk_ticket *out)
{
    bool is_known = dbk_read_u8(r) == FORM;
    uint8_t role = dbk_read_u8(r);
    out->role = role <= DBK_ROLE_ADMIN ? (dbk_role)role : DBK_ROLE_NONE;
    out->expires_ms = (int64_t)dbk_read_u64(r);
    return is_known && take_name(r, out->tenant, DBK_TENANT_NAME_MAX) &&
           take_name(r, out->id, DBK_TICKET_ID_MAX) && dbk_reader_left(r) == MAC_BYTES;
}

dbk_status dbk_ticket_verify(dbk_store *store, dbk_text text, int64_t now_ms, dbk_ticket *out, dbk_error *err)
{
    uint8_t bytes[BYTES_MAX], key[DBK_SECRET_KEY_BYTES], mac[MAC_BYTES];
    if (text.length >= DBK_TICKET_TEXT_MAX || !dbk_base64url_decode(text, bytes))
        return dbk_fail(err, DBK_INVALID, "the ticket is none");
    size_t size = dbk_base64url_decoded_size(text.length);
    dbk_reader r = dbk_reader_init(bytes, size);
    if (!read_fields(&r, out))
        return dbk_fail(err, DBK_INVALID, "the ticket is none");
    // The tenant is believed as far as to find the key that must have signed it.
    dbk_status status = dbk_secret_verifying_key(store, dbk_text_from(out->tenant), purpose, key, err);
    if (status == DBK_NOT_FOUND)
        return dbk_fail(err, DBK_INVALID, "the ticket is none");
    DBK_TRY(status);
    dbk_text fields = {(const char *)bytes, (uint32_t)(size - MAC_BYTES)};
    bool is_signed =
        dbk_secret_sign(key, fields, mac) && CRYPTO_memcmp(mac, bytes + size - MAC_BYTES, MAC_BYTES) == 0;
    OPENSSL_cleanse(key, sizeof(key));
    if (!is_signed)
        return dbk_fail(err, DBK_INVALID, "the ticket is none");
    return now_ms < out->expires_ms ? DBK_OK : dbk_fail(err, DBK_INVALID, "the ticket is expired");
}
