// SPDX-License-Identifier: Apache-2.0
// A tenant's signing secret: 32 random bytes, made when something is first signed for the tenant and kept as
// its setting signing-secret, which nobody is shown. Whoever signs uses a key of their own purpose derived
// from it, so that a signature for one purpose is never one for another, nor one tenant's another's. Who
// takes the setting away ends everything that was signed before.
#ifndef DBK_SECRET_H
#define DBK_SECRET_H

#include "ingest/store/store.h"

enum { DBK_SECRET_KEY_BYTES = 32 };

// The key that signs: HMAC-SHA256 of the secret over `purpose` ("ticket"), a constant text. The first call
// for a tenant stores its secret and waits for the disk; so does the first after it was taken away. Any
// thread.
dbk_status dbk_secret_signing_key(dbk_store *store, dbk_text tenant, const char *purpose,
                                  uint8_t out[DBK_SECRET_KEY_BYTES], dbk_error *err);
// The key that verifies. DBK_NOT_FOUND when nothing was ever signed for that tenant; makes nothing, so that
// tenants' names may come from anywhere. Any thread, never waits.
dbk_status dbk_secret_verifying_key(dbk_store *store, dbk_text tenant, const char *purpose,
                                    uint8_t out[DBK_SECRET_KEY_BYTES], dbk_error *err);

// HMAC-SHA256 of a text under such a key. False: OpenSSL failed.
bool dbk_secret_sign(const uint8_t key[DBK_SECRET_KEY_BYTES], dbk_text text, uint8_t out[32]);

#endif
