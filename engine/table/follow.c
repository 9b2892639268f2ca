// SPDX-License-Identifier: Apache-2.0
// Following references: by links where there are any that hold, else by looking the ids up. What was looked
// up is noted: beside hot rows at once, beside sealed ones when so much was looked up that making all of the
// part's links is worth it.
#include "engine/table/state.h"

#include <stdlib.h>
#include <string.h>

enum {
    // Links are made when so many of a part's rows (one in …) were found without them: making them all in
    // order
    // costs less than twice as much.
    SEARCHES_SHARE = 8,
    // Searches ahead that the index is told of.
    AHEAD = 8,
};

// Some rows of a vector, ascending.
typedef struct row_list {
    uint32_t count;
    uint16_t rows[DBK_VECTOR_ROWS];
} row_list;

struct dbk_follower {
    const dbk_table_view *to;
    int column, number;
    dbk_finder *finder;
    dbk_text_scratch *scratch;
    uint32_t found; // by searches, since they were last counted
    row_list open;  // rows of the current vector that no link says anything of
};

dbk_follower *dbk_follower_create(int column, const dbk_table_view *to)
{
    dbk_follower *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->to = to;
    f->column = column;
    f->number = dbk_link_number(to->table->def->id);
    return f;
}

void dbk_follower_free(dbk_follower *f)
{
    if (!f)
        return;
    dbk_finder_free(f->finder);
    if (f->scratch)
        dbk_text_scratch_dispose(f->scratch);
    free(f->scratch);
    free(f);
}

// ---- What holds ----

// The part that was asked for last.
typedef struct target {
    uint32_t slot;
    const dbk_part *part; // NULL: the snapshot has no such slot
} target;

static bool is_live(const dbk_follower *f, target *t, dbk_place place, uint32_t edition)
{
    uint32_t slot = dbk_place_slot(place), row = dbk_place_row(place);
    if (slot != t->slot) {
        t->slot = slot;
        t->part = slot < f->to->slots ? dbk_view_part(f->to, slot) : NULL;
    }
    return t->part && t->part->edition == edition && row < t->part->rows && !dbk_part_is_dead(t->part, row);
}

// Each gives the places of the rows as far as links say them, and lists the others in f->open.
static void by_links(dbk_follower *f, const dbk_links *links, uint32_t vector, const uint16_t *rows,
                     uint32_t count, dbk_place *places)
{
    target t = {UINT32_MAX, NULL};
    uint32_t slot = UINT32_MAX, edition = 0;
    f->open.count = 0;
    dbk_links_read(links, vector, rows, count, places);
    for (uint32_t i = 0; i < count; i++) {
        dbk_place place = places[rows[i]];
        if (place != DBK_NO_PLACE && dbk_place_slot(place) != slot) {
            slot = dbk_place_slot(place);
            edition = dbk_links_edition(links, slot);
        }
        if (place == DBK_NO_PLACE || !is_live(f, &t, place, edition))
            f->open.rows[f->open.count++] = rows[i];
    }
}

static void by_hot_links(dbk_follower *f, const dbk_hot_link *links, const uint16_t *rows, uint32_t count,
                         dbk_place *places)
{
    target t = {UINT32_MAX, NULL};
    f->open.count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t link = atomic_load_explicit(&links[rows[i]], memory_order_relaxed);
        dbk_place place = places[rows[i]] = link ? dbk_hot_link_place(link) : DBK_NO_PLACE;
        if (!link || !is_live(f, &t, place, dbk_hot_link_edition(link)))
            f->open.rows[f->open.count++] = rows[i];
    }
}

// ---- Searches ----

// Looks the rows' ids up. The rows that name one order stand together: most ask what the one before did.
static dbk_status by_search(dbk_follower *f, const dbk_part *part, uint32_t vector, const uint16_t *rows,
                            uint32_t count, dbk_place *places)
{
    const dbk_text *ids;
    if (count == 0)
        return DBK_OK;
    if (!f->scratch && !(f->scratch = calloc(1, sizeof *f->scratch)))
        return DBK_NO_MEMORY;
    if (!f->finder && !(f->finder = dbk_finder_create(f->to)))
        return DBK_NO_MEMORY;
    DBK_TRY(dbk_part_texts(part, f->column, vector, f->scratch, &ids));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = rows[i];
        bool found;
        dbk_locator at;
        if (i + AHEAD < count)
            dbk_finder_expect(f->finder, ids[rows[i + AHEAD]]);
        if (i > 0 && dbk_text_equal(ids[row], ids[rows[i - 1]])) {
            places[row] = places[rows[i - 1]];
        } else {
            DBK_TRY(dbk_finder_find(f->finder, ids[row], &found, &at));
            places[row] = found ? dbk_place_make(at.part, at.row) : DBK_NO_PLACE;
        }
        f->found += places[row] != DBK_NO_PLACE;
    }
    return DBK_OK;
}

static void note_hot(const dbk_follower *f, dbk_hot_link *links, const dbk_place *places)
{
    for (uint32_t i = 0; i < f->open.count; i++) {
        uint32_t row = f->open.rows[i];
        dbk_place place = places[row];
        if (place == DBK_NO_PLACE)
            continue;
        uint32_t edition = dbk_view_part(f->to, dbk_place_slot(place))->edition;
        atomic_store_explicit(&links[row], dbk_hot_link_make(place, edition), memory_order_relaxed);
    }
}

static dbk_status follow_sealed(dbk_follower *f, const dbk_part *part, uint32_t vector, const uint16_t *rows,
                                uint32_t count, dbk_place *places)
{
    const dbk_links *links = atomic_load(&part->sealed->links.made[f->number]);
    if (!links)
        return by_search(f, part, vector, rows, count, places);
    by_links(f, links, vector, rows, count, places);
    return by_search(f, part, vector, f->open.rows, f->open.count, places);
}

static dbk_status follow_hot(dbk_follower *f, const dbk_part *part, uint32_t vector, const uint16_t *rows,
                             uint32_t count, dbk_place *places)
{
    dbk_delta *delta = part->delta;
    // Small deltas give way to larger ones soon.
    dbk_hot_link *links = delta->chunk_rows == DBK_VECTOR_ROWS
                              ? dbk_hot_links_vector(&delta->links, delta->object.memory, f->number, vector)
                              : NULL;
    if (!links)
        return by_search(f, part, vector, rows, count, places);
    by_hot_links(f, links, rows, count, places);
    DBK_TRY(by_search(f, part, vector, f->open.rows, f->open.count, places));
    note_hot(f, links, places);
    return DBK_OK;
}

// ---- Making links ----

static void list_live(const dbk_part *part, uint32_t vector, row_list *out)
{
    out->count = 0;
    uint32_t first = vector * DBK_VECTOR_ROWS;
    for (uint32_t row = 0; row < DBK_VECTOR_ROWS && first + row < part->rows; row++)
        if (!dbk_part_is_dead(part, first + row))
            out->rows[out->count++] = (uint16_t)row;
}

static dbk_status all_places(dbk_follower *f, const dbk_part *part, dbk_place *places)
{
    memset(places, 0xFF, part->rows * sizeof *places); // DBK_NO_PLACE
    for (uint32_t v = 0; v * DBK_VECTOR_ROWS < part->rows; v++) {
        row_list live;
        list_live(part, v, &live);
        DBK_TRY(follow_sealed(f, part, v, live.rows, live.count, places + (size_t)v * DBK_VECTOR_ROWS));
    }
    return DBK_OK;
}

// Puts new links in the place of the old ones. Without memory, or when ids that nobody has asked for do not
// come back from disk, there are none, which costs time only.
static void make_links(dbk_follower *f, const dbk_part *part)
{
    dbk_db *db = f->to->table->tenant->db;
    dbk_part_links *all = &part->sealed->links;
    dbk_place *places = malloc(part->rows * sizeof *places);
    dbk_status status = places ? all_places(f, part, places) : DBK_NO_MEMORY;
    dbk_links *links =
        status == DBK_OK ? dbk_links_create(&db->versions.memory, places, part->rows, f->to) : NULL;
    free(places);
    f->found = 0;
    atomic_store(&all->searches[f->number], 0);
    if (!links)
        return;
    dbk_links *old = atomic_exchange(&all->made[f->number], links);
    if (old)
        dbk_db_offer(db, dbk_links_object(old));
}

static void count_searches(dbk_follower *f, const dbk_part *part)
{
    dbk_part_links *all = &part->sealed->links;
    uint32_t found = f->found;
    f->found = 0;
    if (found == 0 ||
        atomic_fetch_add(&all->searches[f->number], found) + found < part->rows / SEARCHES_SHARE)
        return;
    if (atomic_exchange(&all->is_making[f->number], true)) // another reader is at it
        return;
    make_links(f, part);
    atomic_store(&all->is_making[f->number], false);
}

dbk_status dbk_follower_follow(dbk_follower *f, const dbk_part *part, uint32_t vector, const uint16_t *rows,
                               uint32_t count, dbk_place places[DBK_VECTOR_ROWS])
{
    if (!part->sealed)
        return follow_hot(f, part, vector, rows, count, places);
    DBK_TRY(follow_sealed(f, part, vector, rows, count, places));
    count_searches(f, part);
    return DBK_OK;
}
