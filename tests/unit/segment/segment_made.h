// SPDX-License-Identifier: Apache-2.0
// Segments of rows, and their bytes as files have them.
#ifndef DBK_TEST_SEGMENT_MADE_H
#define DBK_TEST_SEGMENT_MADE_H

#include "engine/segment/format.h"
#include "tests/unit/segment/segment_rows.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static inline dbk_segment *segment_build(const test_rows *r)
{
    dbk_segment *segment = NULL;
    dbk_error err = {0};
    if (dbk_segment_build(&r->input, &segment, &err) != DBK_OK)
        fail_msg("%s", err.message);
    return segment;
}

// A copy as a file would be read into.
static inline uint8_t *bytes_copy(const void *bytes, size_t size)
{
    uint8_t *copy = aligned_alloc(64, dbk_segment_align(size + DBK_SEGMENT_SLACK));
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    memset(copy + size, 0xa5, DBK_SEGMENT_SLACK);
    return copy;
}

static inline uint8_t *segment_copy(const dbk_segment *segment, size_t *size)
{
    const void *bytes = dbk_segment_bytes(segment, size);
    return bytes_copy(bytes, *size);
}

#endif
