// SPDX-License-Identifier: Apache-2.0
// Temporary.
#include "http/csv/writer.h"
#include <string.h>
void dbk_cell_plain(dbk_buffer *out, bool first, dbk_text text)
{
    if (!first) dbk_buffer_u8(out, ',');
    dbk_buffer_append(out, text.data, text.length);
}
void dbk_cell_text(dbk_buffer *out, bool first, dbk_text text)
{
    bool guard = text.length > 0 && strchr("=+-@\t\r", text.data[0]) != NULL;
    bool quote = false;
    for (uint32_t i = 0; i < text.length; i++) if (strchr(",\"\r\n", text.data[i])) quote = true;
    if (!first) dbk_buffer_u8(out, ',');
    if (quote) dbk_buffer_u8(out, '"');
    if (guard) dbk_buffer_u8(out, '\'');
    for (uint32_t i = 0; i < text.length; i++) { if (text.data[i] == '"') dbk_buffer_u8(out, '"'); dbk_buffer_u8(out, (uint8_t)text.data[i]); }
    if (quote) dbk_buffer_u8(out, '"');
}
void dbk_cell_line_end(dbk_buffer *out) { dbk_buffer_append(out, "\r\n", 2); }
