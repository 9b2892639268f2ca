// SPDX-License-Identifier: Apache-2.0
// The columns of the current vector, as one thread has decoded them.
#ifndef DBK_EXEC_SLOT_H
#define DBK_EXEC_SLOT_H

#include "engine/exec/far.h"
#include "engine/exec/plan.h"

// What a code leads to along a path, found out when it is first met: so a name or a category costs one
// look-up per code and thread, not one per row.
typedef struct dbk_code_map {
    uint32_t codes; // it covers codes below this
    uint64_t *known;
    int64_t *ints;
    uint32_t *words;
    dbk_text *texts;
    dbk_arena bytes; // of texts
} dbk_code_map;

// Integers can also be had as they are packed.
typedef enum dbk_packed_state { DBK_PACKED_UNKNOWN, DBK_PACKED_NOT, DBK_PACKED_NUMBERS } dbk_packed_state;

// One of ints, codes, texts is used, by the type. The arrays hold a whole vector, then those of the rows that
// match.
struct dbk_slot {
    const dbk_slot_def *def;
    bool loaded, picked;
    const int64_t *ints;
    const uint32_t *codes;
    const dbk_text *texts;
    void *scratch;      // a vector of values
    void *pick_scratch; // and one of those that match
    const void *picks;
    dbk_packed_state packed_state;
    dbk_line line;
    bool packed_picked;
    uint32_t *packed, *packed_picks;
    dbk_text_scratch *text_scratch;
    dbk_walker walker; // for paths
    dbk_code_map map;
    dbk_far far;     // for paths of one step from a text to integers or codes
    dbk_arena bytes; // of the current vector's texts, for paths from a text
    // Of a text that paths begin with: where the current vector's ids lead, of the rows that the first such
    // path was asked for. Later ones are asked for no others.
    bool followed;
    dbk_follower *follower;
    dbk_place *places;
};

void dbk_slot_init(struct dbk_slot *slot, const dbk_slot_def *def, const dbk_tenant_view *tenant);
void dbk_slot_dispose(struct dbk_slot *slot);

// Decodes a vector of the part. For paths, `base` is the slot of the first column, loaded or followed
// already, and only rows in the mask get values that are meant.
dbk_status dbk_slot_load(struct dbk_slot *slot, struct dbk_slot *base, const dbk_part *part, uint32_t vector,
                         const uint64_t mask[DBK_MASK_WORDS]);
// Finds out where the vector's ids lead, for rows in the mask.
dbk_status dbk_slot_follow(struct dbk_slot *slot, const dbk_part *part, uint32_t vector,
                           const uint64_t mask[DBK_MASK_WORDS]);
// Gathers the rows of the mask, `count` of them and listed in `rows`, into `picks`.
dbk_status dbk_slot_pick(struct dbk_slot *slot, const uint64_t mask[DBK_MASK_WORDS], const uint16_t *rows,
                         uint32_t count);
// The vector's integers as they are packed, where they are and are not decoded yet; and those of the mask.
dbk_status dbk_slot_load_packed(struct dbk_slot *slot, const dbk_part *part, uint32_t vector);
dbk_status dbk_slot_pick_packed(struct dbk_slot *slot, const uint64_t mask[DBK_MASK_WORDS],
                                const uint16_t *rows, uint32_t count, const uint32_t **out);

// Forgets the vector.
static inline void dbk_slot_leave(struct dbk_slot *slot)
{
    slot->loaded = slot->picked = slot->packed_picked = slot->followed = false;
    slot->packed_state = DBK_PACKED_UNKNOWN;
}

#endif
