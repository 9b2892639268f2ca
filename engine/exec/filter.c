// SPDX-License-Identifier: Apache-2.0
// Conditions bound, judged by zone maps, and evaluated.
#include "engine/exec/filter.h"

#include "engine/exec/fold.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static dbk_status no_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "query: out of memory");
}

static bool is_ordering(dbk_op op)
{
    return op == DBK_OP_LT || op == DBK_OP_LE || op == DBK_OP_GT || op == DBK_OP_GE;
}

static dbk_status check_intervals(const dbk_filter *filter, dbk_type type, dbk_query_part part,
                                  dbk_error *err)
{
    bool ok = dbk_type_is_int(type) && filter->values_count >= 0 && filter->values_count % 2 == 0;
    for (int i = 0; ok && i < filter->values_count; i++) {
        const dbk_value *value = &filter->values[i];
        bool is_first = i % 2 == 0;
        ok = value->kind == DBK_VALUE_INT && value->number != DBK_NULL &&
             (i == 0 || value[-1].number < value->number || (!is_first && value[-1].number == value->number));
    }
    return ok ? DBK_OK
              : dbk_fail(err, DBK_INVALID, "query: %s: intervals of numbers that ascend are wanted",
                         DBK_PART_TEXT(part));
}

static dbk_status check_shape(const dbk_filter *filter, dbk_type type, dbk_query_part part, dbk_error *err)
{
    if (filter->op < DBK_OP_EQ || filter->op > DBK_OP_WITHIN)
        return dbk_fail(err, DBK_INVALID, "query: %s: unknown operator %d", DBK_PART_TEXT(part),
                        (int)filter->op);
    if (filter->op == DBK_OP_WITHIN)
        return check_intervals(filter, type, part, err);
    bool unary = filter->op == DBK_OP_NULL || filter->op == DBK_OP_NOT_NULL;
    if (unary                     ? filter->values_count != 0
        : filter->op == DBK_OP_IN ? filter->values_count < 0
                                  : filter->values_count != 1)
        return dbk_fail(err, DBK_INVALID, "query: %s: %d values, but the operator takes %s",
                        DBK_PART_TEXT(part), filter->values_count,
                        unary                     ? "none"
                        : filter->op == DBK_OP_IN ? "a list"
                                                  : "one");
    if (filter->op == DBK_OP_CONTAINS && dbk_type_is_int(type))
        return dbk_fail(err, DBK_INVALID, "query: %s: only texts can contain, `%s` is of type %s",
                        DBK_PART_TEXT(part), filter->column, dbk_type_name(type));
    dbk_value_kind wanted = dbk_type_is_int(type) ? DBK_VALUE_INT : DBK_VALUE_TEXT;
    for (int i = 0; i < filter->values_count; i++) {
        if (filter->values[i].kind != wanted && filter->values[i].kind != DBK_VALUE_NULL)
            return dbk_fail(err, DBK_INVALID,
                            "query: %s: `%s` is of type %s and cannot be compared with a %s",
                            DBK_PART_TEXT(part), filter->column, dbk_type_name(type),
                            wanted == DBK_VALUE_INT ? "text" : "number");
    }
    return DBK_OK;
}

// The first interval that does not end before the value; their count when there is none.
static size_t find_interval(const dbk_bound_filter *filter, int64_t value)
{
    size_t low = 0, high = filter->numbers_count / 2;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (filter->numbers[2 * middle + 1] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void set_range(dbk_bound_filter *bound, int64_t lo, int64_t hi)
{
    bound->form = lo <= hi ? DBK_FORM_INT_RANGE : DBK_FORM_NOTHING;
    bound->lo = lo;
    bound->hi = hi;
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static dbk_status bind_ints(dbk_bound_filter *bound, const dbk_filter *filter, dbk_arena *arena,
                            dbk_error *err)
{
    bound->cost = 1;
    if (filter->op == DBK_OP_NULL || filter->op == DBK_OP_NOT_NULL) {
        bool null = filter->op == DBK_OP_NULL;
        set_range(bound, null ? DBK_NULL : DBK_NULL + 1, null ? DBK_NULL : INT64_MAX);
        return DBK_OK;
    }
    if (filter->op == DBK_OP_IN || filter->op == DBK_OP_WITHIN) {
        bound->form = filter->values_count == 0     ? DBK_FORM_NOTHING
                      : filter->op == DBK_OP_WITHIN ? DBK_FORM_INT_WITHIN
                                                    : DBK_FORM_INT_SET;
        bound->numbers_count = (size_t)filter->values_count;
        bound->numbers = dbk_arena_alloc(arena, (bound->numbers_count + 1) * sizeof(int64_t));
        if (!bound->numbers)
            return no_memory(err);
        for (size_t i = 0; i < bound->numbers_count; i++)
            bound->numbers[i] =
                filter->values[i].kind == DBK_VALUE_NULL ? DBK_NULL : filter->values[i].number;
        qsort(bound->numbers, bound->numbers_count, sizeof(int64_t), compare_numbers);
        return DBK_OK;
    }
    int64_t x = filter->values[0].number;
    if (filter->values[0].kind == DBK_VALUE_NULL || x == DBK_NULL) {
        bound->form = DBK_FORM_NOTHING;
        return DBK_OK;
    }
    switch (filter->op) {
    case DBK_OP_EQ:
        set_range(bound, x, x);
        break;
    case DBK_OP_NE:
        bound->form = DBK_FORM_INT_NOT;
        bound->lo = x;
        break;
    case DBK_OP_LT:
        set_range(bound, DBK_NULL + 1, x - 1); // x is above DBK_NULL
        break;
    case DBK_OP_LE:
        set_range(bound, DBK_NULL + 1, x);
        break;
    case DBK_OP_GT:
        if (x == INT64_MAX)
            bound->form = DBK_FORM_NOTHING;
        else
            set_range(bound, x + 1, INT64_MAX);
        break;
    default:
        set_range(bound, x, INT64_MAX);
        break;
    }
    return DBK_OK;
}

// The condition on one text that has a value.
static int compare_texts(const void *a, const void *b)
{
    return dbk_text_compare(*(const dbk_text *)a, *(const dbk_text *)b);
}

// The texts ascend.
static bool is_among(const dbk_bound_filter *bound, dbk_text text)
{
    size_t low = 0, high = bound->texts_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = dbk_text_compare(bound->texts[middle], text);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool text_matches(const dbk_bound_filter *bound, dbk_text text, char *room)
{
    int order;
    switch (bound->op) {
    case DBK_OP_EQ:
    case DBK_OP_IN:
        return is_among(bound, text);
    case DBK_OP_NE:
        return !dbk_text_equal(text, bound->texts[0]);
    case DBK_OP_CONTAINS:
        return dbk_text_contains_folded(text, bound->texts[0], room);
    case DBK_OP_NOT_NULL:
        return true;
    case DBK_OP_NULL:
        return false;
    default:
        order = dbk_text_compare(text, bound->texts[0]);
        return bound->op == DBK_OP_LT   ? order < 0
               : bound->op == DBK_OP_LE ? order <= 0
               : bound->op == DBK_OP_GT ? order > 0
                                        : order >= 0;
    }
}

static dbk_status bind_texts(dbk_bound_filter *bound, const dbk_filter *filter, dbk_arena *arena,
                             dbk_error *err)
{
    bound->form = DBK_FORM_TEXT;
    bound->op = filter->op;
    bound->cost = 8;
    bound->null_matches = filter->op == DBK_OP_NULL;
    bound->texts = dbk_arena_alloc(arena, ((size_t)filter->values_count + 1) * sizeof(dbk_text));
    if (!bound->texts)
        return no_memory(err);
    for (int i = 0; i < filter->values_count; i++) {
        const dbk_value *value = &filter->values[i];
        if (value->kind == DBK_VALUE_NULL) {
            bound->null_matches |= filter->op == DBK_OP_IN;
            continue;
        }
        // An empty text is "no value", which equals nothing; but every text contains it.
        if (value->text.length == 0 && filter->op != DBK_OP_CONTAINS)
            continue;
        dbk_text text = value->text;
        if (filter->op == DBK_OP_CONTAINS && text.length) {
            char *folded = dbk_arena_alloc(arena, text.length);
            if (!folded)
                return no_memory(err);
            dbk_text_fold(text, folded);
            text.data = folded;
        }
        bound->texts[bound->texts_count++] = text;
    }
    if (bound->texts_count > 1)
        qsort(bound->texts, bound->texts_count, sizeof *bound->texts, compare_texts);
    bool unary = filter->op == DBK_OP_NULL || filter->op == DBK_OP_NOT_NULL;
    if (!unary && bound->texts_count == 0 && !bound->null_matches)
        bound->form = DBK_FORM_NOTHING;
    return DBK_OK;
}

static dbk_status make_bits(dbk_bound_filter *bound, uint32_t codes, dbk_arena *arena, dbk_error *err)
{
    bound->form = DBK_FORM_CODE_IN;
    bound->bits_min = UINT32_MAX;
    bound->bits_max = 0;
    bound->bits = dbk_arena_zalloc(arena, ((size_t)codes / 64 + 1) * sizeof(uint64_t));
    return bound->bits ? DBK_OK : no_memory(err);
}

static void add_bit(dbk_bound_filter *bound, uint32_t code)
{
    bound->bits[code >> 6] |= (uint64_t)1 << (code & 63);
    if (code != 0 && code < bound->bits_min)
        bound->bits_min = code;
    if (code > bound->bits_max)
        bound->bits_max = code;
}

// Orders and substrings are questions about words: each word is asked once, here, and rows are asked for
// their codes.
static dbk_status bind_words(dbk_bound_filter *bound, const dbk_filter *filter, dbk_domain domain,
                             const dbk_tenant_view *tenant, dbk_arena *arena, dbk_error *err)
{
    dbk_bound_filter text = {0};
    DBK_TRY(bind_texts(&text, filter, arena, err));
    uint32_t bound_code = tenant ? dbk_tenant_words(tenant, domain) : 0;
    if (text.form == DBK_FORM_NOTHING) {
        bound->form = DBK_FORM_NOTHING;
        return DBK_OK;
    }
    DBK_TRY(make_bits(bound, bound_code + 1, arena, err));
    dbk_buffer room = {0};
    for (uint32_t code = 1; code <= bound_code; code++) {
        dbk_text word = dbk_tenant_word(tenant, domain, code);
        char *bytes = NULL;
        if (text.op == DBK_OP_CONTAINS) { // folds the word
            dbk_buffer_reset(&room);
            bytes = (char *)dbk_buffer_reserve(&room, word.length + 1);
            if (!bytes) {
                dbk_buffer_dispose(&room);
                return no_memory(err);
            }
        }
        if (text_matches(&text, word, bytes))
            add_bit(bound, code);
    }
    dbk_buffer_dispose(&room);
    return DBK_OK;
}

static dbk_status bind_codes(dbk_bound_filter *bound, const dbk_filter *filter, dbk_domain domain,
                             const dbk_tenant_view *tenant, dbk_arena *arena, dbk_error *err)
{
    bound->form = DBK_FORM_NOTHING;
    if (is_ordering(filter->op) || filter->op == DBK_OP_CONTAINS)
        return bind_words(bound, filter, domain, tenant, arena, err);
    if (filter->op == DBK_OP_NULL || filter->op == DBK_OP_NOT_NULL) {
        bound->form = filter->op == DBK_OP_NULL ? DBK_FORM_CODE_IS : DBK_FORM_CODE_NOT;
        return DBK_OK;
    }
    if (filter->op == DBK_OP_IN) {
        uint32_t words = tenant ? dbk_tenant_words(tenant, domain) : 0;
        DBK_TRY(make_bits(bound, words + 1, arena, err));
        for (int i = 0; i < filter->values_count; i++) {
            uint32_t code = 0;
            if (filter->values[i].kind == DBK_VALUE_TEXT) {
                code = tenant ? dbk_tenant_code(tenant, domain, filter->values[i].text) : 0;
                if (code == 0)
                    continue;
            }
            add_bit(bound, code);
        }
        if (bound->bits_min == bound->bits_max && !(bound->bits[0] & 1)) { // one word is compared at once
            bound->form = DBK_FORM_CODE_IS;
            bound->code = bound->bits_min;
        }
        return DBK_OK;
    }
    if (filter->values[0].kind == DBK_VALUE_NULL || filter->values[0].text.length == 0)
        return DBK_OK;
    bound->code = tenant ? dbk_tenant_code(tenant, domain, filter->values[0].text) : 0;
    if (filter->op == DBK_OP_NE)
        bound->form = DBK_FORM_CODE_NOT; // an unknown word is none that a row could have
    else if (bound->code != 0)
        bound->form = DBK_FORM_CODE_IS;
    return DBK_OK;
}

dbk_status dbk_filter_bind(dbk_bound_filter *bound, const dbk_filter *filter, dbk_type type,
                           dbk_domain domain, const dbk_tenant_view *tenant, dbk_arena *arena,
                           dbk_query_part part, dbk_error *err)
{
    *bound = (dbk_bound_filter){0};
    DBK_TRY(check_shape(filter, type, part, err));
    if (type == DBK_CODE)
        return bind_codes(bound, filter, domain, tenant, arena, err);
    return type == DBK_TEXT ? bind_texts(bound, filter, arena, err) : bind_ints(bound, filter, arena, err);
}

// From what is known of rows with a value and of rows without: no rows of a kind satisfy both.
static dbk_verdict combine(bool values_all, bool values_none, bool nulls_all, bool nulls_none)
{
    return values_none && nulls_none ? DBK_NEVER : values_all && nulls_all ? DBK_ALWAYS : DBK_SOMETIMES;
}

static bool any_bit(const dbk_bound_filter *filter, const dbk_zone_map *zone)
{
    int64_t from = zone->min > filter->bits_min ? zone->min : filter->bits_min;
    int64_t to = zone->max < filter->bits_max ? zone->max : filter->bits_max;
    if (to - from >= 256) // looking further would cost more than reading a vector
        return true;
    for (int64_t code = from; code <= to; code++)
        if (filter->bits[code >> 6] >> (code & 63) & 1)
            return true;
    return false;
}

dbk_verdict dbk_filter_judge(const dbk_bound_filter *filter, const dbk_zone_map *zone)
{
    bool no_values = zone->min > zone->max, no_nulls = zone->nulls == 0;
    bool lone = zone->min == zone->max;
    bool null_matches;
    switch (filter->form) {
    case DBK_FORM_NOTHING:
        return DBK_NEVER;
    case DBK_FORM_INT_RANGE:
        null_matches = filter->lo == DBK_NULL;
        return combine(no_values || (filter->lo <= zone->min && zone->max <= filter->hi),
                       no_values || zone->max < filter->lo || zone->min > filter->hi,
                       no_nulls || null_matches, no_nulls || !null_matches);
    case DBK_FORM_INT_OUTSIDE:
        return combine(no_values || filter->hi < zone->min || filter->lo > zone->max,
                       no_values || (filter->lo <= zone->min && zone->max <= filter->hi), no_nulls, true);
    case DBK_FORM_INT_NOT:
        return combine(no_values || filter->lo < zone->min || filter->lo > zone->max,
                       no_values || (lone && zone->min == filter->lo), no_nulls, true);
    case DBK_FORM_INT_SET: {
        null_matches = filter->numbers[0] == DBK_NULL;
        size_t at = 0; // the first number that a value could be
        while (at < filter->numbers_count &&
               (filter->numbers[at] == DBK_NULL || filter->numbers[at] < zone->min))
            at++;
        bool none = no_values || at == filter->numbers_count || filter->numbers[at] > zone->max;
        return combine(no_values || (!none && lone), none, no_nulls || null_matches,
                       no_nulls || !null_matches);
    }
    case DBK_FORM_INT_WITHIN: {
        size_t at = no_values ? 0 : find_interval(filter, zone->min);
        bool none = no_values || 2 * at == filter->numbers_count || filter->numbers[2 * at] > zone->max;
        bool all = !none && filter->numbers[2 * at] <= zone->min && zone->max <= filter->numbers[2 * at + 1];
        return combine(no_values || all, none, no_nulls, true);
    }
    case DBK_FORM_CODE_IS:
        if (filter->code == 0)
            return combine(no_values, true, true, no_nulls);
        return combine(no_values || (lone && zone->min == filter->code),
                       no_values || filter->code < zone->min || filter->code > zone->max, no_nulls, true);
    case DBK_FORM_CODE_NOT:
        return combine(no_values || filter->code < zone->min || filter->code > zone->max,
                       no_values || (lone && zone->min == filter->code), no_nulls, true);
    case DBK_FORM_CODE_IN: {
        null_matches = filter->bits[0] & 1;
        bool any = !no_values && any_bit(filter, zone);
        return combine(no_values || (any && lone), no_values || !any, no_nulls || null_matches,
                       no_nulls || !null_matches);
    }
    case DBK_FORM_TEXT:
        break;
    }
    return DBK_SOMETIMES;
}

bool dbk_filter_interval(const dbk_bound_filter *filter, int64_t *lo, int64_t *hi)
{
    switch (filter->form) {
    case DBK_FORM_INT_RANGE:
        *lo = filter->lo;
        *hi = filter->hi;
        return true;
    case DBK_FORM_CODE_IS:
        *lo = *hi = filter->code;
        return true;
    case DBK_FORM_CODE_NOT:
        *lo = 1;
        *hi = UINT32_MAX;
        return filter->code == 0;
    default:
        return false;
    }
}

static bool in_numbers(const dbk_bound_filter *filter, int64_t value)
{
    if (filter->numbers_count <= 8) {
        bool found = false;
        for (size_t i = 0; i < filter->numbers_count; i++)
            found |= filter->numbers[i] == value;
        return found;
    }
    return bsearch(&value, filter->numbers, filter->numbers_count, sizeof value, compare_numbers) != NULL;
}

// Neighbours are mostly in one interval. "No value" lies before all of them.
static void mask_within(const dbk_bound_filter *filter, uint64_t mask[DBK_MASK_WORDS], const int64_t *values)
{
    int64_t lo = 1, hi = 0;
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++)
        for (uint64_t word = mask[w]; word; word &= word - 1) {
            uint64_t bit = word & -word;
            int64_t value = values[w * 64 + (uint32_t)__builtin_ctzll(word)];
            if (value < lo || value > hi) {
                size_t at = find_interval(filter, value);
                bool is_last = 2 * at == filter->numbers_count;
                lo = is_last ? 1 : filter->numbers[2 * at];
                hi = is_last ? 0 : filter->numbers[2 * at + 1];
            }
            if (value < lo || value > hi)
                mask[w] &= ~bit;
        }
}

void dbk_filter_ints(const dbk_bound_filter *filter, uint64_t mask[DBK_MASK_WORDS], const int64_t *values,
                     uint32_t n, bool sorted)
{
    switch (filter->form) {
    case DBK_FORM_INT_RANGE:
        if (sorted)
            dbk_mask_rows(mask, dbk_lower_bound(values, n, filter->lo),
                          filter->hi == INT64_MAX ? n : dbk_lower_bound(values, n, filter->hi + 1));
        else
            dbk_mask_int_range(mask, values, n, filter->lo, filter->hi);
        return;
    case DBK_FORM_INT_OUTSIDE: {
        uint64_t inside[DBK_MASK_WORDS];
        memcpy(inside, mask, sizeof inside);
        dbk_mask_int_range(mask, values, n, DBK_NULL + 1, INT64_MAX);
        dbk_mask_int_range(inside, values, n, filter->lo, filter->hi);
        for (uint32_t w = 0; w < DBK_MASK_WORDS; w++)
            mask[w] &= ~inside[w];
        return;
    }
    case DBK_FORM_INT_NOT:
        dbk_mask_int_not(mask, values, n, filter->lo);
        return;
    case DBK_FORM_INT_SET:
        for (uint32_t w = 0; w < DBK_MASK_WORDS; w++)
            for (uint64_t word = mask[w]; word; word &= word - 1) {
                uint64_t bit = word & -word;
                if (!in_numbers(filter, values[w * 64 + (uint32_t)__builtin_ctzll(word)]))
                    mask[w] &= ~bit;
            }
        return;
    case DBK_FORM_INT_WITHIN:
        mask_within(filter, mask, values);
        return;
    default:
        assert(filter->form == DBK_FORM_NOTHING);
        memset(mask, 0, DBK_MASK_WORDS * sizeof *mask);
    }
}

void dbk_filter_codes(const dbk_bound_filter *filter, uint64_t mask[DBK_MASK_WORDS], const uint32_t *codes,
                      uint32_t n)
{
    switch (filter->form) {
    case DBK_FORM_CODE_IS:
        dbk_mask_code_is(mask, codes, n, filter->code);
        return;
    case DBK_FORM_CODE_NOT:
        dbk_mask_code_not(mask, codes, n, filter->code);
        return;
    case DBK_FORM_CODE_IN:
        dbk_mask_code_in(mask, codes, n, filter->bits);
        return;
    default:
        assert(filter->form == DBK_FORM_NOTHING);
        memset(mask, 0, DBK_MASK_WORDS * sizeof *mask);
    }
}

dbk_status dbk_filter_texts(const dbk_bound_filter *filter, uint64_t mask[DBK_MASK_WORDS],
                            const dbk_text *texts, dbk_buffer *room)
{
    for (uint32_t w = 0; w < DBK_MASK_WORDS; w++) {
        for (uint64_t word = mask[w]; word; word &= word - 1) {
            uint64_t bit = word & -word;
            dbk_text text = texts[w * 64 + (uint32_t)__builtin_ctzll(word)];
            bool match = filter->null_matches;
            if (text.length) {
                dbk_buffer_reset(room);
                char *bytes = (char *)dbk_buffer_reserve(room, text.length);
                if (!bytes)
                    return DBK_NO_MEMORY;
                match = text_matches(filter, text, bytes);
            }
            if (!match)
                mask[w] &= ~bit;
        }
    }
    return DBK_OK;
}
