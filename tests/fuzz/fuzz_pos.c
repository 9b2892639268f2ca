// SPDX-License-Identifier: Apache-2.0
// What the point of sale reads back: ids of reports, which anybody may make up, and figures kept in rows.
#include "http/pos/kept.h"
#include "http/pos/report_id.h"

#include <stdlib.h>
#include <string.h>

// An id that is taken stands for what it was made of.
static void read_id(dbk_text text)
{
    dbk_pos_span span;
    if (!dbk_pos_id_read(text, DBK_TEXT("t"), &span))
        return;
    dbk_pos_id id = dbk_pos_id_make(DBK_TEXT("t"), &span);
    if (!dbk_text_equal(dbk_text_from(id.text), text))
        abort();
}

// Figures that can be read are written and read again as the same.
static void read_kept(dbk_text text)
{
    dbk_pos_ledger ledger = {0}, again = {0};
    dbk_pos_figures figures = {0};
    dbk_buffer written = {0};
    if (dbk_pos_kept_read(&ledger, text, DBK_POS_SEALED, -1, 0, NULL) == DBK_OK &&
        dbk_pos_figures_make(&figures, &ledger, DBK_POS_SEALED, false, NULL) == DBK_OK) {
        dbk_out out = dbk_out_init(&written);
        dbk_pos_kept_write(&out, figures.windows_count > 0 ? &figures.windows[0] : NULL);
        dbk_text copy = {(const char *)written.data, (uint32_t)written.size};
        // Sums of many large numbers may no longer fit one.
        (void)dbk_pos_kept_read(&again, copy, DBK_POS_SEALED, 1, 0, NULL);
    }
    dbk_buffer_dispose(&written);
    dbk_pos_figures_dispose(&figures);
    dbk_pos_ledger_dispose(&again);
    dbk_pos_ledger_dispose(&ledger);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dbk_text text = {(const char *)data, (uint32_t)size};
    read_id(text);
    read_kept(text);
    return 0;
}
