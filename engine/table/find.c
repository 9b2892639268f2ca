// SPDX-License-Identifier: Apache-2.0
// Rows of a snapshot found by key.
//
// The index of a fact is the writer's: it may be ahead of the snapshot, never behind. So a place it names is
// a hint, verified against the snapshot's own row. When no hint proves true, either the id is not in the
// snapshot, or its row has since
//   - got another number within its part (the part was sealed or compacted): the snapshot's part in the slot
//     that the hint names is searched; or
//   - been replaced or removed: then the place it had was noted (moves.h).
// Only when the notes are gone, all parts are searched.
#include "engine/table/state.h"

#include "engine/base/hash.h"

#include <stdlib.h>

typedef struct search {
    const dbk_table_view *view;
    dbk_text id;
    dbk_text_cursor cursor;
    dbk_text_scratch *scratch; // made when a whole part is searched
    bool found;
    dbk_locator locator;
} search;

static dbk_status part_search(search *s, uint32_t slot)
{
    const dbk_part *part = dbk_view_part(s->view, slot);
    int column = s->view->table->def->key_column;
    if (part->rows && !s->scratch && !(s->scratch = calloc(1, sizeof *s->scratch)))
        return DBK_NO_MEMORY;
    for (uint32_t start = 0; start < part->rows; start += DBK_VECTOR_ROWS) {
        const dbk_text *ids;
        DBK_TRY(dbk_part_texts(part, column, start / DBK_VECTOR_ROWS, s->scratch, &ids));
        for (uint32_t i = 0; i < DBK_VECTOR_ROWS && start + i < part->rows; i++) {
            if (!dbk_text_equal(ids[i], s->id) || dbk_part_is_dead(part, start + i))
                continue;
            s->found = true;
            s->locator = (dbk_locator){slot, start + i};
            return DBK_OK;
        }
    }
    return DBK_OK;
}

static dbk_status place_verify(search *s, dbk_place place)
{
    uint32_t slot = dbk_place_slot(place), row = dbk_place_row(place);
    if (slot >= s->view->slots)
        return DBK_OK;
    const dbk_part *part = dbk_view_part(s->view, slot);
    if (row >= part->rows || dbk_part_is_dead(part, row))
        return DBK_OK;
    dbk_text id;
    DBK_TRY(dbk_part_text_at(part, s->view->table->def->key_column, row, &s->cursor, &id));
    s->found = dbk_text_equal(id, s->id);
    s->locator = (dbk_locator){slot, row};
    return DBK_OK;
}

// A hint whose row is not the one: perhaps only its number has changed.
static dbk_status hint_follow(search *s, dbk_place place)
{
    DBK_TRY(place_verify(s, place));
    uint64_t renumberings = atomic_load(&s->view->table->moves.renumberings);
    if (s->found || renumberings == s->view->renumberings || dbk_place_slot(place) >= s->view->slots)
        return DBK_OK;
    return part_search(s, dbk_place_slot(place));
}

static dbk_status fact_search(search *s)
{
    const dbk_table *table = s->view->table;
    uint64_t hash = dbk_hash_bytes(s->id.data, s->id.length);
    dbk_key_probe probe = dbk_key_probe_begin(&table->index, hash);
    while (dbk_key_probe_next(&probe)) {
        DBK_TRY(hint_follow(s, probe.place));
        if (s->found)
            return DBK_OK;
    }
    uint64_t entry;
    bool complete;
    dbk_moves_walk walk = dbk_moves_walk_begin(&table->moves, s->view->moves, dbk_key_tag(hash));
    while (dbk_moves_walk_next(&walk, &entry, &complete)) {
        DBK_TRY(hint_follow(s, dbk_entry_place(entry)));
        if (s->found)
            return DBK_OK;
    }
    for (uint32_t slot = s->view->slots; !complete && !s->found && slot-- > 0;)
        DBK_TRY(part_search(s, slot));
    return DBK_OK;
}

bool dbk_view_find_code(const dbk_table_view *view, uint32_t code, dbk_locator *out)
{
    uint64_t value = dbk_locator_map_get(&view->map, code);
    if (value == 0)
        return false;
    *out = (dbk_locator){dbk_place_slot(value - 1), dbk_place_row(value - 1)};
    return true;
}

dbk_status dbk_view_find_id(const dbk_table_view *view, dbk_text id, bool *found, dbk_locator *out)
{
    *found = false;
    if (id.length == 0)
        return DBK_OK;
    if (view->table->def->kind == DBK_KEYED) {
        uint32_t code = view->keys ? dbk_dict_find(view->keys, id, view->keys_bound) : 0;
        *found = code && dbk_view_find_code(view, code, out);
        return DBK_OK;
    }
    search s;
    s.view = view;
    s.id = id;
    s.scratch = NULL;
    s.found = false;
    dbk_text_cursor_init(&s.cursor);
    dbk_status status = fact_search(&s);
    dbk_text_scratch_dispose(&s.cursor.scratch);
    if (s.scratch)
        dbk_text_scratch_dispose(s.scratch);
    free(s.scratch);
    if (status == DBK_OK && s.found) {
        *found = true;
        *out = s.locator;
    }
    return status;
}

// ---- Along the rows ----

// How far ahead a row is looked for: a glance costs a twentieth of a search.
enum { TRAIL_AHEAD = 4, TRAIL_MISSES = 8, TRAIL_RETRY = 64 };

static bool trail_is_warm(const dbk_trail *trail)
{
    return trail->has_last && (trail->misses < TRAIL_MISSES || trail->misses % TRAIL_RETRY == 0);
}

// An id has one live row in a snapshot at most, so a live row with the id is the one.
static dbk_status trail_look(const dbk_table_view *view, dbk_trail *trail, dbk_text id, bool *found)
{
    const dbk_part *part = dbk_view_part(view, trail->last.part);
    for (uint32_t row = trail->last.row, end = row + TRAIL_AHEAD; row <= end && row < part->rows; row++) {
        dbk_text there;
        if (dbk_part_is_dead(part, row))
            continue;
        DBK_TRY(dbk_part_text_at(part, view->table->def->key_column, row, &trail->cursor, &there));
        if (!dbk_text_equal(there, id))
            continue;
        trail->last.row = row;
        *found = true;
        return DBK_OK;
    }
    return DBK_OK;
}

dbk_status dbk_view_find_along(const dbk_table_view *view, dbk_trail *trail, dbk_text id, bool *found,
                               dbk_locator *out)
{
    *found = false;
    if (id.length == 0)
        return DBK_OK;
    if (view->table->def->kind == DBK_KEYED)
        return dbk_view_find_id(view, id, found, out);
    if (trail_is_warm(trail))
        DBK_TRY(trail_look(view, trail, id, found));
    if (*found) {
        trail->misses = 0;
        *out = trail->last;
        return DBK_OK;
    }
    trail->misses++;
    DBK_TRY(dbk_view_find_id(view, id, found, out));
    if (*found) {
        trail->has_last = true;
        trail->last = *out;
    }
    return DBK_OK;
}
