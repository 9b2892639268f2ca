// SPDX-License-Identifier: Apache-2.0
// Queries answered with plain loops over plain rows.
#include "tests/support/oracle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// ---- Rows ----

static void set_text(dbk_oracle_cell *cell, dbk_text text)
{
    assert(text.length < DBK_ORACLE_TEXT);
    cell->length = text.length;
    if (text.length)
        memcpy(cell->text, text.data, text.length);
}

static dbk_oracle_cell batch_cell(const dbk_batch *batch, int column, uint32_t row)
{
    const dbk_batch_column *c = &batch->columns[column];
    dbk_oracle_cell cell = {.number = DBK_NULL};
    if (c->ints)
        cell.number = c->ints[row];
    if (c->codes)
        set_text(&cell, c->words[c->codes[row]]);
    if (c->texts)
        set_text(&cell, c->texts[row]);
    return cell;
}

static bool same_text(const dbk_oracle_cell *a, const dbk_oracle_cell *b)
{
    return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static size_t find_row(const dbk_oracle_table *table, int key, const dbk_oracle_cell *id)
{
    for (size_t i = 0; i < table->count; i++)
        if (same_text(&table->rows[i]->cells[key], id))
            return i;
    return table->count;
}

void dbk_oracle_apply(dbk_oracle *oracle, const dbk_batch *batch)
{
    dbk_oracle_table *table = &oracle->tables[batch->table->id];
    int key = batch->table->key_column;
    for (uint32_t row = 0; row < batch->rows; row++) {
        dbk_oracle_cell id = batch_cell(batch, key, row);
        size_t at = find_row(table, key, &id);
        if (at < table->count) {
            free(table->rows[at]);
            table->rows[at] = table->rows[--table->count];
        }
        if (batch->remove)
            continue;
        if (table->count == table->capacity) {
            table->capacity = table->capacity * 2 + 64;
            table->rows = realloc(table->rows, table->capacity * sizeof(void *));
        }
        dbk_oracle_row *fresh = table->rows[table->count++] = calloc(1, sizeof *fresh);
        for (int c = 0; c < batch->table->columns_count; c++)
            fresh->cells[c] = batch_cell(batch, c, row);
    }
}

void dbk_oracle_dispose(dbk_oracle *oracle)
{
    for (int t = 0; t < DBK_TABLE_END; t++) {
        for (size_t i = 0; i < oracle->tables[t].count; i++)
            free(oracle->tables[t].rows[i]);
        free(oracle->tables[t].rows);
    }
    *oracle = (dbk_oracle){0};
}

// ---- Values ----

typedef struct column_value {
    dbk_oracle_cell cell;
    dbk_type type;
} column_value;

static const dbk_table_def *reference(const dbk_column_def *column)
{
    if (strcmp(column->name, "order_id") == 0)
        return dbk_table_def_by_id(DBK_ORDERS);
    if (strcmp(column->name, "line_id") == 0)
        return dbk_table_def_by_id(DBK_ORDER_LINES);
    return dbk_table_def_by_domain(column->domain);
}

static column_value value_of(const dbk_oracle *oracle, const dbk_table_def *table, const dbk_oracle_row *row,
                             const char *path)
{
    const char *dot = strchr(path, '.');
    size_t length = dot ? (size_t)(dot - path) : strlen(path);
    int column = dbk_column_find(table, (dbk_text){path, (uint32_t)length});
    assert(column >= 0);
    column_value value = {{.number = DBK_NULL}, table->columns[column].type};
    if (row)
        value.cell = row->cells[column];
    if (!dot)
        return value;
    const dbk_table_def *next = reference(&table->columns[column]);
    const dbk_oracle_table *rows = &oracle->tables[next->id];
    size_t at = value.cell.length ? find_row(rows, next->key_column, &value.cell) : rows->count;
    return value_of(oracle, next, at < rows->count ? rows->rows[at] : NULL, dot + 1);
}

static bool is_null(const column_value *v)
{
    return dbk_type_is_int(v->type) ? v->cell.number == DBK_NULL : v->cell.length == 0;
}

static int compare_texts(const char *a, uint32_t n, const char *b, uint32_t m)
{
    int order = memcmp(a, b, n < m ? n : m);
    return order ? order : (n > m) - (n < m);
}

static int compare_cells(const dbk_oracle_cell *a, const dbk_oracle_cell *b, dbk_type type)
{
    if (dbk_type_is_int(type))
        return (a->number > b->number) - (a->number < b->number);
    return compare_texts(a->text, a->length, b->text, b->length);
}

static int compare_literal(const column_value *v, const dbk_value *literal)
{
    if (dbk_type_is_int(v->type))
        return (v->cell.number > literal->number) - (v->cell.number < literal->number);
    return compare_texts(v->cell.text, v->cell.length, literal->text.data ? literal->text.data : "",
                         literal->text.length);
}

// ASCII only: what the tests hold beyond it is checked by examples.
static bool contains(const dbk_oracle_cell *cell, dbk_text needle)
{
    for (uint32_t at = 0; at + needle.length <= cell->length; at++) {
        uint32_t i = 0;
        while (i < needle.length) {
            char a = cell->text[at + i], b = needle.data[i];
            a = a >= 'A' && a <= 'Z' ? (char)(a + 32) : a;
            b = b >= 'A' && b <= 'Z' ? (char)(b + 32) : b;
            if (a != b)
                break;
            i++;
        }
        if (i == needle.length)
            return true;
    }
    return false;
}

static bool is_missing(const dbk_value *literal, dbk_type type)
{
    return literal->kind == DBK_VALUE_NULL || (!dbk_type_is_int(type) && literal->text.length == 0);
}

static bool passes(const column_value *v, const dbk_filter *f)
{
    if (f->op == DBK_OP_NULL)
        return is_null(v);
    if (f->op == DBK_OP_NOT_NULL)
        return !is_null(v);
    if (f->op == DBK_OP_IN) {
        for (int i = 0; i < f->values_count; i++) {
            if (f->values[i].kind == DBK_VALUE_NULL ? is_null(v)
                                                    : !is_null(v) && compare_literal(v, &f->values[i]) == 0)
                return true;
        }
        return false;
    }
    if (is_null(v))
        return false;
    if (f->op == DBK_OP_WITHIN) {
        for (int i = 0; i < f->values_count; i += 2)
            if (f->values[i].number <= v->cell.number && v->cell.number <= f->values[i + 1].number)
                return true;
        return false;
    }
    if (f->op == DBK_OP_CONTAINS)
        return f->values[0].kind != DBK_VALUE_NULL && contains(&v->cell, f->values[0].text);
    if (is_missing(&f->values[0], v->type))
        return false;
    int order = compare_literal(v, &f->values[0]);
    switch (f->op) {
    case DBK_OP_EQ:
        return order == 0;
    case DBK_OP_NE:
        return order != 0;
    case DBK_OP_LT:
        return order < 0;
    case DBK_OP_LE:
        return order <= 0;
    case DBK_OP_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

static bool row_matches(const dbk_oracle *oracle, const dbk_query *q, const dbk_table_def *table,
                        const dbk_oracle_row *row)
{
    const char *time = q->time_column;
    if (!time && table->time_column >= 0)
        time = table->columns[table->time_column].name;
    if (time && (q->from_ms != DBK_TIME_OPEN_FROM || q->to_ms != DBK_TIME_OPEN_TO)) {
        column_value at = value_of(oracle, table, row, time);
        if (is_null(&at) || (q->from_ms != DBK_TIME_OPEN_FROM && at.cell.number < q->from_ms) ||
            (q->to_ms != DBK_TIME_OPEN_TO && at.cell.number >= q->to_ms))
            return false;
    }
    for (int i = 0; i < q->filters_count; i++) {
        column_value v = value_of(oracle, table, row, q->filters[i].column);
        if (!passes(&v, &q->filters[i]))
            return false;
    }
    return true;
}

// ---- Order ----

enum { FORM_INT, FORM_TEXT, FORM_SUM, FORM_AVERAGE };

typedef struct sorter {
    const dbk_query *query;
    int columns;
    int forms[256];
} sorter;

static int compare_values(const dbk_oracle_value *a, const dbk_oracle_value *b, int form)
{
    if (form == FORM_INT)
        return compare_cells(&a->cell, &b->cell, DBK_INT);
    if (form == FORM_TEXT)
        return compare_cells(&a->cell, &b->cell, DBK_TEXT);
    if (a->count == 0 || b->count == 0)
        return (a->count != 0) - (b->count != 0);
    dbk_i128 x = form == FORM_SUM ? a->sum : a->sum * b->count;
    dbk_i128 y = form == FORM_SUM ? b->sum : b->sum * a->count;
    return (x > y) - (x < y);
}

static int compare_rows(const void *left, const void *right, void *user)
{
    const dbk_oracle_value *a = left, *b = right;
    const sorter *s = user;
    for (int i = 0; i < s->query->order_count; i++) {
        int output = s->query->order[i].output;
        int order = compare_values(&a[output], &b[output], s->forms[output]);
        if (order)
            return s->query->order[i].descending ? -order : order;
    }
    for (int k = 0; k < s->query->keys_count; k++) {
        int order = compare_values(&a[k], &b[k], s->forms[k]);
        if (order)
            return order;
    }
    return 0;
}

static bool after_cursor(const sorter *s, const dbk_oracle_value *row)
{
    for (int i = 0; i < s->query->after_count; i++) {
        int output = s->query->order[i].output;
        dbk_oracle_value at = {.cell = {.number = DBK_NULL}};
        const dbk_value *value = &s->query->after[i];
        if (value->kind == DBK_VALUE_INT) {
            at.cell.number = value->number;
            at.sum = value->number;
            at.count = 1;
        } else if (value->kind == DBK_VALUE_TEXT) {
            set_text(&at.cell, value->text);
        }
        int order = compare_values(&row[output], &at, s->forms[output]);
        if (order)
            return (order > 0) != s->query->order[i].descending;
    }
    return s->query->after_count == 0;
}

static void order_and_cut(const sorter *s, dbk_oracle_answer *answer)
{
    size_t width = (size_t)(s->columns ? s->columns : 1), kept = 0;
    for (size_t i = 0; i < answer->rows; i++)
        if (after_cursor(s, answer->values + i * width))
            memmove(answer->values + kept++ * width, answer->values + i * width,
                    width * sizeof *answer->values);
    answer->rows = kept;
    if (answer->rows && (s->query->order_count || s->query->keys_count))
        qsort_r(answer->values, answer->rows, width * sizeof *answer->values, compare_rows, (void *)s);
    if (s->query->limit && answer->rows > (size_t)s->query->limit)
        answer->rows = (size_t)s->query->limit;
}

// ---- Group queries ----

typedef struct list {
    dbk_oracle_cell *cells;
    size_t count;
} list;

static void list_add(list *seen, const dbk_oracle_cell *cell, dbk_type type)
{
    for (size_t i = 0; i < seen->count; i++)
        if (compare_cells(&seen->cells[i], cell, type) == 0)
            return;
    seen->cells = realloc(seen->cells, (seen->count + 1) * sizeof *seen->cells);
    seen->cells[seen->count++] = *cell;
}

static int form_of(dbk_type type)
{
    return dbk_type_is_int(type) ? FORM_INT : FORM_TEXT;
}

static void add_row(dbk_oracle_value *out, list *seen, const dbk_aggregate *aggregate, const column_value *v)
{
    if (aggregate->kind == DBK_COUNT_ROWS) {
        out->cell.number++;
        return;
    }
    if (is_null(v))
        return;
    int64_t x = v->cell.number;
    switch (aggregate->kind) {
    case DBK_COUNT_VALUES:
        out->cell.number++;
        break;
    case DBK_SUM:
    case DBK_AVERAGE:
        out->sum += x;
        out->count++;
        break;
    case DBK_MIN:
        if (out->cell.number == DBK_NULL || x < out->cell.number)
            out->cell.number = x;
        break;
    case DBK_MAX:
        if (x > out->cell.number)
            out->cell.number = x;
        break;
    default:
        list_add(seen, &v->cell, v->type);
        out->cell.number = (int64_t)seen->count;
        break;
    }
}

typedef struct grouper {
    const dbk_oracle *oracle;
    const dbk_query *query;
    const dbk_table_def *table;
    sorter sort;
    dbk_oracle_answer answer;
    list *seen; // a list for each aggregate of each group
} grouper;

static dbk_oracle_value *find_group(grouper *g, const dbk_oracle_value *keys, size_t *index)
{
    const dbk_query *q = g->query;
    size_t width = (size_t)g->sort.columns;
    for (size_t i = 0; i < g->answer.rows; i++) {
        int k = 0;
        while (k < q->keys_count &&
               compare_values(&g->answer.values[i * width + (size_t)k], &keys[k], g->sort.forms[k]) == 0)
            k++;
        if (k == q->keys_count) {
            *index = i;
            return g->answer.values + i * width;
        }
    }
    *index = g->answer.rows++;
    g->answer.values = realloc(g->answer.values, g->answer.rows * width * sizeof *keys);
    g->seen = realloc(g->seen, (g->answer.rows * (size_t)q->aggregates_count + 1) * sizeof *g->seen);
    dbk_oracle_value *row = g->answer.values + *index * width;
    memset(row, 0, width * sizeof *row);
    for (int k = 0; k < q->keys_count; k++)
        row[k] = keys[k];
    for (int i = 0; i < q->aggregates_count; i++) {
        dbk_aggregate_kind kind = q->aggregates[i].kind;
        g->seen[*index * (size_t)q->aggregates_count + (size_t)i] = (list){0};
        row[q->keys_count + q->fields_count + i].cell.number =
            kind == DBK_MIN || kind == DBK_MAX ? DBK_NULL : 0;
    }
    return row;
}

static void group_row(grouper *g, const dbk_oracle_row *row)
{
    const dbk_query *q = g->query;
    dbk_oracle_value keys[16] = {0};
    size_t index;
    for (int k = 0; k < q->keys_count; k++) {
        keys[k].cell = value_of(g->oracle, g->table, row, q->keys[k].column).cell;
        int64_t end;
        if (!q->keys[k].bucket || keys[k].cell.number == DBK_NULL)
            continue;
        if (q->keys[k].bucket->unit == DBK_UNIT_HOUR_OF_DAY)
            keys[k].cell.number = dbk_civil_from_ms(keys[k].cell.number, q->keys[k].bucket->zone).hour;
        else
            dbk_bucket_span(q->keys[k].bucket, keys[k].cell.number, &keys[k].cell.number, &end);
    }
    dbk_oracle_value *out = find_group(g, keys, &index);
    // Attached fields hang on the keys, so every row of the group gives the same.
    for (int i = 0; i < q->fields_count; i++)
        out[q->keys_count + i].cell = value_of(g->oracle, g->table, row, q->fields[i]).cell;
    for (int i = 0; i < q->aggregates_count; i++) {
        column_value v = {{.number = DBK_NULL}, DBK_INT};
        if (q->aggregates[i].kind != DBK_COUNT_ROWS)
            v = value_of(g->oracle, g->table, row, q->aggregates[i].column);
        add_row(&out[q->keys_count + q->fields_count + i],
                &g->seen[index * (size_t)q->aggregates_count + (size_t)i], &q->aggregates[i], &v);
    }
}

static void group_all(grouper *g)
{
    const dbk_query *q = g->query;
    size_t index;
    const dbk_oracle_table *rows = &g->oracle->tables[g->table->id];
    int at = 0;
    for (int k = 0; k < q->keys_count; k++)
        g->sort.forms[at++] = form_of(value_of(g->oracle, g->table, NULL, q->keys[k].column).type);
    for (int i = 0; i < q->fields_count; i++)
        g->sort.forms[at++] = form_of(value_of(g->oracle, g->table, NULL, q->fields[i]).type);
    for (int i = 0; i < q->aggregates_count; i++)
        g->sort.forms[at++] = q->aggregates[i].kind == DBK_SUM       ? FORM_SUM
                              : q->aggregates[i].kind == DBK_AVERAGE ? FORM_AVERAGE
                                                                     : FORM_INT;
    g->sort.columns = g->answer.columns = at;
    if (q->keys_count == 0)
        find_group(g, NULL, &index);
    for (size_t i = 0; i < rows->count; i++)
        if (row_matches(g->oracle, q, g->table, rows->rows[i]))
            group_row(g, rows->rows[i]);
    for (int64_t ms = q->from_ms; q->fill && ms < q->to_ms;) {
        dbk_oracle_value key = {0};
        dbk_bucket_span(q->keys[0].bucket, ms, &key.cell.number, &ms);
        find_group(g, &key, &index);
    }
}

dbk_oracle_answer dbk_oracle_run(const dbk_oracle *oracle, const dbk_query *query)
{
    grouper g = {.oracle = oracle,
                 .query = query,
                 .table = dbk_table_def_by_name(dbk_text_from(query->table)),
                 .sort = {.query = query}};
    if (query->keys_count || query->aggregates_count) {
        group_all(&g);
        for (size_t i = 0; i < g.answer.rows * (size_t)query->aggregates_count; i++)
            free(g.seen[i].cells);
        free(g.seen);
    } else {
        const dbk_oracle_table *rows = &oracle->tables[g.table->id];
        size_t width = (size_t)(query->fields_count ? query->fields_count : 1);
        g.sort.columns = g.answer.columns = query->fields_count;
        g.answer.values = calloc(rows->count * width + 1, sizeof *g.answer.values);
        for (size_t i = 0; i < rows->count; i++) {
            if (!row_matches(oracle, query, g.table, rows->rows[i]))
                continue;
            for (int f = 0; f < query->fields_count; f++) {
                column_value v = value_of(oracle, g.table, rows->rows[i], query->fields[f]);
                g.answer.values[g.answer.rows * width + (size_t)f].cell = v.cell;
                g.sort.forms[f] = form_of(v.type);
            }
            g.answer.rows++;
        }
    }
    order_and_cut(&g.sort, &g.answer);
    return g.answer;
}
