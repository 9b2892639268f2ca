// SPDX-License-Identifier: Apache-2.0
// base64url without padding (RFC 4648, 5; RFC 7515, 2): how bytes stand in keys, tokens and tickets. One text
// for the same bytes and no other: padding, other characters, line feeds and bits that mean nothing are
// refused.
#ifndef DBK_BASE64URL_H
#define DBK_BASE64URL_H

#include "engine/base/types.h"

// How many bytes a text of that length holds, when it can be one.
size_t dbk_base64url_decoded_size(size_t length);
// Writes dbk_base64url_decoded_size(text.length) bytes. False: not base64url.
bool dbk_base64url_decode(dbk_text text, uint8_t *out);

#define DBK_BASE64URL_LENGTH(size) (((size)*4 + 2) / 3)
// Writes DBK_BASE64URL_LENGTH(size) characters and a NUL.
void dbk_base64url_encode(const uint8_t *data, size_t size, char *out);

#endif
