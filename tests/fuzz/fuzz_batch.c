// SPDX-License-Identifier: Apache-2.0
// Any bytes as a stored batch: refused, or a batch that passes its check and comes back from its own bytes.
#include "engine/batch.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dbk_batch batch, again;
    dbk_error err;
    dbk_status status = dbk_batch_decode(&batch, data, size, &err);
    if (status != DBK_OK) {
        if (status != DBK_CORRUPT && status != DBK_NO_MEMORY)
            abort();
        return 0;
    }
    dbk_buffer bytes = {0};
    dbk_batch_encode(&batch, &bytes);
    if (bytes.failed || dbk_batch_decode(&again, bytes.data, bytes.size, &err) != DBK_OK)
        abort();
    if (again.rows != batch.rows || again.table != batch.table || again.remove != batch.remove)
        abort();
    dbk_buffer_dispose(&bytes);
    dbk_batch_dispose(&batch);
    dbk_batch_dispose(&again);
    return 0;
}
