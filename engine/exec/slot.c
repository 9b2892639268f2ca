// SPDX-License-Identifier: Apache-2.0
// Columns decoded by vectors, and paths turned into columns.
#include "engine/exec/slot.h"

#include <stdlib.h>
#include <string.h>

void dbk_slot_init(struct dbk_slot *slot, const dbk_slot_def *def, const dbk_tenant_view *tenant)
{
    *slot = (struct dbk_slot){.def = def};
    dbk_walker_init(&slot->walker, &def->path, tenant);
    if (def->path.depth == 2)
        dbk_far_init(&slot->far, slot->walker.views[1], def->path.columns[1], def->type);
}

void dbk_slot_dispose(struct dbk_slot *slot)
{
    free(slot->scratch);
    free(slot->pick_scratch);
    free(slot->packed);
    free(slot->packed_picks);
    free(slot->places);
    dbk_follower_free(slot->follower);
    dbk_far_dispose(&slot->far);
    if (slot->text_scratch) {
        dbk_text_scratch_dispose(slot->text_scratch);
        free(slot->text_scratch);
    }
    dbk_walker_dispose(&slot->walker);
    free(slot->map.known);
    free(slot->map.ints);
    free(slot->map.words);
    free(slot->map.texts);
    dbk_arena_dispose(&slot->map.bytes);
    dbk_arena_dispose(&slot->bytes);
}

static size_t value_size(const struct dbk_slot *slot)
{
    return slot->def->type == DBK_CODE   ? sizeof(uint32_t)
           : slot->def->type == DBK_TEXT ? sizeof(dbk_text)
                                         : sizeof(int64_t);
}

// A vector of values, zeroed once: entries that are never meant are still read by loops over whole vectors.
static void *vector_room(const struct dbk_slot *slot, void **room)
{
    if (*room)
        return *room;
    *room = aligned_alloc(64, DBK_VECTOR_ROWS * value_size(slot));
    if (*room)
        memset(*room, 0, DBK_VECTOR_ROWS * value_size(slot));
    return *room;
}

static void set_values(struct dbk_slot *slot, const void *values)
{
    slot->ints = NULL;
    slot->codes = NULL;
    slot->texts = NULL;
    if (slot->def->type == DBK_CODE)
        slot->codes = values;
    else if (slot->def->type == DBK_TEXT)
        slot->texts = values;
    else
        slot->ints = values;
}

static dbk_status load_own(struct dbk_slot *slot, const dbk_part *part, uint32_t vector)
{
    int column = slot->def->path.columns[0];
    if (slot->def->type == DBK_TEXT) {
        if (!slot->text_scratch)
            slot->text_scratch = calloc(1, sizeof *slot->text_scratch);
        if (!slot->text_scratch)
            return DBK_NO_MEMORY;
        return dbk_part_texts(part, column, vector, slot->text_scratch, &slot->texts);
    }
    if (!slot->scratch && !vector_room(slot, &slot->scratch))
        return DBK_NO_MEMORY;
    if (slot->def->type == DBK_CODE)
        slot->codes = dbk_part_codes(part, column, vector, slot->scratch);
    else
        slot->ints = dbk_part_ints(part, column, vector, slot->scratch);
    return DBK_OK;
}

// ---- Paths from a code ----

static bool map_make(struct dbk_slot *slot, uint32_t codes)
{
    dbk_code_map *map = &slot->map;
    if (map->known)
        return true;
    map->codes = codes;
    if (slot->def->type == DBK_CODE)
        map->words = calloc(codes, sizeof *map->words);
    else if (slot->def->type == DBK_TEXT)
        map->texts = calloc(codes, sizeof *map->texts);
    else
        map->ints = calloc(codes, sizeof *map->ints);
    if (map->words || map->texts || map->ints)
        map->known = calloc((size_t)codes / 64 + 1, sizeof *map->known);
    return map->known != NULL;
}

static dbk_status map_learn(struct dbk_slot *slot, uint32_t code)
{
    dbk_code_map *map = &slot->map;
    dbk_cell cell;
    DBK_TRY(dbk_walker_follow(&slot->walker, 0, (dbk_cell){.number = code}, &cell));
    if (map->words)
        map->words[code] = (uint32_t)cell.number;
    if (map->ints)
        map->ints[code] = cell.number;
    if (map->texts && cell.text.length) {
        const char *copy = dbk_arena_copy(&map->bytes, cell.text.data, cell.text.length);
        if (!copy)
            return DBK_NO_MEMORY;
        map->texts[code] = (dbk_text){copy, cell.text.length};
    }
    map->known[code >> 6] |= (uint64_t)1 << (code & 63);
    return DBK_OK;
}

static dbk_status load_from_codes(struct dbk_slot *slot, const struct dbk_slot *base,
                                  const uint64_t mask[DBK_MASK_WORDS])
{
    if (!map_make(slot, base->def->codes) || !vector_room(slot, &slot->scratch))
        return DBK_NO_MEMORY;
    dbk_code_map *map = &slot->map;
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++) {
        for (uint64_t word = mask[w]; word; word &= word - 1) {
            uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(word), code = base->codes[row];
            if (!(map->known[code >> 6] >> (code & 63) & 1))
                DBK_TRY(map_learn(slot, code));
            if (map->words)
                ((uint32_t *)slot->scratch)[row] = map->words[code];
            else if (map->ints)
                ((int64_t *)slot->scratch)[row] = map->ints[code];
            else
                ((dbk_text *)slot->scratch)[row] = map->texts[code];
        }
    }
    set_values(slot, slot->scratch);
    return DBK_OK;
}

// ---- Paths from a text ----

dbk_status dbk_slot_follow(struct dbk_slot *slot, const dbk_part *part, uint32_t vector,
                           const uint64_t mask[DBK_MASK_WORDS])
{
    if (slot->followed)
        return DBK_OK;
    if (!slot->places && !(slot->places = malloc(DBK_VECTOR_ROWS * sizeof *slot->places)))
        return DBK_NO_MEMORY;
    slot->followed = true;
    if (!slot->def->target) {
        memset(slot->places, 0xFF, DBK_VECTOR_ROWS * sizeof *slot->places); // DBK_NO_PLACE
        return DBK_OK;
    }
    if (!slot->follower &&
        !(slot->follower = dbk_follower_create(slot->def->path.columns[0], slot->def->target)))
        return DBK_NO_MEMORY;
    uint16_t rows[DBK_VECTOR_ROWS];
    uint32_t count = dbk_mask_list(mask, rows);
    return dbk_follower_follow(slot->follower, part, vector, rows, count, slot->places);
}

static dbk_status read_far(struct dbk_slot *slot, dbk_place place, uint32_t row)
{
    dbk_cell cell;
    dbk_locator at = {dbk_place_slot(place), dbk_place_row(place)};
    DBK_TRY(dbk_walker_from(&slot->walker, place == DBK_NO_PLACE ? NULL : &at, &cell));
    if (slot->def->type == DBK_CODE) {
        ((uint32_t *)slot->scratch)[row] = (uint32_t)cell.number;
    } else if (slot->def->type != DBK_TEXT) {
        ((int64_t *)slot->scratch)[row] = cell.number;
    } else {
        const char *copy =
            cell.text.length ? dbk_arena_copy(&slot->bytes, cell.text.data, cell.text.length) : NULL;
        if (cell.text.length && !copy)
            return DBK_NO_MEMORY;
        ((dbk_text *)slot->scratch)[row] = (dbk_text){copy, cell.text.length};
    }
    return DBK_OK;
}

// Row by row. Neighbours often name the same row.
static dbk_status walk_far(struct dbk_slot *slot, const dbk_place *places, const uint16_t *rows,
                           uint32_t count)
{
    size_t size = value_size(slot);
    char *values = slot->scratch;
    dbk_arena_dispose(&slot->bytes);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = rows[i], last = rows[i > 0 ? i - 1 : 0];
        if (last != row && places[row] == places[last])
            memcpy(values + row * size, values + last * size, size);
        else
            DBK_TRY(read_far(slot, places[row], row));
    }
    return DBK_OK;
}

static dbk_status load_from_texts(struct dbk_slot *slot, const struct dbk_slot *base,
                                  const uint64_t mask[DBK_MASK_WORDS])
{
    uint16_t rows[DBK_VECTOR_ROWS];
    uint32_t count = dbk_mask_list(mask, rows);
    if (!vector_room(slot, &slot->scratch))
        return DBK_NO_MEMORY;
    if (slot->def->path.depth > 2 || slot->def->type == DBK_TEXT)
        DBK_TRY(walk_far(slot, base->places, rows, count));
    else if (!dbk_far_read(&slot->far, base->places, rows, count, slot->scratch))
        return DBK_NO_MEMORY;
    set_values(slot, slot->scratch);
    return DBK_OK;
}

dbk_status dbk_slot_load(struct dbk_slot *slot, struct dbk_slot *base, const dbk_part *part, uint32_t vector,
                         const uint64_t mask[DBK_MASK_WORDS])
{
    slot->loaded = true;
    slot->picked = false;
    if (!base)
        return load_own(slot, part, vector);
    return base->def->type == DBK_CODE ? load_from_codes(slot, base, mask)
                                       : load_from_texts(slot, base, mask);
}

dbk_status dbk_slot_pick(struct dbk_slot *slot, const uint64_t mask[DBK_MASK_WORDS], const uint16_t *rows,
                         uint32_t count)
{
    if (!slot->pick_scratch && !vector_room(slot, &slot->pick_scratch))
        return DBK_NO_MEMORY;
    if (slot->def->type == DBK_CODE) {
        dbk_pick_codes(slot->codes, mask, rows, count, slot->pick_scratch);
    } else if (slot->def->type == DBK_TEXT) {
        dbk_text *out = slot->pick_scratch;
        for (uint32_t i = 0; i < count; i++)
            out[i] = slot->texts[rows[i]];
    } else {
        dbk_pick_ints(slot->ints, mask, rows, count, slot->pick_scratch);
    }
    slot->picked = true;
    slot->picks = slot->pick_scratch;
    return DBK_OK;
}

// ---- Integers as they are packed ----

static bool packed_room(uint32_t **room)
{
    if (!*room)
        *room = aligned_alloc(64, DBK_VECTOR_ROWS * sizeof **room);
    return *room != NULL;
}

dbk_status dbk_slot_load_packed(struct dbk_slot *slot, const dbk_part *part, uint32_t vector)
{
    if (slot->packed_state != DBK_PACKED_UNKNOWN)
        return DBK_OK;
    slot->packed_state = DBK_PACKED_NOT;
    if (slot->loaded || slot->def->path.depth > 1)
        return DBK_OK;
    if (!packed_room(&slot->packed))
        return DBK_NO_MEMORY;
    if (dbk_part_packed(part, slot->def->path.columns[0], vector, slot->packed, &slot->line))
        slot->packed_state = DBK_PACKED_NUMBERS;
    return DBK_OK;
}

dbk_status dbk_slot_pick_packed(struct dbk_slot *slot, const uint64_t mask[DBK_MASK_WORDS],
                                const uint16_t *rows, uint32_t count, const uint32_t **out)
{
    if (!packed_room(&slot->packed_picks))
        return DBK_NO_MEMORY;
    if (!slot->packed_picked)
        dbk_pick_codes(slot->packed, mask, rows, count, slot->packed_picks);
    slot->packed_picked = true;
    *out = slot->packed_picks;
    return DBK_OK;
}
