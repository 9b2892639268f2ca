// SPDX-License-Identifier: Apache-2.0
// Any bytes as a manifest, with and without a checksum that was put right. What is accepted must be written
// again as it was read.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "ingest/store/manifest.h"

static void decode(const uint8_t *bytes, size_t size, uint64_t epoch)
{
    dbk_manifest *manifest;
    if (dbk_manifest_decode(bytes, size, epoch, &manifest, NULL) != DBK_OK)
        return;
    dbk_buffer again = {0};
    dbk_manifest_encode(manifest, &again);
    assert(again.failed || (again.size == size && memcmp(again.data, bytes, size) == 0));
    dbk_buffer_dispose(&again);
    dbk_manifest_destroy(manifest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    decode(data, size, 1);
    if (size < 24)
        return 0;
    uint8_t *mended = malloc(size);
    if (!mended)
        return 0;
    memcpy(mended, data, size);
    memcpy(mended, "DBKMAN1", 8);
    memset(mended + 8, 0, 8);
    mended[8] = 1;
    uint64_t checksum = dbk_checksum(mended, size - 8), epoch = 0;
    memcpy(mended + size - 8, &checksum, sizeof(checksum));
    memcpy(&epoch, mended + 16, sizeof(epoch));
    decode(mended, size, epoch);
    free(mended);
    return 0;
}
