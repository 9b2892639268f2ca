// SPDX-License-Identifier: Apache-2.0
// Applying a map to a CSV file.
//
// A line of the file is read for every section of the map before anything of it is kept: it counts for all of
// them or, when one value cannot be used, is rejected as a whole. Sections with one row a line go straight to
// batches. Sections with one row per value of a column gather their groups in memory until the end of the
// file, because the lines of a group may stand anywhere in it. Order lines without a time of their own take
// their order's, so they wait too.
#include "ingest/parse/map_plan.h"

#include "engine/base/bytes.h"
#include "engine/base/decimal.h"
#include "engine/base/hash.h"
#include "ingest/parse/csv.h"
#include "ingest/parse/csv_header.h"
#include "ingest/parse/source.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// What a choice came to: for a line, or so far for a group.
typedef struct map_value {
    bool has;
    int64_t number; // of an integer column
    dbk_text text;  // of a text or code
} map_value;

// Texts to numbers 0, 1, 2, … in order of appearance.
typedef struct key_table {
    dbk_text *keys;
    uint64_t *counts; // how often each was seen
    uint32_t count, capacity;
    uint32_t *slots; // key number + 1; 0 = free
    uint32_t slots_count;
    dbk_arena arena;
} key_table;

typedef struct section_state {
    const map_section *section;
    dbk_rows *rows;
    int values_at;    // its choices' values of the line at hand, in source.values
    int values_count; // all choices of all columns
    bool skipped;     // the line at hand has no group here
    key_table groups;
    map_value *group_values; // values_count a group
    uint64_t *group_lines;   // the first line of each
    uint32_t groups_capacity;
    dbk_arena texts; // of group_values
    bool held;       // order lines that wait for their orders
} section_state;

typedef struct map_run {
    dbk_source super;
    const dbk_map *map;
    dbk_csv *csv;
    bool bound;
    uint32_t fields_count;
    uint32_t field_of[MAP_SOURCES_MAX]; // 0-based field of each source
    key_table numbers[MAP_SOURCES_MAX]; // of sources that are counted
    section_state sections[MAP_SECTIONS_MAX];
    map_value *values;
    section_state *orders; // grouped orders, or NULL
    int order_time;        // the place of created_at's first choice among their values
    int order_time_choices;
    dbk_batch **held; // batches of order lines
    size_t held_count, held_capacity;
    uint32_t *held_orders; // the order's number for each of their rows
    size_t held_rows, held_rows_capacity;
    char scratch[65536]; // texts made for the line at hand
    size_t scratch_used;
    const dbk_csv_row *row; // the line at hand
    uint32_t fault_field;   // 1-based
    const char *fault;      // why the line cannot be used
    char reason[160];
} map_run;

static dbk_status no_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "out of memory for the groups of a map: split the file");
}

// ---- Keys ----

static uint32_t *find_slot(const key_table *table, dbk_text key)
{
    uint32_t mask = table->slots_count - 1, at = (uint32_t)dbk_hash_bytes(key.data, key.length) & mask;
    while (table->slots[at] && !dbk_text_equal(table->keys[table->slots[at] - 1], key))
        at = (at + 1) & mask;
    return &table->slots[at];
}

static bool grow_keys(key_table *table)
{
    uint32_t capacity = table->capacity ? table->capacity * 2 : 64, slots_count = capacity * 2;
    uint32_t *slots = calloc(slots_count, sizeof *slots);
    dbk_text *keys = realloc(table->keys, capacity * sizeof *keys);
    if (keys)
        table->keys = keys;
    uint64_t *counts = realloc(table->counts, capacity * sizeof *counts);
    if (counts)
        table->counts = counts;
    if (!slots || !keys || !counts) {
        free(slots);
        return false;
    }
    free(table->slots);
    table->slots = slots;
    table->slots_count = slots_count;
    table->capacity = capacity;
    for (uint32_t i = 0; i < table->count; i++)
        *find_slot(table, table->keys[i]) = i + 1;
    return true;
}

// The key's number, or UINT32_MAX.
static uint32_t find_key(const key_table *table, dbk_text key)
{
    uint32_t slot = table->slots_count ? *find_slot(table, key) : 0;
    return slot ? slot - 1 : UINT32_MAX;
}

// The same, adding it if need be. UINT32_MAX: memory is out.
static uint32_t add_key(key_table *table, dbk_text key)
{
    uint32_t found = find_key(table, key);
    if (found != UINT32_MAX)
        return found;
    if (table->count == table->capacity && !grow_keys(table))
        return UINT32_MAX;
    const char *copy = dbk_arena_copy(&table->arena, key.data, key.length);
    if (!copy)
        return UINT32_MAX;
    table->keys[table->count] = (dbk_text){copy, key.length};
    table->counts[table->count] = 0;
    *find_slot(table, key) = table->count + 1;
    return table->count++;
}

static void dispose_keys(key_table *table)
{
    free(table->keys);
    free(table->counts);
    free(table->slots);
    dbk_arena_dispose(&table->arena);
}

// ---- One line's values ----

static dbk_text source_text(const map_run *run, int source)
{
    return dbk_text_trim(run->row->fields[run->field_of[source]]);
}

static bool fail_line(map_run *run, int source, const char *reason)
{
    run->fault = reason;
    run->fault_field = source < 0 ? 0 : run->field_of[source] + 1;
    return false;
}

static bool is_negative(dbk_text text)
{
    if (text.length == 0 || text.data[0] != '-')
        return false;
    for (uint32_t i = 1; i < text.length; i++) {
        if (text.data[i] >= '1' && text.data[i] <= '9')
            return true;
    }
    return false;
}

static bool test_holds(const map_run *run, const map_choice *choice)
{
    if (choice->test == MAP_ALWAYS)
        return true;
    dbk_text text = source_text(run, choice->test_source), wanted = choice->test_text;
    bool longer = text.length >= wanted.length;
    switch (choice->test) {
    case MAP_ALWAYS:
        break;
    case MAP_IS:
        return dbk_text_equal(text, wanted);
    case MAP_IS_NOT:
        return !dbk_text_equal(text, wanted);
    case MAP_IS_BLANK:
        return text.length == 0;
    case MAP_IS_NOT_BLANK:
        return text.length > 0;
    case MAP_IS_NEGATIVE:
        return is_negative(text);
    case MAP_STARTS_WITH:
        return longer && memcmp(text.data, wanted.data, wanted.length) == 0;
    case MAP_ENDS_WITH:
        return longer && memcmp(text.data + text.length - wanted.length, wanted.data, wanted.length) == 0;
    case MAP_CONTAINS:
        return memmem(text.data, text.length, wanted.data, wanted.length) != NULL;
    }
    return true;
}

static bool put_scratch(map_run *run, const char *data, size_t size)
{
    if (size > sizeof run->scratch - run->scratch_used)
        return fail_line(run, -1, "the texts made for the line are longer than 64 KiB");
    memcpy(run->scratch + run->scratch_used, data, size);
    run->scratch_used += size;
    return true;
}

// The text of a term; a part without value makes the whole have none.
static bool term_text(map_run *run, const map_term *term, dbk_text *out)
{
    if (term->parts_count == 1 && term->parts[0].kind == MAP_SOURCE) {
        *out = source_text(run, term->parts[0].source);
        return true;
    }
    if (term->parts_count == 1 && term->parts[0].kind == MAP_LITERAL) {
        *out = term->parts[0].literal;
        return true;
    }
    size_t start = run->scratch_used;
    *out = (dbk_text){NULL, 0};
    for (int i = 0; i < term->parts_count; i++) {
        const map_part *part = &term->parts[i];
        dbk_text text = part->kind == MAP_LITERAL ? part->literal : source_text(run, part->source);
        char number[DBK_DECIMAL_TEXT_MAX];
        if (text.length == 0)
            return true;
        if (part->kind == MAP_NUMBER) {
            const key_table *numbers = &run->numbers[part->source];
            uint64_t n = numbers->counts[find_key(numbers, text)];
            text = (dbk_text){number, (uint32_t)dbk_int_write(number, (int64_t)n)};
        }
        if (!put_scratch(run, text.data, text.length))
            return false;
    }
    *out = (dbk_text){run->scratch + start, (uint32_t)(run->scratch_used - start)};
    return true;
}

// A source of the term, to point at in messages.
static int term_source(const map_term *term)
{
    for (int i = 0; i < term->parts_count; i++) {
        if (term->parts[i].kind != MAP_LITERAL)
            return term->parts[i].source;
    }
    return -1;
}

// Factors as integers of a scale as small as each allows, so that their product stays exact in 128 bits.
static bool multiply(map_run *run, const map_choice *choice, int scale, map_value *out)
{
    dbk_i128 product = 1;
    int product_scale = 0;
    for (int i = 0; i < choice->terms_count; i++) {
        dbk_text text;
        int source = term_source(&choice->terms[i]);
        if (!term_text(run, &choice->terms[i], &text))
            return false;
        text = dbk_text_trim(text);
        if (text.length == 0)
            return true;
        int64_t factor = 0;
        dbk_decimal_fault fault = DBK_DECIMAL_DIGITS;
        int factor_scale = 0;
        for (; factor_scale <= DBK_RATE_SCALE; factor_scale++) {
            fault = dbk_decimal_parse(text.data, text.length, factor_scale, &factor);
            if (fault != DBK_DECIMAL_DIGITS)
                break;
        }
        if (fault != DBK_DECIMAL_OK)
            return fail_line(run, source, dbk_decimal_fault_text(fault, DBK_RATE_SCALE));
        if (__builtin_mul_overflow(product, (dbk_i128)factor, &product))
            return fail_line(run, source, "the product is too large a number");
        product_scale += factor_scale;
    }
    int source = term_source(&choice->terms[0]);
    for (; product_scale > scale && product % 10 == 0; product_scale--)
        product /= 10;
    if (product_scale > scale)
        return fail_line(run, source,
                         scale ? "the product has more than 4 decimals" : "the product is no whole number");
    for (; product_scale < scale; product_scale++) {
        if (__builtin_mul_overflow(product, (dbk_i128)10, &product))
            return fail_line(run, source, "the product is too large a number");
    }
    if (product > INT64_MAX || product <= INT64_MIN)
        return fail_line(run, source, "the product is too large a number");
    *out = (map_value){.has = true, .number = (int64_t)product};
    return true;
}

static bool take_time(map_run *run, const dbk_column_def *def, const char *pattern, dbk_text text, int source,
                      map_value *out)
{
    const dbk_zone *zone = def->type == DBK_TIME ? run->map->zone : NULL;
    if (!dbk_map_time_parse(pattern, text, zone, &out->number)) {
        snprintf(run->reason, sizeof run->reason, "not a time such as %.100s", pattern);
        return fail_line(run, source, run->reason);
    }
    if (def->type == DBK_DATE) {
        int64_t day = out->number / 86400000;
        out->number = day - (out->number < day * 86400000);
    }
    out->has = true;
    return true;
}

static bool take_choice(map_run *run, const dbk_column_def *def, const map_choice *choice, map_value *out)
{
    *out = (map_value){0};
    if (!test_holds(run, choice))
        return true;
    if (choice->terms_count > 1)
        return multiply(run, choice, def->type == DBK_MONEY ? DBK_MONEY_SCALE : 0, out);
    const map_term *term = &choice->terms[0];
    int source = term_source(term);
    dbk_text text;
    if (!term_text(run, term, &text))
        return false;
    if (text.length == 0)
        return true;
    const char *reason;
    if (!dbk_type_is_int(def->type)) {
        out->text = text;
        out->has = true;
        reason = dbk_value_check(def, text);
        return !reason || fail_line(run, source, reason);
    }
    bool plain = term->parts_count == 1 && source >= 0;
    const char *pattern = plain ? run->map->sources[source].time_pattern : NULL;
    if (pattern && (def->type == DBK_TIME || def->type == DBK_DATE))
        return take_time(run, def, pattern, text, source, out);
    reason = dbk_value_parse(def, run->map->zone, text, &out->number);
    out->has = !reason && out->number != DBK_NULL;
    return !reason || fail_line(run, source, reason);
}

static const dbk_column_def *column_def(const map_section *section, const map_column *column)
{
    static const dbk_column_def category = {.name = "category", .type = DBK_TEXT};
    return column->column == DBK_ROW_CATEGORY ? &category : &section->table->columns[column->column];
}

// Sums must not leave their range; that is known before the line is kept.
static bool sum_fits(map_run *run, const section_state *state, int place, const map_choice *choice,
                     const map_value *value)
{
    if (state->section->group < 0 || choice->pick != MAP_SUM || !value->has)
        return true;
    uint32_t group = find_key(&state->groups, source_text(run, state->section->group));
    int64_t sum;
    if (group == UINT32_MAX)
        return true;
    const map_value *so_far =
        &state->group_values[(size_t)group * (size_t)state->values_count + (size_t)place];
    if (__builtin_add_overflow(so_far->number, value->number, &sum) || sum == DBK_NULL)
        return fail_line(run, term_source(&choice->terms[0]), "the sum is too large a number");
    return true;
}

static bool evaluate_section(map_run *run, section_state *state)
{
    const map_section *section = state->section;
    int place = 0;
    state->skipped = section->group >= 0 && source_text(run, section->group).length == 0;
    if (state->skipped)
        return true;
    for (int c = 0; c < section->columns_count; c++) {
        const map_column *column = &section->columns[c];
        const dbk_column_def *def = column_def(section, column);
        bool has = false;
        for (int i = 0; i < column->choices_count; i++, place++) {
            map_value *value = &run->values[state->values_at + place];
            if (!take_choice(run, def, &column->choices[i], value) ||
                !sum_fits(run, state, place, &column->choices[i], value))
                return false;
            has |= value->has;
        }
        if (!has && (def->flags & DBK_REQUIRED)) {
            snprintf(run->reason, sizeof run->reason, "%s of %s is required, but empty", def->name,
                     section->table->name);
            return fail_line(run, term_source(&column->choices[column->choices_count - 1].terms[0]),
                             run->reason);
        }
    }
    return true;
}

// ---- Keeping a line ----

static const map_value *first_value(const map_value *values, int count)
{
    for (int i = 0; i < count; i++) {
        if (values[i].has)
            return &values[i];
    }
    return NULL;
}

// One row from a section's values: the first choice with a value for each column.
static dbk_status commit_row(section_state *state, const map_value *values, uint64_t line, dbk_error *err)
{
    const map_section *section = state->section;
    const char *reason = NULL;
    int missing = 0;
    dbk_rows_begin(state->rows);
    for (int c = 0; c < section->columns_count && !reason; c++) {
        const map_column *column = &section->columns[c];
        const map_value *value = first_value(values, column->choices_count);
        values += column->choices_count;
        if (!value)
            continue;
        if (dbk_type_is_int(column_def(section, column)->type))
            dbk_rows_set_int(state->rows, column->column, value->number);
        else
            reason = dbk_rows_set(state->rows, column->column, value->text);
    }
    if (!reason)
        reason = dbk_rows_check(state->rows, &missing);
    if (reason)
        return dbk_fail(err, DBK_INVALID, "line %llu makes a row of %s that cannot be stored: %s",
                        (unsigned long long)line, section->table->name, reason);
    return dbk_rows_commit(state->rows, line, err);
}

static bool add_group_room(section_state *state)
{
    if (state->groups.count <= state->groups_capacity)
        return true;
    uint32_t capacity = state->groups_capacity ? state->groups_capacity * 2 : 64;
    map_value *values =
        realloc(state->group_values, (size_t)capacity * (size_t)state->values_count * sizeof *values);
    if (values)
        state->group_values = values;
    uint64_t *lines = realloc(state->group_lines, capacity * sizeof *lines);
    if (lines)
        state->group_lines = lines;
    if (!values || !lines)
        return false;
    state->groups_capacity = capacity;
    return true;
}

static bool merge_value(section_state *state, const map_choice *choice, map_value *so_far,
                        const map_value *value)
{
    if (!value->has || (so_far->has && choice->pick == MAP_FIRST))
        return true;
    if (value->text.length && !dbk_text_equal(so_far->text, value->text)) {
        const char *copy = dbk_arena_copy(&state->texts, value->text.data, value->text.length);
        if (!copy)
            return false;
        so_far->text = (dbk_text){copy, value->text.length};
    }
    bool smaller = value->number < so_far->number;
    if (!so_far->has || choice->pick == MAP_LAST || (choice->pick == MAP_SMALLEST && smaller) ||
        (choice->pick == MAP_LARGEST && !smaller))
        so_far->number = value->number;
    else if (choice->pick == MAP_SUM)
        so_far->number += value->number;
    so_far->has = true;
    return true;
}

static bool merge_group(map_run *run, section_state *state)
{
    uint32_t before = state->groups.count;
    uint32_t group = add_key(&state->groups, source_text(run, state->section->group));
    if (group == UINT32_MAX || !add_group_room(state))
        return false;
    map_value *so_far = state->group_values + (size_t)group * (size_t)state->values_count;
    const map_value *values = run->values + state->values_at;
    if (group == before) {
        memset(so_far, 0, (size_t)state->values_count * sizeof *so_far);
        state->group_lines[group] = run->row->line;
    }
    for (int c = 0; c < state->section->columns_count; c++) {
        const map_column *column = &state->section->columns[c];
        for (int i = 0; i < column->choices_count; i++) {
            if (!merge_value(state, &column->choices[i], so_far++, values++))
                return false;
        }
    }
    return true;
}

static bool remember_order(map_run *run)
{
    if (run->held_rows == run->held_rows_capacity) {
        size_t capacity = run->held_rows_capacity ? run->held_rows_capacity * 2 : 4096;
        uint32_t *orders = realloc(run->held_orders, capacity * sizeof *orders);
        if (!orders)
            return false;
        run->held_orders = orders;
        run->held_rows_capacity = capacity;
    }
    dbk_text key = source_text(run, run->orders->section->group);
    run->held_orders[run->held_rows++] = find_key(&run->orders->groups, key);
    return true;
}

static dbk_status keep_line(map_run *run, dbk_error *err)
{
    const dbk_map *map = run->map;
    for (int s = 0; s < map->sections_count; s++) {
        section_state *state = &run->sections[s];
        if (state->section->group >= 0 && !state->skipped && !merge_group(run, state))
            return no_memory(err);
    }
    for (int s = 0; s < map->sections_count; s++) {
        section_state *state = &run->sections[s];
        if (state->section->group >= 0)
            continue;
        if (state->held && !remember_order(run))
            return no_memory(err);
        DBK_TRY(commit_row(state, run->values + state->values_at, run->row->line, err));
    }
    return DBK_OK;
}

// ---- The file ----

static dbk_status bind_header(map_run *run, const dbk_csv_row *header, dbk_error *err)
{
    DBK_TRY(dbk_csv_header_check(header, err));
    for (int s = 0; s < run->map->sources_count; s++) {
        dbk_text wanted = run->map->sources[s].name;
        uint32_t found = UINT32_MAX;
        for (uint32_t i = 0; i < header->count; i++) {
            dbk_text name = dbk_text_trim(header->fields[i]);
            if (dbk_text_equal(name, wanted)) {
                found = i;
                break;
            }
            if (name.length == wanted.length && strncasecmp(name.data, wanted.data, name.length) == 0)
                found = i;
        }
        if (found == UINT32_MAX)
            return dbk_fail(
                err, DBK_INVALID,
                "line %llu: the map uses a column \"%.*s\", which the file does not have; it has %.*s",
                (unsigned long long)header->line, (int)wanted.length, wanted.data,
                header->raw.length < 250 ? (int)header->raw.length : 250, header->raw.data);
        run->field_of[s] = found;
    }
    run->fields_count = header->count;
    run->bound = true;
    return DBK_OK;
}

static void reject_line(map_run *run)
{
    char name[64];
    dbk_reject reject = {run->row->line, run->fault_field, NULL, run->fault};
    for (int s = 0; s < run->map->sources_count && run->fault_field; s++) {
        if (run->field_of[s] + 1 == run->fault_field) {
            dbk_text source = run->map->sources[s].name;
            snprintf(name, sizeof name, "%.*s", source.length < 63 ? (int)source.length : 63, source.data);
            reject.column_name = name;
            break;
        }
    }
    dbk_source_reject(&run->super, &reject, run->row->raw);
}

// Counts the line for {#…} whether or not it can be used: its number must not depend on its neighbours being
// repaired later.
static dbk_status count_line(map_run *run, dbk_error *err)
{
    for (int s = 0; s < run->map->sources_count; s++) {
        dbk_text key = source_text(run, s);
        if (!run->map->sources[s].counted || key.length == 0)
            continue;
        uint32_t number = add_key(&run->numbers[s], key);
        if (number == UINT32_MAX)
            return no_memory(err);
        run->numbers[s].counts[number]++;
    }
    return DBK_OK;
}

static dbk_status on_row(void *user, const dbk_csv_row *row, dbk_error *err)
{
    map_run *run = user;
    if (!run->bound)
        return bind_header(run, row, err);
    run->row = row;
    run->scratch_used = 0;
    run->fault = row->fault;
    run->fault_field = row->fault_field;
    bool usable = !row->fault;
    if (usable && row->count != run->fields_count) {
        snprintf(run->reason, sizeof run->reason, "%u field%s where the header has %u", row->count,
                 row->count == 1 ? "" : "s", run->fields_count);
        usable = fail_line(run, -1, run->reason);
    }
    if (usable) {
        DBK_TRY(count_line(run, err));
        for (int s = 0; s < run->map->sections_count && usable; s++)
            usable = evaluate_section(run, &run->sections[s]);
    }
    if (!usable) {
        reject_line(run);
        return DBK_OK;
    }
    run->super.totals.rows++;
    return keep_line(run, err);
}

static dbk_status hold_batch(void *user, dbk_batch *batch, dbk_error *err)
{
    map_run *run = user;
    if (run->held_count == run->held_capacity) {
        size_t capacity = run->held_capacity ? run->held_capacity * 2 : 16;
        dbk_batch **held = realloc(run->held, capacity * sizeof(dbk_batch *));
        if (!held) {
            dbk_arena_dispose(&batch->arena);
            free(batch);
            return no_memory(err);
        }
        run->held = held;
        run->held_capacity = capacity;
    }
    run->held[run->held_count++] = batch;
    return DBK_OK;
}

static dbk_status emit_groups(section_state *state, dbk_error *err)
{
    for (uint32_t i = 0; i < state->groups.count; i++)
        DBK_TRY(commit_row(state, state->group_values + (size_t)i * (size_t)state->values_count,
                           state->group_lines[i], err));
    return dbk_rows_flush(state->rows, err);
}

// Gives the waiting order lines their orders' times.
static dbk_status emit_held(map_run *run, dbk_error *err)
{
    const section_state *orders = run->orders;
    size_t row = 0;
    for (size_t b = 0; b < run->held_count; b++) {
        dbk_batch *batch = run->held[b];
        int64_t *times = dbk_arena_alloc(&batch->arena, batch->rows * sizeof *times);
        if (!times)
            return no_memory(err);
        for (uint32_t i = 0; i < batch->rows; i++, row++) {
            uint32_t order = run->held_orders[row];
            const map_value *time = NULL;
            if (order != UINT32_MAX)
                time = first_value(orders->group_values + (size_t)order * (size_t)orders->values_count +
                                       run->order_time,
                                   run->order_time_choices);
            times[i] = time ? time->number : DBK_NULL;
        }
        batch->columns[batch->table->time_column].ints = times;
        run->held[b] = NULL;
        DBK_TRY(run->super.sink.on_batch(run->super.sink.user, batch, err));
    }
    return DBK_OK;
}

// What others refer to goes first: keyed tables, then orders, then the rest.
static int section_rank(const section_state *state)
{
    const dbk_table_def *table = state->section->table;
    return table->kind == DBK_KEYED ? 0 : table->id == DBK_ORDERS ? 1 : 2;
}

static dbk_status map_finish(dbk_source *super, dbk_error *err)
{
    map_run *run = (map_run *)super;
    DBK_TRY(dbk_csv_finish(run->csv, err));
    super->totals.lines = dbk_csv_line(run->csv) - 1;
    if (!run->bound)
        return dbk_fail(err, DBK_INVALID, "empty input: the first line must name the columns");
    for (int rank = 0; rank < 3; rank++) {
        for (int s = 0; s < run->map->sections_count; s++) {
            section_state *state = &run->sections[s];
            if (section_rank(state) != rank)
                continue;
            DBK_TRY(state->section->group >= 0 ? emit_groups(state, err) : dbk_rows_flush(state->rows, err));
        }
    }
    return emit_held(run, err);
}

static dbk_status map_feed(dbk_source *super, const char *data, size_t size, dbk_error *err)
{
    map_run *run = (map_run *)super;
    dbk_status status = dbk_csv_feed(run->csv, data, size, err);
    super->totals.lines = dbk_csv_line(run->csv) - 1;
    return status;
}

static void map_destroy(dbk_source *super)
{
    map_run *run = (map_run *)super;
    dbk_csv_destroy(run->csv);
    for (int s = 0; s < MAP_SECTIONS_MAX; s++) {
        section_state *state = &run->sections[s];
        dbk_rows_destroy(state->rows);
        dispose_keys(&state->groups);
        free(state->group_values);
        free(state->group_lines);
        dbk_arena_dispose(&state->texts);
    }
    for (int s = 0; s < MAP_SOURCES_MAX; s++)
        dispose_keys(&run->numbers[s]);
    for (size_t b = 0; b < run->held_count; b++) {
        if (run->held[b]) {
            dbk_arena_dispose(&run->held[b]->arena);
            free(run->held[b]);
        }
    }
    free(run->held);
    free(run->held_orders);
    free(run->values);
    free(run);
}

// Where the orders' time stands, if order lines are to take it.
static void find_orders(map_run *run)
{
    section_state *lines = NULL, *orders = NULL;
    for (int s = 0; s < run->map->sections_count; s++) {
        section_state *state = &run->sections[s];
        if (state->section->table->id == DBK_ORDERS && state->section->group >= 0)
            orders = state;
        if (state->section->table->id == DBK_ORDER_LINES && state->section->group < 0)
            lines = state;
    }
    if (!orders || !lines)
        return;
    for (int c = 0; c < lines->section->columns_count; c++) {
        if (lines->section->columns[c].column == lines->section->table->time_column)
            return;
    }
    int place = 0;
    for (int c = 0; c < orders->section->columns_count; c++) {
        const map_column *column = &orders->section->columns[c];
        if (column->column == orders->section->table->time_column) {
            run->order_time = place;
            run->order_time_choices = column->choices_count;
        }
        place += column->choices_count;
    }
    run->orders = orders;
    lines->held = true;
}

dbk_source *dbk_source_map_create(const dbk_map *map, const dbk_parse_sink *sink)
{
    static const dbk_source_ops ops = {map_feed, map_finish, map_destroy};
    map_run *run = calloc(1, sizeof *run);
    if (!run)
        return NULL;
    run->super.ops = &ops;
    run->super.sink = *sink;
    run->map = map;
    int values = 0;
    for (int s = 0; s < map->sections_count; s++) {
        section_state *state = &run->sections[s];
        state->section = &map->sections[s];
        state->values_at = values;
        for (int c = 0; c < state->section->columns_count; c++)
            state->values_count += state->section->columns[c].choices_count;
        values += state->values_count;
    }
    find_orders(run);
    run->csv = dbk_csv_create(1, on_row, run);
    run->values = calloc((size_t)values + 1, sizeof *run->values);
    bool made = run->csv && run->values;
    for (int s = 0; s < map->sections_count && made; s++) {
        section_state *state = &run->sections[s];
        dbk_rows_options options = {.table = state->section->table,
                                    .on_batch = state->held ? hold_batch : sink->on_batch,
                                    .user = state->held ? (void *)run : sink->user};
        state->rows = dbk_rows_create(&options);
        made = state->rows != NULL;
    }
    if (!made) {
        map_destroy(&run->super);
        return NULL;
    }
    return &run->super;
}
