// SPDX-License-Identifier: Apache-2.0
// Ids that Daybook gives to what it makes: a prefix that says the kind, and 96 random bits as hex, so that
// neither two servers nor a guess ever meet one that exists.
#ifndef DBK_RANDOM_ID_H
#define DBK_RANDOM_ID_H

#include "engine/base/status.h"
#include "engine/base/types.h"

enum { DBK_RANDOM_ID_MAX = 40 };

// prefix such as "key_", at most 12 bytes. Ends with a NUL. DBK_IO: the system gives no random bytes.
dbk_status dbk_random_id(const char *prefix, char out[DBK_RANDOM_ID_MAX + 1], dbk_error *err);

#endif
