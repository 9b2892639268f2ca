// SPDX-License-Identifier: Apache-2.0
// Rows are arrays, because there are many and they all look alike.
#include "http/pos/kept.h"

#include "engine/base/decimal.h"
#include "ingest/parse/json.h"

enum { COLUMNS = 6 };

void dbk_pos_kept_write(dbk_out *out, const dbk_pos_window *window)
{
    static const dbk_pos_window nothing;
    const dbk_pos_window *w = window != NULL ? window : &nothing;
    dbk_out_object(out);
    dbk_out_key(out, "registers");
    dbk_out_array(out);
    for (size_t i = 0; i < w->registers_count; i++) {
        const dbk_pos_register *r = &w->registers[i];
        dbk_out_array(out);
        dbk_out_text(out, r->id);
        dbk_out_text(out, r->name);
        dbk_out_int(out, r->orders);
        dbk_out_wide(out, r->revenue);
        dbk_out_wide(out, r->cash);
        dbk_out_wide(out, r->card);
        dbk_out_array_end(out);
    }
    dbk_out_array_end(out);
    dbk_out_key(out, "foods");
    dbk_out_array(out);
    for (size_t c = 0; c < w->categories_count; c++) {
        const dbk_pos_category *category = &w->categories[c];
        for (size_t f = 0; f < category->foods_count; f++) {
            const dbk_pos_food *food = &category->foods[f];
            dbk_out_array(out);
            dbk_out_text(out, category->id);
            dbk_out_text(out, category->name);
            dbk_out_text(out, food->id);
            dbk_out_text(out, food->name);
            dbk_out_wide(out, food->revenue);
            dbk_out_wide(out, food->quantity);
            dbk_out_array_end(out);
        }
    }
    dbk_out_array_end(out);
    dbk_out_object_end(out);
}

// ---- Reading ----

static bool read_text(dbk_arena *arena, const dbk_json *value, dbk_text *out)
{
    if (value->type != DBK_JSON_STRING)
        return false;
    *out = (dbk_text){NULL, value->text.length};
    if (value->text.length == 0)
        return true;
    out->data = dbk_arena_copy(arena, value->text.data, value->text.length);
    return out->data != NULL;
}

static bool read_number(const dbk_json *value, int64_t *out)
{
    return value->type == DBK_JSON_NUMBER &&
           dbk_decimal_parse(value->text.data, value->text.length, 0, out) == DBK_DECIMAL_OK;
}

// Texts, then numbers.
static bool read_row(dbk_arena *arena, const dbk_json *row, int texts_count, dbk_text *texts,
                     int64_t *numbers)
{
    if (row->type != DBK_JSON_ARRAY || row->count != COLUMNS)
        return false;
    int column = 0;
    for (const dbk_json *value = dbk_json_first(row); value != NULL; value = dbk_json_next(row, value)) {
        bool ok = column < texts_count ? read_text(arena, value, &texts[column])
                                       : read_number(value, &numbers[column - texts_count]);
        if (!ok)
            return false;
        column++;
    }
    return true;
}

static bool read_registers(dbk_pos_ledger *ledger, const dbk_json *rows, const dbk_pos_tickets *common,
                           int sign)
{
    if (rows == NULL || rows->type != DBK_JSON_ARRAY)
        return false;
    for (const dbk_json *row = dbk_json_first(rows); row != NULL; row = dbk_json_next(rows, row)) {
        dbk_text texts[2];
        int64_t numbers[4];
        if (!read_row(&ledger->arena, row, 2, texts, numbers))
            return false;
        dbk_pos_tickets entry = *common;
        entry.register_id = texts[0];
        entry.register_name = texts[1];
        entry.orders = sign * numbers[0];
        entry.revenue = (dbk_i128)sign * numbers[1];
        entry.cash = (dbk_i128)sign * numbers[2];
        entry.card = (dbk_i128)sign * numbers[3];
        dbk_pos_ledger_add_tickets(ledger, &entry);
    }
    return true;
}

static bool read_foods(dbk_pos_ledger *ledger, const dbk_json *rows, const dbk_pos_items *common, int sign)
{
    if (rows == NULL || rows->type != DBK_JSON_ARRAY)
        return false;
    for (const dbk_json *row = dbk_json_first(rows); row != NULL; row = dbk_json_next(rows, row)) {
        dbk_text texts[4];
        int64_t numbers[2];
        if (!read_row(&ledger->arena, row, 4, texts, numbers))
            return false;
        dbk_pos_items entry = *common;
        entry.category_id = texts[0];
        entry.category_name = texts[1];
        entry.food_id = texts[2];
        entry.food_name = texts[3];
        entry.revenue = (dbk_i128)sign * numbers[0];
        entry.quantity = (dbk_i128)sign * numbers[1];
        dbk_pos_ledger_add_items(ledger, &entry);
    }
    return true;
}

dbk_status dbk_pos_kept_read(dbk_pos_ledger *ledger, dbk_text text, dbk_pos_source source, int sign,
                             int64_t window_ms, dbk_error *err)
{
    dbk_json_doc doc;
    if (dbk_json_parse(text.data, text.length, &doc, NULL, NULL) != DBK_OK)
        return dbk_fail(err, DBK_CORRUPT, "kept figures of the point of sale are no JSON");
    dbk_pos_tickets tickets = {.window_ms = window_ms, .source = source};
    dbk_pos_items items = {.window_ms = window_ms, .source = source};
    bool ok = read_registers(ledger, dbk_json_get(doc.root, "registers"), &tickets, sign) &&
              read_foods(ledger, dbk_json_get(doc.root, "foods"), &items, sign);
    dbk_json_doc_dispose(&doc);
    return ok ? DBK_OK : dbk_fail(err, DBK_CORRUPT, "kept figures of the point of sale cannot be read");
}
