// SPDX-License-Identifier: Apache-2.0
// The naive twin of the database: for each key the row as one line of text, in an array. Keys are numbers
// below MODEL_KEYS, so that rows are replaced and removed all the time.
#ifndef DBK_TEST_TABLE_MODEL_H
#define DBK_TEST_TABLE_MODEL_H

#include "engine/table/state.h"
#include "tests/support/seed.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MODEL_KEYS = 400, MODEL_TENANTS = 3, MODEL_LINE = 2048 };

static const dbk_table_id model_tables[] = {DBK_ORDERS,         DBK_ORDER_LINES, DBK_CUSTOMERS,
                                            DBK_OFFER_VARIANTS, DBK_FX_RATES,    DBK_PRODUCTS};

typedef struct model {
    char *rows[MODEL_TENANTS][DBK_TABLE_END][MODEL_KEYS];
    int64_t times[MODEL_TENANTS][MODEL_KEYS]; // created_at of orders
    char currency[MODEL_TENANTS][16];         // the setting, "" = none
} model;

static inline dbk_text model_tenant(int tenant)
{
    static const char *const names[MODEL_TENANTS] = {"acme", "Bäckerei", "c"};
    return dbk_text_from(names[tenant]);
}

static inline void model_free(model *m)
{
    for (int t = 0; t < MODEL_TENANTS; t++)
        for (int id = 0; id < DBK_TABLE_END; id++)
            for (int k = 0; k < MODEL_KEYS; k++)
                free(m->rows[t][id][k]);
    free(m);
}

static inline model *model_copy(const model *m)
{
    model *copy = malloc(sizeof *copy);
    *copy = *m;
    for (int t = 0; t < MODEL_TENANTS; t++)
        for (int id = 0; id < DBK_TABLE_END; id++)
            for (int k = 0; k < MODEL_KEYS; k++)
                copy->rows[t][id][k] = m->rows[t][id][k] ? strdup(m->rows[t][id][k]) : NULL;
    return copy;
}

// ---- Rows as lines ----

typedef struct cell {
    int64_t number;
    dbk_text text;
} cell;

static inline void cell_print(char *line, const dbk_column_def *def, cell value)
{
    size_t at = strlen(line);
    if (dbk_type_is_int(def->type) && value.number != DBK_NULL)
        snprintf(line + at, MODEL_LINE - at, "%s=%lld|", def->name, (long long)value.number);
    else if (!dbk_type_is_int(def->type) && value.text.length)
        snprintf(line + at, MODEL_LINE - at, "%s=%.*s|", def->name, (int)value.text.length, value.text.data);
}

// "k17" is 17. Words of a dictionary have no NUL behind them.
static inline int word_number(dbk_text word)
{
    int number = 0;
    for (uint32_t i = 1; i < word.length; i++)
        number = number * 10 + word.data[i] - '0';
    return number;
}

// The number of a key from the texts and numbers of the row's key columns.
static inline int key_number(const dbk_table_def *def, const cell *cells)
{
    int number = 0;
    for (int c = 0; c < def->columns_count; c++) {
        const dbk_column_def *column = &def->columns[c];
        if (!(column->flags & DBK_KEY) || column->flags & DBK_HIDDEN)
            continue;
        number = number * 7 + (column->type == DBK_DATE ? (int)cells[c].number : word_number(cells[c].text));
    }
    return number;
}

// The text by which the key with this number is found.
static inline dbk_text key_text(const dbk_table_def *def, int number, char out[64])
{
    int length;
    if (def->id == DBK_OFFER_VARIANTS)
        length = snprintf(out, 64, "k%d\x1fk%d", number / 7, number % 7);
    else if (def->id == DBK_FX_RATES)
        length = snprintf(out, 64, "1970-01-0%d\x1fk%d\x1fk%d", number / 49 + 1, number / 7 % 7, number % 7);
    else
        length = snprintf(out, 64, "k%d", number);
    return (dbk_text){out, (uint32_t)length};
}

static inline int key_count(const dbk_table_def *def)
{
    return def->id == DBK_OFFER_VARIANTS ? 49 : def->id == DBK_FX_RATES ? 343 : MODEL_KEYS;
}

// ---- Random batches ----

static inline dbk_text random_word(dbk_random *r, dbk_arena *arena, int bound)
{
    char word[32];
    int length = snprintf(word, sizeof word, "k%d", (int)dbk_random_below(r, (uint64_t)bound));
    return (dbk_text){dbk_arena_copy(arena, word, (size_t)length), (uint32_t)length};
}

static inline void fill_codes(dbk_random *r, dbk_batch *b, int c, const int *keys)
{
    const dbk_column_def *def = &b->table->columns[c];
    dbk_batch_column *column = &b->columns[c];
    bool required = def->flags & (DBK_REQUIRED | DBK_KEY);
    column->words = dbk_arena_zalloc(&b->arena, (b->rows + 1) * sizeof(dbk_text));
    column->codes = dbk_arena_zalloc(&b->arena, b->rows * sizeof(uint32_t));
    column->words_count = 1;
    for (uint32_t i = 0; i < b->rows; i++) {
        if (!required && dbk_random_below(r, 4) == 0)
            continue;
        // A word may stand in the batch's words more than once.
        dbk_text word = random_word(r, &b->arena, 30);
        if (def->flags & DBK_KEY) {
            int number = keys[i], length;
            int last = b->table->columns_count - 1 - (b->table->id == DBK_FX_RATES);
            char text[32];
            if (b->table->id == DBK_OFFER_VARIANTS || b->table->id == DBK_FX_RATES)
                number = c == last ? number % 7 : number / 7 % 7;
            length = snprintf(text, sizeof text, "k%d", number);
            word = (dbk_text){dbk_arena_copy(&b->arena, text, (size_t)length), (uint32_t)length};
        }
        column->words[column->words_count] = word;
        column->codes[i] = column->words_count++;
    }
}

static inline void fill_texts(dbk_random *r, dbk_batch *b, int c, const int *keys)
{
    const dbk_column_def *def = &b->table->columns[c];
    b->columns[c].texts = dbk_arena_zalloc(&b->arena, b->rows * sizeof(dbk_text));
    for (uint32_t i = 0; i < b->rows; i++) {
        char text[400];
        int length;
        if (def->flags & DBK_KEY)
            length = snprintf(text, sizeof text, "k%d", keys[i]);
        else if (!(def->flags & DBK_REQUIRED) && dbk_random_below(r, 3) == 0)
            continue;
        else
            length = snprintf(text, sizeof text, "k%d%*s", (int)dbk_random_below(r, MODEL_KEYS),
                              dbk_random_below(r, 50) == 0 ? 300 : 0, "");
        if (length > 64 && strstr(def->name, "_id"))
            length = 3;
        b->columns[c].texts[i] =
            (dbk_text){dbk_arena_copy(&b->arena, text, (size_t)length), (uint32_t)length};
    }
}

static inline void fill_ints(dbk_random *r, dbk_batch *b, int c, const int *keys)
{
    const dbk_column_def *def = &b->table->columns[c];
    int64_t *ints = b->columns[c].ints = dbk_arena_alloc(&b->arena, b->rows * sizeof(int64_t));
    for (uint32_t i = 0; i < b->rows; i++) {
        ints[i] = (int64_t)dbk_random_below(r, 1000) - 200;
        if (def->type == DBK_BOOL)
            ints[i] = (int64_t)dbk_random_below(r, 2);
        else if (def->type == DBK_DATE)
            ints[i] = keys[i] / 49;
        else if (dbk_random_below(r, 40) == 0)
            ints[i] = (int64_t)(dbk_random_u64(r) >> 2);
        if (!(def->flags & (DBK_REQUIRED | DBK_KEY)) && dbk_random_below(r, 4) == 0)
            ints[i] = DBK_NULL;
    }
}

static inline void random_batch(dbk_random *r, dbk_batch *b, dbk_table_id id, uint32_t rows, bool remove)
{
    *b = (dbk_batch){.table = dbk_table_def_by_id((int)id), .rows = rows, .remove = remove};
    int *keys = dbk_arena_alloc(&b->arena, rows * sizeof *keys);
    for (uint32_t i = 0; i < rows; i++)
        keys[i] = (int)dbk_random_below(r, (uint64_t)key_count(b->table));
    for (int c = 0; c < b->table->columns_count; c++) {
        const dbk_column_def *def = &b->table->columns[c];
        bool key = def->flags & DBK_KEY;
        if (def->flags & DBK_HIDDEN || (remove && !key))
            continue;
        if (!key && !(def->flags & DBK_REQUIRED) && dbk_random_below(r, 5) == 0)
            continue;
        if (def->type == DBK_TEXT)
            fill_texts(r, b, c, keys);
        else if (def->type == DBK_CODE)
            fill_codes(r, b, c, keys);
        else
            fill_ints(r, b, c, keys);
    }
}

// ---- The naive way to apply ----

static inline cell batch_cell(const dbk_batch *b, int c, uint32_t row)
{
    const dbk_batch_column *column = &b->columns[c];
    cell out = {DBK_NULL, {NULL, 0}};
    if (column->ints)
        out.number = column->ints[row];
    if (column->texts)
        out.text = column->texts[row];
    if (column->codes)
        out.text = column->words[column->codes[row]];
    return out;
}

// Returns how many rows it rejected.
static inline uint32_t model_apply(model *m, int tenant, const dbk_batch *b)
{
    const dbk_table_def *def = b->table;
    uint32_t rejected = 0;
    int currency = dbk_column_find(def, DBK_TEXT("currency"));
    for (uint32_t i = 0; i < b->rows; i++) {
        cell cells[DBK_COLUMNS_MAX];
        for (int c = 0; c < def->columns_count; c++)
            cells[c] = batch_cell(b, c, i);
        int key = key_number(def, cells);
        char **row = &m->rows[tenant][def->id][key];
        if (b->remove) {
            free(*row);
            *row = NULL;
            continue;
        }
        if (def->id == DBK_ORDER_LINES && cells[2].number == DBK_NULL) {
            char order[80];
            snprintf(order, sizeof order, "%.*s", (int)cells[1].text.length, cells[1].text.data);
            int n = atoi(order + 1);
            char plain[64];
            snprintf(plain, sizeof plain, "k%d", n);
            if (strcmp(plain, order) != 0 || n >= MODEL_KEYS || !m->rows[tenant][DBK_ORDERS][n]) {
                rejected++;
                continue;
            }
            cells[2].number = m->times[tenant][n];
        }
        char line[MODEL_LINE] = "";
        for (int c = 0; c < def->columns_count; c++) {
            if (!(def->columns[c].flags & DBK_HIDDEN))
                cell_print(line, &def->columns[c], cells[c]);
        }
        free(*row);
        *row = strdup(line);
        if (def->id == DBK_ORDERS)
            m->times[tenant][key] = cells[1].number;
        if (currency >= 0 && cells[currency].text.length && !m->currency[tenant][0])
            snprintf(m->currency[tenant], sizeof m->currency[tenant], "%.*s",
                     (int)cells[currency].text.length, cells[currency].text.data);
    }
    return rejected;
}

// ---- Comparing ----

static inline void row_line(const dbk_tenant_view *tenant, const dbk_table_view *view, dbk_locator at,
                            dbk_text_cursor *cursor, char line[MODEL_LINE], cell *cells)
{
    const dbk_table_def *def = view->table->def;
    const dbk_part *part = dbk_view_part(view, at.part);
    line[0] = '\0';
    for (int c = 0; c < def->columns_count; c++) {
        const dbk_column_def *column = &def->columns[c];
        cells[c] = (cell){DBK_NULL, {NULL, 0}};
        if (column->type == DBK_TEXT)
            assert_int_equal(dbk_part_text_at(part, c, at.row, cursor, &cells[c].text), DBK_OK);
        else if (column->type == DBK_CODE)
            cells[c].text = dbk_tenant_word(tenant, column->domain, dbk_part_code_at(part, c, at.row));
        else
            cells[c].number = dbk_part_int_at(part, c, at.row);
        if (!(column->flags & DBK_HIDDEN))
            cell_print(line, column, cells[c]);
        // The cursor's bytes last until its next use; key_number reads only the key.
        if (column->type == DBK_TEXT && !(column->flags & DBK_KEY))
            cells[c].text = (dbk_text){NULL, 0};
        if (column->type == DBK_TEXT && column->flags & DBK_KEY) {
            static _Thread_local char key[DBK_ID_BYTES_MAX + 1];
            memcpy(key, cells[c].text.data, cells[c].text.length);
            key[cells[c].text.length] = '\0';
            cells[c].text.data = key;
        }
    }
}

static inline void vector_check(const dbk_tenant_view *tenant, const dbk_table_view *view, uint32_t index,
                                uint32_t vector, dbk_text_scratch *scratch, dbk_text_cursor *cursor)
{
    const dbk_table_def *def = view->table->def;
    const dbk_part *part = dbk_view_part(view, index);
    uint32_t rows = dbk_part_rows(part) - vector * DBK_VECTOR_ROWS;
    rows = rows > DBK_VECTOR_ROWS ? DBK_VECTOR_ROWS : rows;
    (void)tenant;
    for (int c = 0; c < def->columns_count; c++) {
        int64_t ints[DBK_VECTOR_ROWS];
        uint32_t codes[DBK_VECTOR_ROWS];
        uint32_t first = vector * DBK_VECTOR_ROWS;
        if (def->columns[c].type == DBK_TEXT) {
            const dbk_text *texts;
            assert_int_equal(dbk_part_texts(part, c, vector, scratch, &texts), DBK_OK);
            for (uint32_t i = 0; i < rows; i++) {
                dbk_text other;
                assert_int_equal(dbk_part_text_at(part, c, first + i, cursor, &other), DBK_OK);
                assert_true(dbk_text_equal(texts[i], other));
            }
        } else if (def->columns[c].type == DBK_CODE) {
            const uint32_t *values = dbk_part_codes(part, c, vector, codes);
            for (uint32_t i = 0; i < rows; i++)
                assert_int_equal(values[i], dbk_part_code_at(part, c, first + i));
        } else {
            const int64_t *values = dbk_part_ints(part, c, vector, ints);
            for (uint32_t i = 0; i < rows; i++)
                assert_true(values[i] == dbk_part_int_at(part, c, first + i));
            if (c == def->time_column && dbk_part_is_sorted(part))
                assert_true(dbk_rows_is_sorted(values, rows));
        }
    }
}

static inline void table_check(const dbk_tenant_view *tenant, const dbk_table_view *view, char *const *rows)
{
    const dbk_table_def *def = view->table->def;
    dbk_text_scratch *scratch = calloc(1, sizeof *scratch);
    dbk_text_cursor *cursor = calloc(1, sizeof *cursor);
    bool seen[MODEL_KEYS] = {false};
    uint64_t count = 0;
    char line[MODEL_LINE];
    cell cells[DBK_COLUMNS_MAX];
    char id[64];
    bool found;
    dbk_locator at;
    dbk_finder *finder = dbk_finder_create(view);
    assert_non_null(finder);
    for (uint32_t p = 0; p < dbk_view_parts(view); p++) {
        const dbk_part *part = dbk_view_part(view, p);
        uint32_t dead_rows = 0;
        for (uint32_t i = 0; i < dbk_part_rows(part); i++) {
            if (i % DBK_VECTOR_ROWS == 0)
                vector_check(tenant, view, p, i / DBK_VECTOR_ROWS, scratch, cursor);
            const uint64_t *dead = dbk_part_dead(part, i / DBK_VECTOR_ROWS);
            if (dead && dead[i % DBK_VECTOR_ROWS / 64] >> (i % 64) & 1) {
                dead_rows++;
                continue;
            }
            row_line(tenant, view, (dbk_locator){p, i}, cursor, line, cells);
            int key = key_number(def, cells);
            assert_in_range(key, 0, MODEL_KEYS - 1);
            assert_false(seen[key]);
            seen[key] = true;
            count++;
            assert_non_null(rows[key]);
            assert_string_equal(line, rows[key]);
            assert_int_equal(dbk_finder_find(finder, key_text(def, key, id), &found, &at), DBK_OK);
            assert_true(found && at.part == p && at.row == i);
        }
        assert_int_equal(dead_rows, dbk_part_dead_rows(part));
    }
    assert_int_equal(count, dbk_view_rows(view));
    for (int key = 0; key < key_count(def); key++) {
        assert_int_equal(seen[key], rows[key] != NULL);
        dbk_locator along, by_code;
        dbk_text text = key_text(def, key, id);
        assert_int_equal(dbk_finder_find(finder, text, &found, &along), DBK_OK);
        assert_int_equal(found, rows[key] != NULL);
        assert_int_equal(dbk_view_find_id(view, text, &found, &at), DBK_OK);
        assert_int_equal(found, rows[key] != NULL);
        if (!found)
            continue;
        assert_true(along.part == at.part && along.row == at.row);
        row_line(tenant, view, at, cursor, line, cells);
        assert_string_equal(line, rows[key]);
        if (def->kind == DBK_KEYED) {
            uint32_t code = dbk_tenant_code(tenant, def->columns[def->key_column].domain, text);
            assert_true(dbk_view_find_code(view, code, &by_code));
            assert_true(by_code.part == at.part && by_code.row == at.row);
        }
    }
    dbk_finder_free(finder);
    dbk_text_scratch_dispose(scratch);
    dbk_text_scratch_dispose(&cursor->scratch);
    free(scratch);
    free(cursor);
}

static inline void setting_check(const dbk_tenant_view *tenant, const char *currency)
{
    const dbk_table_view *view = tenant ? dbk_tenant_table(tenant, DBK_SETTINGS) : NULL;
    assert_int_equal(view != NULL, currency[0] != 0);
    if (!view)
        return;
    bool found;
    dbk_locator at;
    dbk_text value;
    assert_int_equal(dbk_view_find_id(view, DBK_TEXT("currency"), &found, &at), DBK_OK);
    assert_true(found);
    dbk_text_cursor *cursor = calloc(1, sizeof *cursor);
    assert_int_equal(dbk_part_text_at(dbk_view_part(view, at.part), 1, at.row, cursor, &value), DBK_OK);
    assert_true(dbk_text_equal(value, dbk_text_from(currency)));
    dbk_text_scratch_dispose(&cursor->scratch);
    free(cursor);
}

static inline void snapshot_check(const dbk_snapshot *snapshot, const model *m)
{
    for (int t = 0; t < MODEL_TENANTS; t++) {
        const dbk_tenant_view *tenant = dbk_snapshot_tenant(snapshot, model_tenant(t));
        for (size_t i = 0; i < DBK_COUNT(model_tables); i++) {
            dbk_table_id id = model_tables[i];
            uint64_t count = 0;
            for (int k = 0; k < MODEL_KEYS; k++)
                count += m->rows[t][id][k] != NULL;
            assert_int_equal(dbk_snapshot_rows(snapshot, model_tenant(t), id), count);
            const dbk_table_view *view = tenant ? dbk_tenant_table(tenant, id) : NULL;
            if (view)
                table_check(tenant, view, m->rows[t][id]);
        }
        setting_check(tenant, m->currency[t]);
    }
}

#endif
