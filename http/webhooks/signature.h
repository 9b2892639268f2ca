// SPDX-License-Identifier: Apache-2.0
// How a receiver knows that a delivery is ours: the vendor's signature over the body (D82), and beside it
// that of Standard Webhooks, which also covers the delivery's id and time so that an old one cannot be sent
// again.
#ifndef DBK_SIGNATURE_H
#define DBK_SIGNATURE_H

#include "engine/base/status.h"
#include "engine/base/types.h"

enum { DBK_WEBHOOK_SECRET_BYTES = 38, DBK_SIGNATURE_MAX = 72 };

// "whsec_" and 32 characters of base64url, 24 random bytes (D81). Drawn until it holds neither '-' nor '_',
// so that receivers who read it as plain base64, as Standard Webhooks does, come to the same bytes.
dbk_status dbk_webhook_secret_make(char out[DBK_WEBHOOK_SECRET_BYTES + 1], dbk_error *err);

// Lower-case hex HMAC-SHA256 of the body; the key is the whole text of the secret. Ends with a NUL.
bool dbk_webhook_sign(dbk_text secret, dbk_text body, char out[DBK_SIGNATURE_MAX]);
// "v1," and base64 HMAC-SHA256 of "id.timestamp.body"; the key is what the secret encodes behind "whsec_".
bool dbk_webhook_sign_standard(dbk_text secret, dbk_text id, int64_t timestamp_s, dbk_text body,
                               char out[DBK_SIGNATURE_MAX]);

#endif
