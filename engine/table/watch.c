// SPDX-License-Identifier: Apache-2.0
// Telling what stood before the rows that a change replaces. A change knows where its keys stood, so this
// costs one value a row, and only for rows that are watched.
#include "engine/table/change.h"

#include <assert.h>
#include <string.h>

void dbk_db_watch(dbk_db *db, const dbk_watch *watches, int count, dbk_row_stored stored, void *user)
{
    for (int i = 0; i < count; i++)
        assert(dbk_table_def_by_id(watches[i].table)->kind == DBK_FACT);
    db->watches = watches;
    db->watches_count = count;
    db->stored = stored;
    db->stored_user = user;
}

void dbk_db_watch_number(dbk_db *db, uint64_t number)
{
    db->watch_number = number;
}

// Where a watch looks in a batch.
typedef struct lookout {
    const uint32_t *where; // the batch's own codes; NULL = every row …
    uint32_t wanted;       // … or those with this one
    int column;            // -1 = none
    dbk_domain domain;
    const uint32_t *after; // the tenant's codes; NULL = no row has a value
} lookout;

// The batch's own code of a word; 0 when it does not have it.
static uint32_t code_in(const dbk_batch_column *column, dbk_text word)
{
    for (uint32_t code = 1; column->codes && code < column->words_count; code++)
        if (dbk_text_equal(column->words[code], word))
            return code;
    return 0;
}

static int column_of(const dbk_table_def *def, const char *name)
{
    int column = dbk_column_find(def, dbk_text_from(name));
    assert(column >= 0 && def->columns[column].type == DBK_CODE);
    return column;
}

// False: the batch has no row to be told of.
static bool look_out(const dbk_change *change, const dbk_watch *watch, lookout *out)
{
    const dbk_table_def *def = change->batch->table;
    *out = (lookout){.column = -1};
    if (watch->where) {
        const dbk_batch_column *where = &change->batch->columns[column_of(def, watch->where)];
        out->where = where->codes;
        out->wanted = code_in(where, dbk_text_from(watch->is));
        if (out->wanted == 0)
            return false;
    }
    if (watch->column) {
        out->column = column_of(def, watch->column);
        out->domain = def->columns[out->column].domain;
        out->after = change->input.codes[out->column];
    }
    return true;
}

static dbk_text word_of(dbk_tenant *tenant, dbk_domain domain, uint32_t code)
{
    return code ? dbk_dict_word(dbk_tenant_dict(tenant, domain), code) : (dbk_text){NULL, 0};
}

static uint32_t code_before(const dbk_change *change, int column, dbk_place place)
{
    const dbk_part *part = dbk_table_part(change->table, dbk_place_slot(place));
    return dbk_part_code_at(part, column, dbk_place_row(place));
}

static void tell(const dbk_change *change, const lookout *at)
{
    dbk_tenant *tenant = change->table->tenant;
    const dbk_batch *batch = change->batch;
    const dbk_text *ids = batch->columns[batch->table->key_column].texts;
    dbk_watched_row told = {
        .table = batch->table->id, .number = tenant->db->watch_number, .tenant = tenant->name};
    for (uint32_t i = 0; i < change->count; i++) {
        uint32_t row = change->input.rows[i];
        if (at->where && at->where[row] != at->wanted)
            continue;
        told.was_there = change->old[i] != DBK_NO_PLACE;
        told.before = told.after = (dbk_text){NULL, 0};
        if (told.was_there && at->column >= 0)
            told.before = word_of(tenant, at->domain, code_before(change, at->column, change->old[i]));
        if (at->after)
            told.after = word_of(tenant, at->domain, at->after[row]);
        told.id_length = (uint8_t)ids[row].length;
        memcpy(told.id, ids[row].data, ids[row].length);
        tenant->db->stored(tenant->db->stored_user, &told);
    }
}

void dbk_change_tell(const dbk_change *change)
{
    const dbk_db *db = change->table->tenant->db;
    lookout at;
    if (change->batch->remove || change->count == 0)
        return;
    for (int i = 0; i < db->watches_count; i++)
        if (db->watches[i].table == change->batch->table->id && look_out(change, &db->watches[i], &at))
            tell(change, &at);
}
