// SPDX-License-Identifier: Apache-2.0
// Applying a map to a CSV file.
//
// A line of the file is read for every section of the map before anything of it is kept: it counts for all of
// them or, when one value cannot be used, is rejected as a whole. Sections with one row a line go straight to
// batches. Sections with one row per value of a column gather their groups in memory until the end of the
// file, because the lines of a group may stand anywhere in it. Order lines without a time of their own take
// their order's, so they wait too.
#include "ingest/parse/csv_header.h"
#include "ingest/parse/map_line.h"
#include "ingest/parse/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct section_state {
    const map_section *section;
    dbk_rows *rows;
    int values_at;    // its choices' values of the line at hand, in source.values
    int values_count; // all choices of all columns
    bool skipped;     // the line at hand has no group here
    dbk_map_keys groups;
    map_value *group_values; // values_count a group
    uint64_t *group_lines;   // the first line of each
    uint32_t groups_capacity;
    dbk_arena texts; // of group_values
    bool held;       // order lines that wait for their orders
} section_state;

typedef struct map_run {
    dbk_source super;
    const dbk_map *map;
    map_line line; // at hand
    dbk_csv *csv;
    bool bound;
    uint32_t fields_count;
    section_state sections[MAP_SECTIONS_MAX];
    map_value *values;
    section_state *orders; // grouped orders, or NULL
    int order_time;        // the place of created_at's first choice among their values
    int order_time_choices;
    dbk_batch **held; // batches of order lines
    size_t held_count, held_capacity;
    uint32_t *held_orders; // the order's number for each of their rows
    size_t held_rows, held_rows_capacity;
} map_run;

static dbk_status no_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "out of memory for the groups of a map: split the file");
}

// ---- One line's values ----

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
    uint32_t group = dbk_map_keys_find(&state->groups, dbk_map_line_text(&run->line, state->section->group));
    int64_t sum;
    if (group == UINT32_MAX)
        return true;
    const map_value *so_far =
        &state->group_values[(size_t)group * (size_t)state->values_count + (size_t)place];
    if (__builtin_add_overflow(so_far->number, value->number, &sum) || sum == DBK_NULL)
        return dbk_map_line_fail(&run->line, dbk_map_term_source(&choice->terms[0]),
                                 "the sum is too large a number");
    return true;
}

static bool evaluate_section(map_run *run, section_state *state)
{
    const map_section *section = state->section;
    int place = 0;
    state->skipped = section->group >= 0 && dbk_map_line_text(&run->line, section->group).length == 0;
    if (state->skipped)
        return true;
    for (int c = 0; c < section->columns_count; c++) {
        const map_column *column = &section->columns[c];
        const dbk_column_def *def = column_def(section, column);
        bool has = false;
        for (int i = 0; i < column->choices_count; i++, place++) {
            map_value *value = &run->values[state->values_at + place];
            if (!dbk_map_line_take(&run->line, def, &column->choices[i], value) ||
                !sum_fits(run, state, place, &column->choices[i], value))
                return false;
            has |= value->has;
        }
        if (!has && (def->flags & DBK_REQUIRED)) {
            snprintf(run->line.reason, sizeof run->line.reason, "%s of %s is required, but empty", def->name,
                     section->table->name);
            return dbk_map_line_fail(
                &run->line, dbk_map_term_source(&column->choices[column->choices_count - 1].terms[0]),
                run->line.reason);
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
    uint32_t group = dbk_map_keys_add(&state->groups, dbk_map_line_text(&run->line, state->section->group));
    if (group == UINT32_MAX || !add_group_room(state))
        return false;
    map_value *so_far = state->group_values + (size_t)group * (size_t)state->values_count;
    const map_value *values = run->values + state->values_at;
    if (group == before) {
        memset(so_far, 0, (size_t)state->values_count * sizeof *so_far);
        state->group_lines[group] = run->line.row->line;
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
    dbk_text key = dbk_map_line_text(&run->line, run->orders->section->group);
    run->held_orders[run->held_rows++] = dbk_map_keys_find(&run->orders->groups, key);
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
        DBK_TRY(commit_row(state, run->values + state->values_at, run->line.row->line, err));
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
        run->line.field_of[s] = found;
    }
    run->fields_count = header->count;
    run->bound = true;
    return DBK_OK;
}

static void reject_line(map_run *run)
{
    char name[64];
    dbk_reject reject = {run->line.row->line, run->line.fault_field, NULL, run->line.fault};
    for (int s = 0; s < run->map->sources_count && run->line.fault_field; s++) {
        if (run->line.field_of[s] + 1 == run->line.fault_field) {
            dbk_text source = run->map->sources[s].name;
            snprintf(name, sizeof name, "%.*s", source.length < 63 ? (int)source.length : 63, source.data);
            reject.column_name = name;
            break;
        }
    }
    dbk_source_reject(&run->super, &reject, run->line.row->raw);
}

// Counts the line for {#…} whether or not it can be used: its number must not depend on its neighbours being
// repaired later.
static dbk_status count_line(map_run *run, dbk_error *err)
{
    for (int s = 0; s < run->map->sources_count; s++) {
        dbk_text key = dbk_map_line_text(&run->line, s);
        if (!run->map->sources[s].counted || key.length == 0)
            continue;
        uint32_t number = dbk_map_keys_add(&run->line.numbers[s], key);
        if (number == UINT32_MAX)
            return no_memory(err);
        run->line.numbers[s].counts[number]++;
    }
    return DBK_OK;
}

static dbk_status on_row(void *user, const dbk_csv_row *row, dbk_error *err)
{
    map_run *run = user;
    if (!run->bound)
        return bind_header(run, row, err);
    run->line.row = row;
    run->line.scratch_used = 0;
    run->line.fault = row->fault;
    run->line.fault_field = row->fault_field;
    bool usable = !row->fault;
    if (usable && row->count != run->fields_count) {
        snprintf(run->line.reason, sizeof run->line.reason, "%u field%s where the header has %u", row->count,
                 row->count == 1 ? "" : "s", run->fields_count);
        usable = dbk_map_line_fail(&run->line, -1, run->line.reason);
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
        dbk_map_keys_dispose(&state->groups);
        free(state->group_values);
        free(state->group_lines);
        dbk_arena_dispose(&state->texts);
    }
    for (int s = 0; s < MAP_SOURCES_MAX; s++)
        dbk_map_keys_dispose(&run->line.numbers[s]);
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
    static const dbk_source_ops ops = {map_feed, map_finish, map_destroy, NULL};
    map_run *run = calloc(1, sizeof *run);
    if (!run)
        return NULL;
    run->super.ops = &ops;
    run->super.sink = *sink;
    run->map = run->line.map = map;
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
