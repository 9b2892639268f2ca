// SPDX-License-Identifier: Apache-2.0
// Any bytes as a Range header.
#include "http/exports/range.h"

#include <assert.h>
#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t sizes[] = {0, 1, 1000, UINT64_MAX};
    for (size_t i = 0; i < DBK_COUNT(sizes); i++) {
        uint64_t from, to;
        dbk_range_kind kind =
            dbk_range_parse((dbk_text){(const char *)data, (uint32_t)size}, sizes[i], &from, &to);
        if (kind == DBK_RANGE_PART)
            assert(from < to && to <= sizes[i]);
        else if (kind == DBK_RANGE_ALL)
            assert(from == 0 && to == sizes[i]);
    }
    return 0;
}
