// SPDX-License-Identifier: Apache-2.0
// Links, packed.
//
// Rows of a vector mostly lead to one part, to rows that stand close together: such a vector has a base,
// which is the least place there, numbers packed behind it (0 = no link, else 1 + distance), and beside them
// a list of the rows that lead elsewhere. Where that would take more, the numbers span all places.
#include "engine/table/links.h"

#include "engine/segment/bitpack.h"
#include "engine/table/state.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH_32 = 32 };

typedef struct links_vector {
    uint64_t base;
    uint32_t at;     // of the packed numbers, in bytes behind `packed`
    uint32_t others; // index of the first
    uint16_t others_count;
    uint8_t width;
} links_vector;

struct dbk_links {
    dbk_object object;
    uint32_t first_slot, slots;
    uint32_t *editions; // by slot - first_slot
    uint64_t *others;   // row in the vector << 48 | place
    uint8_t *packed;
    links_vector vectors[];
};

int dbk_link_number(dbk_table_id target)
{
    return target == DBK_ORDERS ? 0 : 1;
}

// ---- How to pack a vector ----

// Places from base on, but only so many bits of distance: the others are listed.
typedef struct form {
    uint64_t base;
    int width;
    uint32_t others;
} form;

// The slot that most rows lead to, if it is more than half of them.
static uint32_t majority_slot(const dbk_place *places, uint32_t rows)
{
    uint32_t slot = 0, lead = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (places[i] == DBK_NO_PLACE)
            continue;
        uint32_t own = dbk_place_slot(places[i]);
        if (lead == 0)
            slot = own;
        lead = own == slot ? lead + 1 : lead - 1;
    }
    return slot;
}

static size_t form_size(const form *f)
{
    return dbk_bits_size(f->width) + f->others * sizeof(uint64_t);
}

// The least place in the slot (or anywhere), and how many rows need numbers of each width from there.
static form form_find(const dbk_place *places, uint32_t rows, bool anywhere, uint32_t slot)
{
    uint64_t base = UINT64_MAX;
    uint32_t widths[66] = {0}, elsewhere = 0;
    for (uint32_t i = 0; i < rows; i++)
        if ((anywhere || dbk_place_slot(places[i]) == slot) && places[i] < base)
            base = places[i];
    for (uint32_t i = 0; i < rows; i++) {
        if (places[i] == DBK_NO_PLACE)
            continue;
        if (anywhere || dbk_place_slot(places[i]) == slot)
            widths[dbk_bits_width(places[i] - base + 1)]++;
        else
            elsewhere++;
    }
    form best = {.base = base, .others = UINT32_MAX / 16};
    uint32_t wider = 0;
    for (int width = DBK_PLACE_BITS + 1; width >= 0; width--) {
        form f = {base, width, elsewhere + wider};
        if (form_size(&f) < form_size(&best))
            best = f;
        wider += widths[width];
    }
    return best;
}

static form form_choose(const dbk_place *places, uint32_t rows)
{
    form near = form_find(places, rows, false, majority_slot(places, rows));
    form wide = form_find(places, rows, true, 0);
    return form_size(&wide) < form_size(&near) ? wide : near;
}

static bool is_packed(const form *f, dbk_place place)
{
    return place != DBK_NO_PLACE && place >= f->base && dbk_bits_width(place - f->base + 1) <= f->width;
}

// ---- Making ----

static uint32_t vector_rows(uint32_t rows, uint32_t vector)
{
    uint32_t left = rows - vector * DBK_VECTOR_ROWS;
    return left < DBK_VECTOR_ROWS ? left : DBK_VECTOR_ROWS;
}

static void note_slots(dbk_links *links, const dbk_place *places, uint32_t rows)
{
    uint32_t first = UINT32_MAX, end = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (places[i] == DBK_NO_PLACE)
            continue;
        uint32_t slot = dbk_place_slot(places[i]);
        first = slot < first ? slot : first;
        end = slot + 1 > end ? slot + 1 : end;
    }
    links->first_slot = end ? first : 0;
    links->slots = end ? end - first : 0;
}

static void vector_write(dbk_links *links, uint32_t vector, const form *f, const dbk_place *places,
                         uint32_t rows)
{
    uint64_t numbers[DBK_VECTOR_ROWS] = {0};
    const links_vector *v = &links->vectors[vector];
    uint32_t others = v->others;
    for (uint32_t i = 0; i < rows; i++) {
        if (is_packed(f, places[i]))
            numbers[i] = places[i] - f->base + 1;
        else if (places[i] != DBK_NO_PLACE)
            links->others[others++] = (uint64_t)i << 48 | places[i];
    }
    dbk_bits_pack(numbers, f->width, links->packed + v->at);
}

static size_t round_up(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

dbk_links *dbk_links_create(dbk_memory *memory, const dbk_place *places, uint32_t rows,
                            const dbk_table_view *to)
{
    uint32_t vectors = (rows + DBK_VECTOR_ROWS - 1) / DBK_VECTOR_ROWS;
    form forms[DBK_SEGMENT_VECTORS];
    size_t packed = 0, others = 0;
    for (uint32_t v = 0; v < vectors; v++) {
        forms[v] = form_choose(places + v * DBK_VECTOR_ROWS, vector_rows(rows, v));
        packed += dbk_bits_size(forms[v].width);
        others += forms[v].others;
    }
    dbk_links head = {.first_slot = 0};
    note_slots(&head, places, rows);
    size_t before = round_up(sizeof head + vectors * sizeof head.vectors[0]);
    size_t editions = round_up(head.slots * sizeof *head.editions);
    dbk_links *links =
        dbk_object_create(memory, before + editions + others * sizeof *head.others + packed, NULL);
    if (!links)
        return NULL;
    links->first_slot = head.first_slot;
    links->slots = head.slots;
    links->editions = (uint32_t *)(void *)((uint8_t *)links + before);
    links->others = (uint64_t *)(void *)((uint8_t *)links + before + editions);
    links->packed = (uint8_t *)(links->others + others);
    for (uint32_t s = 0; s < links->slots; s++)
        links->editions[s] = dbk_view_part(to, links->first_slot + s)->edition;
    packed = others = 0;
    for (uint32_t v = 0; v < vectors; v++) {
        links->vectors[v] = (links_vector){.base = forms[v].base,
                                           .at = (uint32_t)packed,
                                           .others = (uint32_t)others,
                                           .others_count = (uint16_t)forms[v].others,
                                           .width = (uint8_t)forms[v].width};
        vector_write(links, v, &forms[v], places + v * DBK_VECTOR_ROWS, vector_rows(rows, v));
        packed += dbk_bits_size(forms[v].width);
        others += forms[v].others;
    }
    return links;
}

void dbk_part_links_dispose(dbk_part_links *links)
{
    for (int i = 0; i < DBK_LINKS_MAX; i++) {
        dbk_links *made = atomic_load(&links->made[i]);
        dbk_object_free(made ? &made->object : NULL);
    }
}

// ---- Reading ----

uint32_t dbk_links_edition(const dbk_links *links, uint32_t slot)
{
    return links->editions[slot - links->first_slot];
}

// A few numbers are read one by one.
enum { FEW_ROWS = 8 };

void dbk_links_read(const dbk_links *links, uint32_t vector, const uint16_t *rows, uint32_t count,
                    dbk_place *out)
{
    const links_vector *v = &links->vectors[vector];
    const uint8_t *packed = links->packed + v->at;
    uint64_t before = v->base - 1; // number 0 is no link, which is DBK_NO_PLACE
    if (count < FEW_ROWS || v->width > WIDTH_32) {
        for (uint32_t i = 0; i < count; i++) {
            uint64_t number = dbk_bits_at(packed, v->width, rows[i]);
            out[rows[i]] = number ? before + number : DBK_NO_PLACE;
        }
    } else {
        uint32_t numbers[DBK_VECTOR_ROWS];
        dbk_bits_unpack32(packed, v->width, numbers);
        for (uint32_t i = 0; i < count; i++)
            out[rows[i]] = numbers[rows[i]] ? before + numbers[rows[i]] : DBK_NO_PLACE;
    }
    // Rows that are listed both here and there; both lists ascend.
    uint32_t k = 0;
    for (uint32_t i = 0; i < v->others_count; i++) {
        uint64_t other = links->others[v->others + i];
        while (k < count && rows[k] < other >> 48)
            k++;
        if (k < count && rows[k] == other >> 48)
            out[rows[k]] = other & ((UINT64_C(1) << DBK_PLACE_BITS) - 1);
    }
}

// ---- Hot rows ----

// Several readers may make what is missing at a time: the first keeps its place, the others free theirs.
static dbk_hot_links *hot_links_obtain(_Atomic(dbk_hot_links *) *at, dbk_memory *memory)
{
    dbk_hot_links *there = atomic_load(at);
    dbk_hot_links *made = there ? NULL : calloc(1, sizeof *made);
    if (!made)
        return there;
    if (!atomic_compare_exchange_strong(at, &there, made)) {
        free(made);
        return there;
    }
    dbk_memory_add(memory, sizeof *made);
    return made;
}

dbk_hot_link *dbk_hot_links_vector(_Atomic(dbk_hot_links *) *links, dbk_memory *memory, int number,
                                   uint32_t vector)
{
    dbk_hot_links *all = hot_links_obtain(links, memory);
    if (!all)
        return NULL;
    _Atomic(dbk_hot_link *) *at = &all->vectors[number][vector];
    dbk_hot_link *there = atomic_load(at);
    dbk_hot_link *made = there ? NULL : calloc(DBK_VECTOR_ROWS, sizeof *made);
    if (!made)
        return there;
    if (!atomic_compare_exchange_strong(at, &there, made)) {
        free(made);
        return there;
    }
    dbk_memory_add(memory, DBK_VECTOR_ROWS * sizeof *made);
    return made;
}

void dbk_hot_links_dispose(dbk_hot_links *links, dbk_memory *memory)
{
    if (!links)
        return;
    for (int n = 0; n < DBK_LINKS_MAX; n++)
        for (int v = 0; v < DBK_SEGMENT_VECTORS; v++) {
            dbk_hot_link *rows = atomic_load(&links->vectors[n][v]);
            if (rows)
                dbk_memory_subtract(memory, DBK_VECTOR_ROWS * sizeof *rows);
            free(rows);
        }
    dbk_memory_subtract(memory, sizeof *links);
    free(links);
}
