// SPDX-License-Identifier: Apache-2.0
// NDJSON, see parse_in_blocks.h.
#include "tests/fuzz/parse_in_blocks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse_in_blocks(DBK_FORMAT_NDJSON, data, size);
    return 0;
}
