// SPDX-License-Identifier: Apache-2.0
// What a tenant may be called.
#ifndef DBK_STORE_TENANT_NAME_H
#define DBK_STORE_TENANT_NAME_H

#include "engine/base/types.h"

enum { DBK_TENANT_NAME_MAX = 64 };

// 1 to 64 bytes of A-Z a-z 0-9 . _ -
bool dbk_tenant_name_is_valid(dbk_text name);

#endif
