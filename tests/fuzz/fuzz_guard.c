// SPDX-License-Identifier: Apache-2.0
// Any bytes as a request's head: the verdict keeps its promises and never reads past the input.
#include "http/server/guard.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *head = (const char *)data;
    dbk_guard_verdict v = dbk_guard_check(head, size);
    if (v.status) {
        if (!v.detail || v.head_bytes)
            abort();
        return 0;
    }
    if (v.head_bytes < 4 || v.head_bytes > size || memcmp(head + v.head_bytes - 4, "\r\n\r\n", 4) != 0)
        abort();
    // The verdict is about the head alone.
    if (dbk_guard_check(head, v.head_bytes).head_bytes != v.head_bytes)
        abort();
    return 0;
}
