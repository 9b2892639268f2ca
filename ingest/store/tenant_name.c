// SPDX-License-Identifier: Apache-2.0
// Tenants' names stand in files, paths and logs of others, so they are kept plain.
#include "ingest/store/tenant_name.h"

bool dbk_tenant_name_is_valid(dbk_text name)
{
    if (name.length == 0 || name.length > DBK_TENANT_NAME_MAX)
        return false;
    for (uint32_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
              c == '_' || c == '-'))
            return false;
    }
    return true;
}
