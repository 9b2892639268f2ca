// SPDX-License-Identifier: Apache-2.0
// The address of an export's file, which opens for whoever has it, without a key, until it expires:
// <path>?tenant=…&expires=<seconds since the epoch>&signature=<hex>. The signature is the HMAC-SHA256 of
// path, tenant and expiry under a key of the tenant that only this server has, so none of them can be
// changed.
#ifndef DBK_EXPORT_LINK_H
#define DBK_EXPORT_LINK_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/base/types.h"
#include "http/auth/secret.h"

#define DBK_EXPORT_LINK_PURPOSE "export" // of the key, see http/auth/secret.h

// Appends the address. The path and the tenant need no escaping. DBK_NO_MEMORY when the library cannot sign.
dbk_status dbk_export_link_write(dbk_buffer *out, const uint8_t key[DBK_SECRET_KEY_BYTES], dbk_text path,
                                 dbk_text tenant, int64_t expires_ms, dbk_error *err);

typedef enum dbk_link_verdict {
    DBK_LINK_GOOD,
    DBK_LINK_FORGED, // or broken, or for something else
    DBK_LINK_EXPIRED,
} dbk_link_verdict;

// Whether the address was made by us and holds at now_ms; compares in constant time.
dbk_link_verdict dbk_export_link_check(const uint8_t key[DBK_SECRET_KEY_BYTES], dbk_text path,
                                       dbk_text tenant, dbk_text expires, dbk_text signature, int64_t now_ms);

#endif
