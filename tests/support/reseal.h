// SPDX-License-Identifier: Apache-2.0
// A segment's bytes after somebody has edited its directory: checksums that hold, so that only what they
// guard can be wrong.
#ifndef DBK_TEST_RESEAL_H
#define DBK_TEST_RESEAL_H

#include "engine/base/hash.h"
#include "engine/segment/format.h"

#include <stddef.h>
#include <string.h>

// Makes the two checksums at the front anew.
static inline void dbk_test_reseal_front(uint8_t *bytes)
{
    dbk_segment_header header;
    memcpy(&header, bytes, sizeof header);
    header.directory_checksum =
        dbk_checksum(bytes + sizeof header, header.columns * sizeof(dbk_segment_entry));
    header.checksum = dbk_checksum(&header, offsetof(dbk_segment_header, checksum));
    memcpy(bytes, &header, sizeof header);
}

#endif
