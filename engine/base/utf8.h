// SPDX-License-Identifier: Apache-2.0
// UTF-8: text from outside is checked before anything else looks at it.
#ifndef DBK_BASE_UTF8_H
#define DBK_BASE_UTF8_H

#include "engine/base/types.h"

// The offset of the first byte that does not begin a well-formed UTF-8 sequence (RFC 3629: no overlong forms,
// no surrogates, at most U+10FFFF), or size when all is well. ASCII runs are skipped 32 bytes at a time.
size_t dbk_utf8_invalid_at(const void *data, size_t size);

#endif
