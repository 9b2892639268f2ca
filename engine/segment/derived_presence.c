// SPDX-License-Identifier: Apache-2.0
// Which rows have a number of their own, in each of the forms that docs/FORMAT.md describes: made into a bit
// a row.
#include "engine/segment/derived_presence.h"

#include "engine/base/mask.h"
#include "engine/segment/columns.h"
#include "engine/segment/gaps.h"

#include <stdlib.h>
#include <string.h>

const uint64_t *dbk_derived_bits(const dbk_derived *d, uint32_t vector)
{
    return d->bits + vector * DBK_MASK_WORDS;
}

static uint32_t count_of(const uint64_t *bits)
{
    uint32_t count = 0;
    for (int w = 0; w < DBK_MASK_WORDS; w++)
        count += (uint32_t)__builtin_popcountll(bits[w]);
    return count;
}

static bool make_bits(dbk_derived *d)
{
    d->made_bits = calloc((size_t)dbk_vectors(d->rows) * DBK_MASK_WORDS, sizeof *d->made_bits);
    d->bits = d->made_bits;
    return d->made_bits != NULL;
}

static bool skip_zeros(dbk_reader *r)
{
    uint8_t any = 0;
    for (size_t padding = dbk_segment_align(r->at) - r->at; padding > 0; padding--)
        any |= dbk_read_u8(r);
    return any == 0 && !r->failed;
}

static dbk_status read_bitmap(dbk_derived *d, dbk_reader *r, dbk_error *err)
{
    const uint32_t vectors = dbk_vectors(d->rows), last = d->rows % DBK_VECTOR_ROWS;
    const uint8_t *view = dbk_read_bytes(r, (size_t)vectors * DBK_VECTOR_ROWS / 8);
    if (!view)
        return dbk_fail(err, DBK_CORRUPT, "derived numbers: the bitmap ends early");
    d->bits = (const uint64_t *)view; // blocks and what is in them are aligned to 64 bytes
    for (uint32_t i = last; last && i < DBK_VECTOR_ROWS; i++) {
        if (dbk_derived_bits(d, vectors - 1)[i / 64] >> i % 64 & 1)
            return dbk_fail(err, DBK_CORRUPT, "derived numbers: the bitmap has too many rows");
    }
    return DBK_OK;
}

static dbk_status read_places(dbk_derived *d, dbk_reader *r, dbk_error *err)
{
    if (!make_bits(d))
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    uint16_t counts[DBK_SEGMENT_VECTORS];
    for (uint32_t v = 0; v < dbk_vectors(d->rows); v++)
        counts[v] = dbk_read_u16(r);
    const uint8_t *places = dbk_read_bytes(r, dbk_places_size(d->own));
    if (!places || !skip_zeros(r) || !dbk_places_read(counts, places, d->rows, d->own, d->made_bits))
        return dbk_fail(err, DBK_CORRUPT, "derived numbers: the places are damaged");
    return DBK_OK;
}

static dbk_status read_gaps(dbk_derived *d, dbk_reader *r, dbk_error *err)
{
    if (!make_bits(d))
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    const uint32_t low_bits = dbk_read_u32(r), size = dbk_read_u32(r);
    const uint8_t *gaps = dbk_read_bytes(r, size);
    if (!gaps || low_bits > DBK_GAPS_LOW_BITS_MAX || !skip_zeros(r) ||
        !dbk_gaps_read(gaps, size, d->rows, d->own, (int)low_bits, d->made_bits))
        return dbk_fail(err, DBK_CORRUPT, "derived numbers: the gaps are damaged");
    return DBK_OK;
}

static dbk_status read_codes(dbk_derived *d, const dbk_segment *segment, const dbk_derived_header *h,
                             dbk_reader *r, dbk_error *err)
{
    if (!make_bits(d))
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    uint32_t codes[DBK_ANCHOR_CODES_MAX];
    for (uint32_t i = 0; i < h->codes; i++) {
        codes[i] = dbk_read_u32(r);
        if (i > 0 && codes[i] <= codes[i - 1])
            return dbk_fail(err, DBK_CORRUPT, "derived numbers: the codes are out of order");
    }
    const uint32_t least = h->codes ? codes[0] : 0, most = h->codes ? codes[h->codes - 1] : 0;
    if (!skip_zeros(r) || h->codes == 0 || most - least >= DBK_ANCHOR_CODES_MAX)
        return dbk_fail(err, DBK_CORRUPT, "derived numbers: the codes are damaged");
    uint8_t among[DBK_ANCHOR_CODES_MAX + 1] = {0};
    for (uint32_t i = 0; i < h->codes; i++)
        among[codes[i] - least] = 1;
    for (uint32_t v = 0; v < dbk_vectors(d->rows); v++) {
        uint32_t anchors[DBK_VECTOR_ROWS];
        uint8_t match[DBK_VECTOR_ROWS];
        const uint32_t n = dbk_segment_codes(segment, h->anchor, v, anchors);
        for (uint32_t i = 0; i < n; i++) {
            const uint32_t at = anchors[i] - least;
            match[i] = among[at < DBK_ANCHOR_CODES_MAX ? at : DBK_ANCHOR_CODES_MAX];
        }
        uint64_t *bits = d->made_bits + v * DBK_MASK_WORDS;
        memset(bits, 0xFF, (n + 63) / 64 * sizeof *bits);
        dbk_mask_and_bytes(bits, match, n);
    }
    return DBK_OK;
}

dbk_status dbk_derived_read_presence(dbk_derived *d, const dbk_segment *segment, const dbk_derived_header *h,
                                     dbk_reader *r, dbk_error *err)
{
    switch (h->presence) {
    case DBK_PRESENCE_ALL:
        if (d->own != d->rows)
            return dbk_fail(err, DBK_CORRUPT, "derived numbers: %u instead of %u rows", d->own, d->rows);
        return DBK_OK;
    case DBK_PRESENCE_BITMAP:
        DBK_TRY(read_bitmap(d, r, err));
        break;
    case DBK_PRESENCE_PLACES:
        DBK_TRY(read_places(d, r, err));
        break;
    case DBK_PRESENCE_GAPS:
        DBK_TRY(read_gaps(d, r, err));
        break;
    default:
        DBK_TRY(read_codes(d, segment, h, r, err));
    }
    uint32_t own = 0;
    for (uint32_t v = 0; v < dbk_vectors(d->rows); v++) {
        d->starts[v] = (uint16_t)own;
        own += count_of(dbk_derived_bits(d, v));
    }
    // Not all of them: so the start of no vector is 65,536.
    if (own != d->own || own == d->rows)
        return dbk_fail(err, DBK_CORRUPT, "derived numbers: the rows that have one are miscounted");
    return DBK_OK;
}
