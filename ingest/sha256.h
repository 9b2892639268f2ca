// SPDX-License-Identifier: Apache-2.0
// SHA-256 as text: for what is kept instead of something longer or secret, and for chains.
#ifndef DBK_SHA256_H
#define DBK_SHA256_H

#include "engine/base/types.h"

enum { DBK_SHA256_HEX = 64 };

// Lower-case hex, no NUL. False: OpenSSL gives none (no memory, or its configuration forbids).
bool dbk_sha256_hex(const void *data, size_t size, char out[DBK_SHA256_HEX]);

#endif
