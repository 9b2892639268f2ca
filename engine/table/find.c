// SPDX-License-Identifier: Apache-2.0
// Rows of a snapshot found by key.
//
// The index of a fact is the writer's: it may be ahead of the snapshot, never behind. So a place it names is
// a hint, verified against the snapshot's own row. When no hint proves true, either the id is not in the
// snapshot, or its row has since
//   - got another number within its part (the part was sealed or compacted): the snapshot's part in the slot
//     that the hint names is searched; or
//   - been replaced or removed: then the place it had was noted (moves.h).
// Only when the notes are gone, or there is no index (key_make.h), all parts are searched.
//
// A finder first looks at the row behind the one that it found last: lines stand in the order of their
// orders, so that a walk over them asks for one order after the other, and a comparison with the row that
// comes next in memory is worth several cache misses in the index. A live row with the id is the one, however
// it was found.
#include "engine/table/key_make.h"

#include "engine/base/hash.h"

#include <stdlib.h>

// Guesses are given up after so many wrong ones in a row, but for every 32nd search. After so many right ones
// ids are decoded by vectors, which costs a tenth of one by one.
enum { WRONG_MAX = 8, GUESS_EVERY = 32, RIGHT_MIN = 16 };
enum { NO_VECTOR = UINT32_MAX };

typedef struct dbk_finder {
    const dbk_table_view *view;
    dbk_text id;
    dbk_text_cursor cursor;
    bool found;
    dbk_locator locator; // of the row that was looked at last, and is the one if `found`
    uint32_t searches;
    uint32_t wrong, right; // guesses in a row
    // Made when a whole part is searched, or a vector of it: then the ids of that one, of the part in this
    // slot.
    dbk_text_scratch *scratch;
    const dbk_text *ids;
    uint32_t ids_slot, ids_vector;
} search;

static dbk_status vector_load(search *s, uint32_t slot, uint32_t vector)
{
    if (s->ids_vector == vector && s->ids_slot == slot)
        return DBK_OK;
    s->ids_vector = NO_VECTOR;
    if (!s->scratch && !(s->scratch = calloc(1, sizeof *s->scratch)))
        return DBK_NO_MEMORY;
    DBK_TRY(dbk_part_texts(dbk_view_part(s->view, slot), s->view->table->def->key_column, vector, s->scratch,
                           &s->ids));
    s->ids_slot = slot;
    s->ids_vector = vector;
    return DBK_OK;
}

static dbk_status part_search(search *s, uint32_t slot)
{
    const dbk_part *part = dbk_view_part(s->view, slot);
    for (uint32_t start = 0; start < part->rows; start += DBK_VECTOR_ROWS) {
        DBK_TRY(vector_load(s, slot, start / DBK_VECTOR_ROWS));
        for (uint32_t i = 0; i < DBK_VECTOR_ROWS && start + i < part->rows; i++) {
            if (!dbk_text_equal(s->ids[i], s->id) || dbk_part_is_dead(part, start + i))
                continue;
            s->found = true;
            s->locator = (dbk_locator){slot, start + i};
            return DBK_OK;
        }
    }
    return DBK_OK;
}

static dbk_status row_verify(search *s, uint32_t slot, uint32_t row)
{
    if (slot >= s->view->slots)
        return DBK_OK;
    const dbk_part *part = dbk_view_part(s->view, slot);
    if (row >= part->rows || dbk_part_is_dead(part, row))
        return DBK_OK;
    dbk_text id;
    if (s->right < RIGHT_MIN) {
        DBK_TRY(dbk_part_text_at(part, s->view->table->def->key_column, row, &s->cursor, &id));
    } else {
        DBK_TRY(vector_load(s, slot, row / DBK_VECTOR_ROWS));
        id = s->ids[row % DBK_VECTOR_ROWS];
    }
    s->found = dbk_text_equal(id, s->id);
    s->locator = (dbk_locator){slot, row};
    return DBK_OK;
}

// A hint whose row is not the one: perhaps only its number has changed.
static dbk_status hint_follow(search *s, dbk_place place)
{
    DBK_TRY(row_verify(s, dbk_place_slot(place), dbk_place_row(place)));
    uint64_t renumberings = atomic_load(&s->view->table->moves.renumberings);
    if (s->found || renumberings == s->view->renumberings || dbk_place_slot(place) >= s->view->slots)
        return DBK_OK;
    return part_search(s, dbk_place_slot(place));
}

// *complete: what the index and the notes do not have is not there.
static dbk_status index_search(search *s, bool *complete)
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
    dbk_moves_walk walk = dbk_moves_walk_begin(&table->moves, s->view->moves, dbk_key_tag(hash));
    while (dbk_moves_walk_next(&walk, &entry, complete)) {
        DBK_TRY(hint_follow(s, dbk_entry_place(entry)));
        if (s->found)
            return DBK_OK;
    }
    return DBK_OK;
}

static dbk_status fact_search(search *s)
{
    const dbk_table *table = s->view->table;
    bool complete = dbk_table_has_keys(table);
    if (complete)
        DBK_TRY(index_search(s, &complete));
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

static void search_init(search *s, const dbk_table_view *view)
{
    s->view = view;
    s->found = false;
    s->locator = (dbk_locator){0};
    s->searches = 0;
    s->wrong = WRONG_MAX;
    s->right = 0;
    s->scratch = NULL;
    s->ids_vector = NO_VECTOR;
    dbk_text_cursor_init(&s->cursor);
}

static void search_dispose(search *s)
{
    dbk_text_scratch_dispose(&s->cursor.scratch);
    if (s->scratch)
        dbk_text_scratch_dispose(s->scratch);
    free(s->scratch);
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
    search_init(&s, view);
    s.id = id;
    dbk_status status = fact_search(&s);
    search_dispose(&s);
    if (status == DBK_OK && s.found) {
        *found = true;
        *out = s.locator;
    }
    return status;
}

// ---- One after the other ----

static dbk_status row_guess(search *s)
{
    DBK_TRY(row_verify(s, s->locator.part, s->locator.row + 1));
    s->right = s->found ? s->right + 1 : 0;
    s->wrong = s->found ? 0 : s->wrong + 1;
    return DBK_OK;
}

dbk_finder *dbk_finder_create(const dbk_table_view *view)
{
    dbk_finder *finder = malloc(sizeof *finder);
    if (finder)
        search_init(finder, view);
    return finder;
}

void dbk_finder_free(dbk_finder *finder)
{
    if (finder)
        search_dispose(finder);
    free(finder);
}

void dbk_finder_expect(const dbk_finder *finder, dbk_text id)
{
    if (finder->wrong >= WRONG_MAX && id.length && dbk_table_has_keys(finder->view->table))
        dbk_key_index_prefetch(&finder->view->table->index, dbk_hash_bytes(id.data, id.length));
}

dbk_status dbk_finder_find(dbk_finder *finder, dbk_text id, bool *found, dbk_locator *out)
{
    *found = false;
    if (id.length == 0 || finder->view->table->def->kind == DBK_KEYED)
        return dbk_view_find_id(finder->view, id, found, out);
    finder->id = id;
    finder->found = false;
    if (finder->wrong < WRONG_MAX || finder->searches % GUESS_EVERY == 0)
        DBK_TRY(row_guess(finder));
    finder->searches++;
    if (!finder->found)
        DBK_TRY(fact_search(finder));
    *found = finder->found;
    *out = finder->locator;
    return DBK_OK;
}
