// SPDX-License-Identifier: Apache-2.0
// Applying rows to one table.
#include "engine/table/change.h"

#include "engine/base/calendar.h"
#include "engine/base/hash.h"
#include "engine/table/key_make.h"
#include "engine/table/rollup_rows.h"
#include "engine/table/roster_rows.h"
#include "engine/table/text_index.h"

#include <assert.h>
#include <string.h>

// How many keys ahead the index is asked for: enough to hide a miss to memory, few enough to stay cached.
enum { PREFETCH_AHEAD = 24 };
#define KEY_SEPARATOR '\x1f'

// ---- Keys ----

// The tenant's code of each word that a row to store uses, by the batch's own code; 0 until asked for.
static dbk_status code_of(dbk_change *change, dbk_dict *dict, const dbk_batch_column *column,
                          uint32_t *translation, uint32_t code, uint32_t *out)
{
    dbk_text word = column->words[code];
    if (code == 0 || word.length == 0) {
        *out = 0;
        return DBK_OK;
    }
    if (translation[code] == 0) {
        // A key to be removed that no word stands for has no row either.
        if (change->batch->remove)
            translation[code] = dbk_dict_find(dict, word, dict->count);
        else
            DBK_TRY(dbk_dict_add(dict, word, &translation[code]));
    }
    *out = translation[code];
    return DBK_OK;
}

static dbk_status translate(dbk_change *change, int c, const uint32_t *rows, uint32_t count, uint32_t **out)
{
    const dbk_batch_column *column = &change->batch->columns[c];
    dbk_dict *dict = dbk_tenant_dict(change->table->tenant, change->table->def->columns[c].domain);
    uint32_t *codes = dbk_arena_alloc(&change->arena, change->batch->rows * sizeof *codes);
    uint32_t *translation = dbk_arena_zalloc(&change->arena, (column->words_count + 1) * sizeof *translation);
    if (!dict || !codes || !translation)
        return DBK_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        DBK_TRY(code_of(change, dict, column, translation, column->codes[rows[i]], &codes[rows[i]]));
    *out = codes;
    return DBK_OK;
}

// The parts of a key of several columns, in the order of the columns.
static dbk_status joined_key(const dbk_batch *batch, uint32_t row, dbk_buffer *out)
{
    dbk_buffer_reset(out);
    for (int c = 0; c < batch->table->columns_count; c++) {
        const dbk_column_def *def = &batch->table->columns[c];
        if (!(def->flags & DBK_KEY) || def->flags & DBK_HIDDEN)
            continue;
        if (out->size > 0)
            dbk_buffer_u8(out, KEY_SEPARATOR);
        const dbk_batch_column *column = &batch->columns[c];
        if (def->type == DBK_CODE) {
            dbk_text word = column->words[column->codes[row]];
            dbk_buffer_append(out, word.data, word.length);
        } else {
            assert(def->type == DBK_DATE);
            char date[DBK_TIME_TEXT_MAX];
            dbk_buffer_append(out, date, dbk_date_write(date, (int32_t)column->ints[row]));
        }
    }
    return out->failed ? DBK_NO_MEMORY : DBK_OK;
}

static dbk_status join_keys(dbk_change *change, const uint32_t *rows, uint32_t count, uint32_t *codes)
{
    const dbk_table_def *def = change->table->def;
    dbk_dict *dict = dbk_tenant_dict(change->table->tenant, def->columns[def->key_column].domain);
    if (!dict)
        return DBK_NO_MEMORY;
    dbk_buffer key = {0};
    dbk_status status = DBK_OK;
    for (uint32_t i = 0; status == DBK_OK && i < count; i++) {
        status = joined_key(change->batch, rows[i], &key);
        dbk_text word = {(const char *)key.data, (uint32_t)key.size};
        if (status == DBK_OK && change->batch->remove)
            codes[rows[i]] = dbk_dict_find(dict, word, dict->count);
        else if (status == DBK_OK)
            status = dbk_dict_add(dict, word, &codes[rows[i]]);
    }
    dbk_buffer_dispose(&key);
    return status;
}

static dbk_status keys_make(dbk_change *change, const uint32_t *rows, uint32_t count)
{
    const dbk_table_def *def = change->table->def;
    const dbk_batch_column *column = &change->batch->columns[def->key_column];
    if (def->kind == DBK_FACT) {
        uint64_t *hashes = dbk_arena_alloc(&change->arena, change->batch->rows * sizeof *hashes);
        if (!hashes)
            return DBK_NO_MEMORY;
        for (uint32_t i = 0; i < count; i++) {
            dbk_text id = column->texts[rows[i]];
            hashes[rows[i]] = dbk_hash_bytes(id.data, id.length);
        }
        change->hashes = hashes;
        return DBK_OK;
    }
    uint32_t *codes;
    if (def->columns[def->key_column].flags & DBK_HIDDEN) {
        codes = dbk_arena_alloc(&change->arena, change->batch->rows * sizeof *codes);
        if (!codes)
            return DBK_NO_MEMORY;
        DBK_TRY(join_keys(change, rows, count, codes));
    } else {
        DBK_TRY(translate(change, def->key_column, rows, count, &codes));
    }
    change->keys = codes;
    return DBK_OK;
}

// ---- Which rows ----

static bool is_same_key(const dbk_change *change, uint32_t a, uint32_t b)
{
    if (change->keys)
        return change->keys[a] == change->keys[b];
    const dbk_text *ids = change->batch->columns[change->table->def->key_column].texts;
    return change->hashes[a] == change->hashes[b] && dbk_text_equal(ids[a], ids[b]);
}

static uint64_t key_hash(const dbk_change *change, uint32_t row)
{
    return change->keys ? dbk_hash_u64(change->keys[row]) : change->hashes[row];
}

// Of rows with the same key only the last stays. Walks backwards and fills `rows` from its end.
static dbk_status drop_superseded(dbk_change *change, uint32_t *rows, uint32_t *count)
{
    if (*count < 2)
        return DBK_OK;
    uint32_t capacity = 4;
    while (capacity < *count * 2)
        capacity *= 2;
    dbk_arena scratch = {0};
    uint32_t *seen = dbk_arena_zalloc(&scratch, capacity * sizeof *seen); // rows + 1
    if (!seen)
        return DBK_NO_MEMORY;
    uint32_t kept = *count;
    for (uint32_t i = *count; i-- > 0;) {
        uint32_t at = (uint32_t)key_hash(change, rows[i]) & (capacity - 1);
        while (seen[at] && !is_same_key(change, seen[at] - 1, rows[i]))
            at = (at + 1) & (capacity - 1);
        if (seen[at])
            continue;
        seen[at] = rows[i] + 1;
        rows[--kept] = rows[i];
    }
    dbk_arena_dispose(&scratch);
    *count -= kept;
    memmove(rows, rows + kept, *count * sizeof *rows);
    return DBK_OK;
}

static dbk_status rows_choose(dbk_change *change)
{
    const dbk_batch *batch = change->batch;
    uint32_t *rows = dbk_arena_alloc(&change->arena, batch->rows * sizeof *rows);
    if (!rows)
        return DBK_NO_MEMORY;
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch->rows; i++) {
        if (!change->is_rejected || !change->is_rejected[i])
            rows[count++] = i;
    }
    DBK_TRY(keys_make(change, rows, count));
    DBK_TRY(drop_superseded(change, rows, &count));
    if (change->keys && batch->remove) {
        uint32_t known = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (change->keys[rows[i]])
                rows[known++] = rows[i];
        }
        count = known;
    }
    change->input.rows = rows;
    change->count = count;
    return DBK_OK;
}

// ---- Where the keys stand ----

static dbk_status facts_find(dbk_change *change)
{
    dbk_table *table = change->table;
    DBK_TRY(dbk_table_keys_need(table));
    const uint32_t *rows = change->input.rows;
    uint64_t *hashes = dbk_arena_alloc(&change->arena, change->count * sizeof *hashes);
    change->entries = dbk_arena_zalloc(&change->arena, change->count * sizeof(_Atomic uint64_t *));
    if (!hashes || !change->entries)
        return DBK_NO_MEMORY;
    for (uint32_t i = 0; i < change->count; i++)
        hashes[i] = change->hashes[rows[i]];
    if (!change->batch->remove) {
        DBK_TRY(dbk_table_index_prepare(table, change->count));
        // Entries are found below and must not move after that.
        if (!dbk_key_index_reserve(&table->index, hashes, change->count))
            return DBK_NO_MEMORY;
    }
    const dbk_text *ids = change->batch->columns[table->def->key_column].texts;
    for (uint32_t i = 0; i < change->count; i++) {
        if (i + PREFETCH_AHEAD < change->count)
            dbk_key_index_prefetch(&table->index, hashes[i + PREFETCH_AHEAD]);
        DBK_TRY(dbk_table_find(table, ids[rows[i]], hashes[i], &change->old[i], &change->entries[i]));
    }
    return DBK_OK;
}

static dbk_status keys_find(dbk_change *change)
{
    dbk_table *table = change->table;
    for (uint32_t i = 0; i < change->count; i++) {
        uint32_t code = change->keys[change->input.rows[i]];
        uint64_t value = dbk_locator_map_get(&table->map, code);
        change->old[i] = value ? value - 1 : DBK_NO_PLACE;
        if ((value || !change->batch->remove) && !dbk_table_key_reserve(table, code))
            return DBK_NO_MEMORY;
    }
    return DBK_OK;
}

static dbk_status old_rows_find(dbk_change *change)
{
    change->old = dbk_arena_alloc(&change->arena, change->count * sizeof *change->old);
    if (!change->old)
        return DBK_NO_MEMORY;
    DBK_TRY(change->keys ? keys_find(change) : facts_find(change));
    uint32_t found = 0;
    for (uint32_t i = 0; i < change->count; i++) {
        if (change->old[i] == DBK_NO_PLACE)
            continue;
        found++;
        if (!dbk_table_kill_reserve(change->table, change->old[i]))
            return DBK_NO_MEMORY;
    }
    if (change->hashes)
        dbk_moves_reserve(&change->table->moves, dbk_table_versions(change->table),
                          change->table->view ? change->table->view->moves : 0, found);
    return DBK_OK;
}

// ---- Room for the rows ----

static dbk_status columns_make(dbk_change *change)
{
    const dbk_table_def *def = change->table->def;
    for (int c = 0; c < def->columns_count; c++) {
        const dbk_batch_column *column = &change->batch->columns[c];
        if (c == def->key_column && change->keys) {
            change->input.codes[c] = change->keys;
        } else if (c == def->time_column && change->times) {
            change->input.ints[c] = change->times;
        } else if (def->columns[c].type == DBK_CODE && column->codes) {
            uint32_t *codes;
            DBK_TRY(translate(change, c, change->input.rows, change->count, &codes));
            change->input.codes[c] = codes;
        } else {
            change->input.ints[c] = column->ints;
            change->input.texts[c] = column->texts;
        }
    }
    return DBK_OK;
}

// A delta in a slot of its own. Keyed tables take the place of an emptied part; facts do not, so that their
// parts stay in the order the rows came.
static bool delta_open(dbk_table *table)
{
    uint32_t slot = table->slots;
    for (uint32_t i = 0; table->def->kind == DBK_KEYED && i < table->slots; i++) {
        const dbk_part *part = dbk_table_part(table, i);
        if (!part->sealed && !part->delta) {
            slot = i;
            break;
        }
    }
    if (!dbk_table_slots_reserve(table, slot + 1))
        return false;
    dbk_part *part = dbk_table_part_own(table, slot);
    dbk_delta *delta = part ? dbk_delta_create(dbk_table_versions(table), table->def) : NULL;
    if (!delta)
        return false;
    *part = (dbk_part){.delta = delta, .edition = part->edition};
    table->hot_slot = slot;
    return true;
}

static bool delta_enlarge(dbk_table *table, uint32_t slot, uint32_t more)
{
    dbk_versions *versions = dbk_table_versions(table);
    dbk_part *part = dbk_table_part_own(table, slot);
    dbk_delta *larger = part ? dbk_delta_enlarge(versions, part->delta, more) : NULL;
    if (!larger)
        return false;
    dbk_versions_drop(versions, &part->delta->object);
    part->delta = larger;
    return true;
}

bool dbk_table_delta_fill(dbk_table *table, const dbk_rows *rows, uint32_t *slot)
{
    if (table->hot_slot != DBK_NO_SLOT)
        table->unsealed = true; // somebody restores rows twice: the first ones are sealed as they are
    if (!delta_open(table))
        return false;
    *slot = table->hot_slot;
    dbk_delta_input input = {0};
    for (int c = 0; c < table->def->columns_count; c++) {
        input.ints[c] = rows->ints[c];
        input.codes[c] = rows->codes[c];
        input.texts[c] = rows->texts[c];
    }
    if (rows->rows > dbk_delta_capacity(dbk_table_part(table, *slot)->delta) &&
        !delta_enlarge(table, *slot, rows->rows))
        return false;
    dbk_part *part = dbk_table_part_own(table, *slot);
    char *text;
    if (!part || !dbk_delta_reserve(part->delta, &input, rows->rows,
                                    dbk_delta_text_bytes(table->def, &input, 0, rows->rows), &text))
        return false;
    dbk_delta_append(part->delta, &input, 0, rows->rows, text);
    part->rows = rows->rows;
    table->rows += rows->rows;
    return true;
}

static dbk_status piece_reserve(dbk_change *change, dbk_change_piece *piece, uint32_t left)
{
    dbk_table *table = change->table;
    uint32_t limit = table->tenant->db->segment_rows;
    if (table->hot_slot != DBK_NO_SLOT && dbk_table_part(table, table->hot_slot)->delta->rows >= limit) {
        table->unsealed = true;
        table->hot_slot = DBK_NO_SLOT;
    }
    if (table->hot_slot == DBK_NO_SLOT && !delta_open(table))
        return DBK_NO_MEMORY;
    dbk_delta *delta = dbk_table_part(table, table->hot_slot)->delta;
    piece->slot = table->hot_slot;
    piece->count = left < limit - delta->rows ? left : limit - delta->rows;
    if (delta->rows + piece->count > dbk_delta_capacity(delta) &&
        !delta_enlarge(table, table->hot_slot, piece->count))
        return DBK_NO_MEMORY;
    piece->delta = dbk_table_part(table, piece->slot)->delta;
    size_t bytes = dbk_delta_text_bytes(table->def, &change->input, piece->from, piece->count);
    if (!dbk_delta_reserve(piece->delta, &change->input, piece->count, bytes, &piece->text) ||
        !dbk_table_part_own(table, piece->slot))
        return DBK_NO_MEMORY;
    return DBK_OK;
}

static dbk_status pieces_reserve(dbk_change *change)
{
    dbk_table *table = change->table;
    uint32_t limit = table->tenant->db->segment_rows;
    change->pieces = dbk_arena_zalloc(&change->arena, (change->count / limit + 2) * sizeof *change->pieces);
    if (!change->pieces)
        return DBK_NO_MEMORY;
    uint32_t hot_before = table->hot_slot;
    for (uint32_t from = 0; from < change->count;) {
        dbk_change_piece *piece = &change->pieces[change->pieces_count];
        piece->from = from;
        dbk_status status = piece_reserve(change, piece, change->count - from);
        if (status != DBK_OK) {
            // Deltas opened here are empty: an earlier one still has room and goes on being filled.
            if (change->pieces_count > 0)
                table->hot_slot = change->pieces[0].slot;
            else if (hot_before != DBK_NO_SLOT && table->hot_slot == DBK_NO_SLOT)
                table->hot_slot = hot_before;
            return status;
        }
        from += piece->count;
        change->pieces_count++;
        // The next piece, if any, finds this delta full.
        if (from < change->count) {
            table->hot_slot = DBK_NO_SLOT;
            table->unsealed = true;
        }
    }
    return DBK_OK;
}

dbk_status dbk_change_prepare(dbk_change *change)
{
    if (change->batch->rows == 0)
        return DBK_OK;
    DBK_TRY(rows_choose(change));
    if (change->count == 0)
        return DBK_OK;
    DBK_TRY(old_rows_find(change));
    if (change->batch->remove)
        return DBK_OK;
    DBK_TRY(columns_make(change));
    return pieces_reserve(change);
}

// ---- Commit ----

static void fact_store(dbk_change *change, uint32_t i, dbk_place place)
{
    dbk_table *table = change->table;
    uint64_t hash = change->hashes[change->input.rows[i]];
    if (change->old[i] == DBK_NO_PLACE) {
        dbk_key_index_insert(&table->index, hash, place, change->entries[i]);
        return;
    }
    dbk_moves_note(&table->moves, dbk_key_entry(hash, change->old[i]));
    dbk_key_index_update(change->entries[i], hash, place);
    dbk_table_kill(table, change->old[i]);
}

static void keyed_store(dbk_change *change, uint32_t i, dbk_place place)
{
    if (change->old[i] != DBK_NO_PLACE)
        dbk_table_kill(change->table, change->old[i]);
    dbk_locator_map_set(&change->table->map, change->keys[change->input.rows[i]], place + 1);
}

static void commit_remove(dbk_change *change)
{
    dbk_table *table = change->table;
    for (uint32_t i = 0; i < change->count; i++) {
        if (change->old[i] == DBK_NO_PLACE)
            continue;
        uint32_t row = change->input.rows[i];
        if (change->hashes) {
            dbk_moves_note(&table->moves, dbk_key_entry(change->hashes[row], change->old[i]));
            dbk_key_index_remove(&table->index, change->hashes[row], change->entries[i]);
        } else {
            dbk_locator_map_set(&table->map, change->keys[row], 0);
        }
        dbk_table_kill(table, change->old[i]);
    }
}

void dbk_change_commit(dbk_change *change)
{
    dbk_table *table = change->table;
    if (change->count == 0)
        return;
    dbk_table_rollups_change(table, change->old, change->batch->remove ? NULL : &change->input,
                             change->count);
    dbk_table_roster_change(table, change->old, change->batch->remove ? NULL : &change->input, change->count);
    if (change->batch->remove)
        commit_remove(change);
    for (uint32_t p = 0; p < change->pieces_count; p++) {
        dbk_change_piece *piece = &change->pieces[p];
        uint32_t first = piece->delta->rows;
        dbk_delta_append(piece->delta, &change->input, piece->from, piece->count, piece->text);
        dbk_part *part = &table->pages[piece->slot / DBK_PAGE_PARTS]->parts[piece->slot % DBK_PAGE_PARTS];
        part->rows = piece->delta->rows;
        table->rows += piece->count;
        for (uint32_t i = 0; i < piece->count; i++) {
            dbk_place place = dbk_place_make(piece->slot, first + i);
            if (change->hashes && i + PREFETCH_AHEAD < piece->count)
                __builtin_prefetch((const void *)change->entries[piece->from + i + PREFETCH_AHEAD], 1);
            if (change->hashes)
                fact_store(change, piece->from + i, place);
            else
                keyed_store(change, piece->from + i, place);
        }
    }
    if (!change->batch->remove)
        dbk_text_index_follow(table, &change->input, change->count);
    dbk_table_mark_changed(table);
}

void dbk_change_dispose(dbk_change *change)
{
    dbk_arena_dispose(&change->arena);
}
