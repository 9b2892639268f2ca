// SPDX-License-Identifier: Apache-2.0
// Money and rates travel as texts, so that nobody's floating point comes between.
#include "http/cli/batch_json.h"

#include "engine/base/calendar.h"
#include "engine/base/decimal.h"
#include "http/json/writer.h"

static void write_decimal(dbk_out *json, int64_t value, int scale)
{
    char text[DBK_DECIMAL_TEXT_MAX];
    size_t length = dbk_decimal_write_exact(text, value, scale);
    dbk_out_text(json, (dbk_text){text, (uint32_t)length});
}

static void write_int(dbk_out *json, dbk_type type, int64_t value)
{
    switch (type) {
    case DBK_BOOL:
        dbk_out_bool(json, value != 0);
        break;
    case DBK_MONEY:
        write_decimal(json, value, DBK_MONEY_SCALE);
        break;
    case DBK_RATE:
        write_decimal(json, value, DBK_RATE_SCALE);
        break;
    case DBK_TIME:
        dbk_out_time(json, value);
        break;
    case DBK_DATE:
        dbk_out_day(json, (int32_t)value);
        break;
    default:
        dbk_out_int(json, value);
    }
}

void dbk_batch_row_json(const dbk_batch *batch, uint32_t row, dbk_buffer *out)
{
    dbk_out json = dbk_out_init(out);
    dbk_out_object(&json);
    for (int c = 0; c < batch->table->columns_count; c++) {
        const dbk_column_def *def = &batch->table->columns[c];
        const dbk_batch_column *column = &batch->columns[c];
        if (def->flags & DBK_HIDDEN)
            continue;
        if (column->ints && column->ints[row] != DBK_NULL) {
            dbk_out_key(&json, def->name);
            write_int(&json, def->type, column->ints[row]);
        } else if (column->codes && column->codes[row]) {
            dbk_out_key(&json, def->name);
            dbk_out_text(&json, column->words[column->codes[row]]);
        } else if (column->texts && column->texts[row].length) {
            dbk_out_key(&json, def->name);
            dbk_out_text(&json, column->texts[row]);
        }
    }
    dbk_out_object_end(&json);
    dbk_buffer_u8(out, '\n');
}
