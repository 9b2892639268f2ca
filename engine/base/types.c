// SPDX-License-Identifier: Apache-2.0
// Borrowed text: made, compared, ordered.
#include "engine/base/types.h"

#include <assert.h>
#include <string.h>

dbk_text dbk_text_from(const char *string)
{
    if (!string)
        return (dbk_text){NULL, 0};
    size_t length = strlen(string);
    assert(length <= UINT32_MAX);
    return (dbk_text){string, (uint32_t)length};
}

bool dbk_text_equal(dbk_text a, dbk_text b)
{
    // The length is tested first because memcmp must not see the NULL of "no value", even for no bytes.
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

int dbk_text_compare(dbk_text a, dbk_text b)
{
    uint32_t common = a.length < b.length ? a.length : b.length;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    if (order != 0)
        return order;
    return (a.length > b.length) - (a.length < b.length);
}
