// SPDX-License-Identifier: Apache-2.0
// Packing and unpacking blocks. A block that changes is unpacked, changed and packed anew: there are few
// changes to many codes, so runs of changes stay small and are put into the large ones rarely.
#include "engine/table/roster_run.h"

#include <assert.h>
#include <string.h>

// A figure's number is base + unit * bits: cents make money a hundred times smaller, seconds times a
// thousand.
typedef struct packed {
    int64_t base;
    uint32_t unit;
    uint16_t first_word;
    uint8_t width;
} packed;

struct dbk_roster_block {
    dbk_object object;
    uint64_t present[DBK_ROSTER_WORDS];
    packed figures[DBK_ROSTER_FIGURES];
    uint32_t count; // of codes
    uint64_t words[];
};

enum { NARROW = 57 };

static const uint32_t units[] = {60000, 10000, 1000, 100, 10};

// Unpacked: numbers by code, of codes that are not there those of a code without rows.
typedef struct open_block {
    uint64_t present[DBK_ROSTER_WORDS];
    int64_t numbers[DBK_ROSTER_FIGURES][DBK_ROSTER_CODES];
} open_block;

static const int64_t nothing[DBK_ROSTER_FIGURES] = {
    [DBK_ROSTER_LAST] = INT64_MIN, [DBK_ROSTER_GONE] = INT64_MIN};

// ---- Reading ----

const uint64_t *dbk_roster_present(const dbk_roster_block *block)
{
    return block->present;
}

static inline uint64_t bits_at(const uint64_t *words, size_t index, unsigned width)
{
    if (width == 0)
        return 0;
    size_t bit = index * width, at = bit / 64, shift = bit % 64;
    uint64_t value = words[at] >> shift;
    if (shift + width > 64)
        value |= words[at + 1] << (64 - shift);
    return width == 64 ? value : value & (((uint64_t)1 << width) - 1);
}

static inline int64_t number_at(const dbk_roster_block *block, const packed *p, size_t index)
{
    return (int64_t)((uint64_t)p->base + p->unit * bits_at(block->words + p->first_word, index, p->width));
}

// Numbers in their order. A load of eight bytes has all of one that is narrow enough, and the words end with
// eight to spare.
static void unpack_list(const dbk_roster_block *block, const packed *p, size_t count,
                        int64_t list[DBK_ROSTER_CODES])
{
    const uint8_t *bytes = (const uint8_t *)(block->words + p->first_word);
    uint64_t mask = ((uint64_t)1 << p->width % 64) - 1;
    for (size_t i = 0; p->width <= NARROW && i < count; i++) {
        uint64_t value;
        memcpy(&value, bytes + i * p->width / 8, sizeof value);
        list[i] = (int64_t)((uint64_t)p->base + p->unit * (value >> i * p->width % 8 & mask));
    }
    for (size_t i = 0; p->width > NARROW && i < count; i++)
        list[i] = number_at(block, p, i);
}

bool dbk_roster_unpack(const dbk_roster_block *block, int64_t rows[DBK_ROSTER_CODES],
                       int64_t sums[DBK_ROSTER_CODES])
{
    int64_t lists[DBK_ROSTER_TOPS][DBK_ROSTER_CODES];
    size_t index = 0;
    bool over = false;
    for (int f = 0; f < DBK_ROSTER_TOPS; f++)
        unpack_list(block, &block->figures[f], block->count, lists[f]);
    for (uint32_t w = 0; w < DBK_ROSTER_WORDS; w++) {
        for (uint64_t left = block->present[w]; left; left &= left - 1) {
            uint32_t code = w * 64 + (uint32_t)__builtin_ctzll(left);
            rows[code] += lists[DBK_ROSTER_ROWS][index];
            over |= __builtin_add_overflow(sums[code], lists[DBK_ROSTER_SUM][index++], &sums[code]);
        }
    }
    return !over;
}

int64_t dbk_roster_number(const dbk_roster_block *block, dbk_roster_figure figure, uint32_t code)
{
    size_t index = 0;
    for (uint32_t w = 0; w < code / 64; w++)
        index += (size_t)__builtin_popcountll(block->present[w]);
    index += (size_t)__builtin_popcountll(block->present[code / 64] & (((uint64_t)1 << code % 64) - 1));
    return number_at(block, &block->figures[figure], index);
}

// ---- Packing ----

static void open_empty(open_block *open)
{
    memset(open->present, 0, sizeof open->present);
    for (int f = 0; f < DBK_ROSTER_FIGURES; f++)
        for (uint32_t i = 0; i < DBK_ROSTER_CODES; i++)
            open->numbers[f][i] = nothing[f];
}

// For the next block.
static void open_clear(open_block *open)
{
    for (uint32_t w = 0; w < DBK_ROSTER_WORDS; w++) {
        for (uint64_t left = open->present[w]; left; left &= left - 1)
            for (int f = 0; f < DBK_ROSTER_FIGURES; f++)
                open->numbers[f][w * 64 + (uint32_t)__builtin_ctzll(left)] = nothing[f];
        open->present[w] = 0;
    }
}

static void open_fill(open_block *open, const dbk_roster_block *block)
{
    memcpy(open->present, block->present, sizeof open->present);
    for (int f = 0; f < DBK_ROSTER_FIGURES; f++) {
        size_t index = 0;
        for (uint32_t w = 0; w < DBK_ROSTER_WORDS; w++)
            for (uint64_t left = block->present[w]; left; left &= left - 1)
                open->numbers[f][w * 64 + (uint32_t)__builtin_ctzll(left)] =
                    number_at(block, &block->figures[f], index++);
    }
}

// "No time" is the smallest number there is, whose distance to a time needs all bits: it is rare where blocks
// are large.
static void measure(const int64_t *numbers, size_t count, packed *out)
{
    int64_t min = INT64_MAX, max = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        min = numbers[i] < min ? numbers[i] : min;
        max = numbers[i] > max ? numbers[i] : max;
    }
    uint64_t range = (uint64_t)max - (uint64_t)min;
    *out = (packed){.base = min, .unit = 1};
    for (size_t u = 0; u < DBK_COUNT(units) && range >= units[u] && out->unit == 1; u++) {
        size_t i = 0;
        while (i < count && ((uint64_t)numbers[i] - (uint64_t)min) % units[u] == 0)
            i++;
        out->unit = i == count ? units[u] : 1;
    }
    range /= out->unit;
    out->width = (uint8_t)(range ? 64 - __builtin_clzll(range) : 0);
}

static void put_bits(uint64_t *words, size_t index, unsigned width, uint64_t value)
{
    if (width == 0)
        return;
    size_t bit = index * width, at = bit / 64, shift = bit % 64;
    words[at] |= value << shift;
    if (shift + width > 64)
        words[at + 1] |= value >> (64 - shift);
}

// NULL when memory is out; *count is how many codes are there, and tops are set. A block without codes is
// not made, and *count 0.
static dbk_roster_block *block_pack(const open_block *open, dbk_versions *versions, size_t *count,
                                    int64_t tops[DBK_ROSTER_TOPS], bool *has_negative)
{
    int64_t lists[DBK_ROSTER_FIGURES][DBK_ROSTER_CODES];
    packed figures[DBK_ROSTER_FIGURES];
    size_t words = 0;
    *count = 0;
    memset(tops, 0, DBK_ROSTER_TOPS * sizeof tops[0]);
    for (uint32_t w = 0; w < DBK_ROSTER_WORDS; w++) {
        for (uint64_t left = open->present[w]; left; left &= left - 1) {
            uint32_t code = w * 64 + (uint32_t)__builtin_ctzll(left);
            for (int f = 0; f < DBK_ROSTER_FIGURES; f++)
                lists[f][*count] = open->numbers[f][code];
            ++*count;
        }
    }
    if (*count == 0)
        return NULL;
    for (int f = 0; f < DBK_ROSTER_FIGURES; f++) {
        measure(lists[f], *count, &figures[f]);
        figures[f].first_word = (uint16_t)words;
        words += (*count * figures[f].width + 63) / 64;
    }
    for (int t = 0; t < DBK_ROSTER_TOPS; t++)
        for (size_t i = 0; i < *count; i++)
            tops[t] = lists[t][i] > tops[t] ? lists[t][i] : tops[t];
    *has_negative |= figures[DBK_ROSTER_SUM].base < 0;
    dbk_roster_block *block =
        dbk_versions_create(versions, sizeof *block + (words + 1) * sizeof block->words[0], NULL);
    if (!block)
        return NULL;
    block->count = (uint32_t)*count;
    memcpy(block->present, open->present, sizeof block->present);
    memcpy(block->figures, figures, sizeof figures);
    for (int f = 0; f < DBK_ROSTER_FIGURES; f++)
        for (size_t i = 0; i < *count; i++)
            put_bits(block->words + figures[f].first_word, i, figures[f].width,
                     ((uint64_t)lists[f][i] - (uint64_t)figures[f].base) / figures[f].unit);
    return block;
}

// ---- Runs ----

static dbk_roster_run *run_create(dbk_versions *versions, const dbk_roster_run *old, uint32_t blocks)
{
    enum { ENTRY = sizeof(dbk_roster_block *) + DBK_ROSTER_TOPS * sizeof(int64_t) };
    uint32_t capacity = old && blocks <= old->capacity ? old->capacity : blocks + blocks / 8;
    dbk_roster_run *run = dbk_versions_create(versions, sizeof *run + (size_t)capacity * ENTRY, NULL);
    if (!run)
        return NULL;
    run->capacity = capacity;
    run->blocks = blocks;
    run->list = (dbk_roster_block **)(void *)(run + 1);
    for (int t = 0; t < DBK_ROSTER_TOPS; t++)
        run->tops[t] = (int64_t *)(void *)(run->list + capacity) + (size_t)t * capacity;
    if (!old)
        return run;
    run->cells = old->cells;
    run->has_negative = old->has_negative;
    memcpy(run->list, old->list, old->blocks * sizeof old->list[0]);
    for (int t = 0; t < DBK_ROSTER_TOPS; t++)
        memcpy(run->tops[t], old->tops[t], old->blocks * sizeof(int64_t));
    return run;
}

// Makes the run this generation's, with so many blocks at least.
static bool run_own(dbk_roster_run **run, dbk_versions *versions, uint32_t blocks)
{
    dbk_roster_run *old = *run;
    if (old && blocks < old->blocks)
        blocks = old->blocks;
    if (old && dbk_versions_is_own(versions, &old->object) && blocks <= old->capacity) {
        old->blocks = blocks; // entries past the last were never used, and so are empty
        return true;
    }
    dbk_roster_run *own = run_create(versions, old, blocks);
    if (!own)
        return false;
    *run = own;
    dbk_versions_drop(versions, old ? &old->object : NULL);
    return true;
}

// Puts what was opened back. False when memory is out.
static bool block_put(dbk_roster_run *run, dbk_versions *versions, uint32_t at, const open_block *open)
{
    size_t count;
    int64_t tops[DBK_ROSTER_TOPS];
    dbk_roster_block *old = run->list[at],
                     *block = block_pack(open, versions, &count, tops, &run->has_negative);
    if (!block && count)
        return false;
    run->cells += count - (old ? old->count : 0);
    run->list[at] = block;
    for (int t = 0; t < DBK_ROSTER_TOPS; t++)
        run->tops[t][at] = tops[t];
    dbk_versions_drop(versions, old ? &old->object : NULL);
    return true;
}

static bool add_numbers(open_block *open, uint32_t code, const int64_t numbers[DBK_ROSTER_FIGURES])
{
    bool over = false;
    int64_t *last = &open->numbers[DBK_ROSTER_LAST][code], *gone = &open->numbers[DBK_ROSTER_GONE][code];
    for (int f = 0; f < DBK_ROSTER_TOPS; f++)
        over |= __builtin_add_overflow(open->numbers[f][code], numbers[f], &open->numbers[f][code]);
    if (numbers[DBK_ROSTER_LAST] > *last)
        *last = numbers[DBK_ROSTER_LAST];
    if (numbers[DBK_ROSTER_LAST] >= *gone)
        *gone = INT64_MIN;
    if (numbers[DBK_ROSTER_GONE] > *gone)
        *gone = numbers[DBK_ROSTER_GONE];
    return !over;
}

// Whether the code is still there, after its numbers have changed.
static void settle(open_block *open, uint32_t code, bool is_change)
{
    bool stays = open->numbers[DBK_ROSTER_ROWS][code] != 0;
    for (int f = 0; is_change && f < DBK_ROSTER_FIGURES; f++)
        stays |= open->numbers[f][code] != nothing[f];
    uint64_t bit = (uint64_t)1 << code % 64;
    open->present[code / 64] = (open->present[code / 64] & ~bit) | (stays ? bit : 0);
    for (int f = 0; !stays && f < DBK_ROSTER_FIGURES; f++)
        open->numbers[f][code] = nothing[f];
}

bool dbk_roster_run_add(dbk_roster_run **run, dbk_versions *versions, const dbk_roster_record *const *records,
                        size_t count, bool is_change)
{
    open_block open;
    if (count == 0)
        return true;
    if (!run_own(run, versions, records[count - 1]->code / DBK_ROSTER_CODES + 1))
        return false;
    open_empty(&open);
    for (size_t i = 0, end; i < count; i = end) {
        uint32_t block = records[i]->code / DBK_ROSTER_CODES;
        if ((*run)->list[block])
            open_fill(&open, (*run)->list[block]);
        for (end = i; end < count && records[end]->code / DBK_ROSTER_CODES == block; end++) {
            const dbk_roster_record *r = records[end];
            int64_t value;
            if (__builtin_mul_overflow(r->value, r->sign, &value))
                return false;
            const int64_t numbers[] = {r->sign, value, r->sign > 0 ? r->ms : INT64_MIN,
                                       r->sign > 0 ? INT64_MIN : r->ms};
            if (!add_numbers(&open, r->code % DBK_ROSTER_CODES, numbers))
                return false;
        }
        for (size_t k = i; k < end; k++)
            settle(&open, records[k]->code % DBK_ROSTER_CODES, is_change);
        if (!block_put(*run, versions, block, &open))
            return false;
        open_clear(&open);
    }
    return true;
}

static bool merge_block(open_block *open, const dbk_roster_block *changes)
{
    bool fits = true;
    for (uint32_t w = 0; w < DBK_ROSTER_WORDS; w++) {
        for (uint64_t left = changes->present[w]; left; left &= left - 1) {
            uint32_t code = w * 64 + (uint32_t)__builtin_ctzll(left);
            int64_t numbers[DBK_ROSTER_FIGURES];
            for (int f = 0; f < DBK_ROSTER_FIGURES; f++)
                numbers[f] = dbk_roster_number(changes, (dbk_roster_figure)f, code);
            fits &= add_numbers(open, code, numbers);
            settle(open, code, false);
        }
    }
    return fits;
}

bool dbk_roster_run_merge(dbk_roster_run **run, dbk_versions *versions, const dbk_roster_run *changes)
{
    open_block open;
    if (!run_own(run, versions, changes->blocks))
        return false;
    open_empty(&open);
    for (uint32_t at = 0; at < changes->blocks; at++) {
        if (!changes->list[at])
            continue;
        if ((*run)->list[at])
            open_fill(&open, (*run)->list[at]);
        if (!merge_block(&open, changes->list[at]) || !block_put(*run, versions, at, &open))
            return false;
        open_clear(&open);
    }
    return true;
}

static bool sum_block(open_block *open, const dbk_roster_block *block)
{
    int64_t lists[DBK_ROSTER_FIGURES][DBK_ROSTER_CODES];
    size_t index = 0;
    bool fits = true;
    for (int f = 0; f < DBK_ROSTER_FIGURES; f++)
        unpack_list(block, &block->figures[f], block->count, lists[f]);
    for (uint32_t w = 0; w < DBK_ROSTER_WORDS; w++) {
        for (uint64_t left = block->present[w]; left; left &= left - 1, index++) {
            const int64_t numbers[] = {lists[0][index], lists[1][index], lists[2][index], lists[3][index]};
            fits &= add_numbers(open, w * 64 + (uint32_t)__builtin_ctzll(left), numbers);
        }
        open->present[w] |= block->present[w];
    }
    return fits;
}

dbk_roster_run *dbk_roster_run_sum(dbk_versions *versions, const dbk_roster_run *const *runs, uint32_t count)
{
    open_block open;
    uint32_t blocks = 0;
    for (uint32_t i = 0; i < count; i++)
        blocks = runs[i]->blocks > blocks ? runs[i]->blocks : blocks;
    dbk_roster_run *sum = run_create(versions, NULL, blocks);
    bool ok = sum != NULL;
    open_empty(&open);
    for (uint32_t at = 0; ok && at < blocks; at++) {
        for (uint32_t i = 0; ok && i < count; i++)
            if (at < runs[i]->blocks && runs[i]->list[at])
                ok = sum_block(&open, runs[i]->list[at]);
        ok = ok && block_put(sum, versions, at, &open);
        open_clear(&open);
    }
    if (ok)
        return sum;
    dbk_roster_run_release(sum, versions);
    return NULL;
}

void dbk_roster_run_release(dbk_roster_run *run, dbk_versions *versions)
{
    if (!run)
        return;
    for (uint32_t i = 0; i < run->blocks; i++) {
        if (versions && run->list[i])
            dbk_versions_drop(versions, (dbk_object *)run->list[i]);
        else
            dbk_object_free((dbk_object *)run->list[i]);
    }
    if (versions)
        dbk_versions_drop(versions, &run->object);
    else
        dbk_object_free(&run->object);
}
