// SPDX-License-Identifier: Apache-2.0
// Any bytes as a log file: header, groups, the search for a later group, records. The first byte asks for the
// checksums to be put right, so that the fuzzer gets past them.
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "ingest/store/log.h"
#include "ingest/store/record.h"

static void mend(uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + DBK_IO_BLOCK <= size; at += DBK_IO_BLOCK) {
        dbk_reader r = dbk_reader_init(bytes + at, DBK_IO_BLOCK);
        (void)dbk_read_bytes(&r, 44);
        size_t group = dbk_group_size(dbk_read_u32(&r));
        if (memcmp(bytes + at, "DBKG", 4) == 0 && group <= size - at) {
            uint32_t crc = dbk_crc32c(0, bytes + at + 8, group - 8);
            memcpy(bytes + at + 4, &crc, sizeof(crc));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    // Short inputs stand for blocks whose rest is zeros.
    size_t padded = (size - 1 + DBK_IO_BLOCK - 1) / DBK_IO_BLOCK * DBK_IO_BLOCK;
    uint8_t *bytes = calloc(1, padded ? padded : 1);
    if (!bytes)
        return 0;
    memcpy(bytes, data + 1, size - 1);
    if (data[0] & 1)
        mend(bytes, padded);
    dbk_log_plan header;
    (void)dbk_log_header_decode(bytes, padded, &header, NULL);
    uint64_t found;
    (void)dbk_log_find_group(bytes, padded, 0, 0, 0, &found);
    for (size_t at = 0; at < padded; at += DBK_IO_BLOCK) {
        dbk_group group;
        if (!dbk_group_decode(bytes + at, padded - at, &group))
            continue;
        dbk_reader payload = dbk_reader_init(group.payload, group.payload_size);
        while (dbk_reader_left(&payload) && dbk_record_verify(&payload, NULL) == DBK_OK)
            ;
    }
    // The same bytes as a payload, without the group around them.
    dbk_reader payload = dbk_reader_init(data + 1, size - 1);
    while (dbk_reader_left(&payload) && dbk_record_verify(&payload, NULL) == DBK_OK)
        ;
    free(bytes);
    return 0;
}
