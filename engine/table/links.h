// SPDX-License-Identifier: Apache-2.0
// Links: what readers note beside immutable rows whose column names rows of a fact by their ids (a line its
// order, a payment its order and line), so that the ids need not be read and looked for again.
//
// A link is slot, edition and number of the row that was found. It was verified when it was made, by
// comparing ids; from then on it holds without reading an id: while the snapshot's part in that slot is still
// of that edition and the row is alive, the row is the one. When that is not so the id is looked for, as if
// there were no link. So links are never wrong, only of no use, and need no care when rows change.
//
// They cost memory (one to two bytes a row of sealed parts, where rows stand in the order of what they name;
// eight of hot ones), and are made by readers, when as much has been spent on looking for ids as making them
// costs. They are not stored.
#ifndef DBK_TABLE_LINKS_H
#define DBK_TABLE_LINKS_H

#include "engine/base/mask.h"
#include "engine/schema.h"
#include "engine/table/object.h"
#include "engine/table/place.h"

// A part has links to so many tables: orders and their lines.
enum { DBK_LINKS_MAX = 2 };
int dbk_link_number(dbk_table_id target);

typedef struct dbk_table_view dbk_table_view;

// ---- Of a sealed part ----

// Immutable.
typedef struct dbk_links dbk_links;

// A zeroed struct has none.
typedef struct dbk_part_links {
    _Atomic(dbk_links *) made[DBK_LINKS_MAX];
    // Ids that were looked for and found since then.
    _Atomic uint32_t searches[DBK_LINKS_MAX];
    _Atomic bool is_making[DBK_LINKS_MAX];
} dbk_part_links;
void dbk_part_links_dispose(dbk_part_links *links);

// From places in `to`, DBK_NO_PLACE for rows without a link. NULL: no memory.
dbk_links *dbk_links_create(dbk_memory *memory, const dbk_place *places, uint32_t rows,
                            const dbk_table_view *to);
static inline dbk_object *dbk_links_object(dbk_links *links)
{
    return (dbk_object *)links;
}
// out[row] = the place, of the `count` rows of the vector that are listed. Other entries are undefined.
void dbk_links_read(const dbk_links *links, uint32_t vector, const uint16_t *rows, uint32_t count,
                    dbk_place *out);
// The edition that the slot of a place had.
uint32_t dbk_links_edition(const dbk_links *links, uint32_t slot);

// ---- Of hot rows ----

// A link in 64 bits; 0 = none.
typedef _Atomic uint64_t dbk_hot_link;
// Of the rows of a delta, by vectors.
typedef struct dbk_hot_links {
    _Atomic(dbk_hot_link *) vectors[DBK_LINKS_MAX][DBK_SEGMENT_VECTORS];
} dbk_hot_links;

// The links of a vector, made when there are none. NULL: no memory.
dbk_hot_link *dbk_hot_links_vector(_Atomic(dbk_hot_links *) *links, dbk_memory *memory, int number,
                                   uint32_t vector);
void dbk_hot_links_dispose(dbk_hot_links *links, dbk_memory *memory);

// Editions that do not fit are not noted: 0.
static inline uint64_t dbk_hot_link_make(dbk_place place, uint32_t edition)
{
    return edition >> 23 ? 0 : ((uint64_t)edition << DBK_PLACE_BITS | place) + 1;
}
static inline dbk_place dbk_hot_link_place(uint64_t link)
{
    return (link - 1) & ((UINT64_C(1) << DBK_PLACE_BITS) - 1);
}
static inline uint32_t dbk_hot_link_edition(uint64_t link)
{
    return (uint32_t)((link - 1) >> DBK_PLACE_BITS);
}

#endif
