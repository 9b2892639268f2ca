// SPDX-License-Identifier: Apache-2.0
// Random questions about a random company.
#ifndef DBK_TEST_RANDOM_QUESTION_H
#define DBK_TEST_RANDOM_QUESTION_H

#include "engine/base/zone.h"
#include "tests/unit/exec/query_world.h"

enum { LIST = 8 };

// A query and what it points to.
typedef struct question {
    dbk_query query;
    dbk_filter filters[LIST];
    dbk_value values[LIST][LIST];
    dbk_group_key keys[LIST];
    dbk_bucket buckets[LIST];
    const char *fields[LIST];
    dbk_aggregate aggregates[LIST];
    dbk_order order[LIST];
    dbk_value after[LIST];
    dbk_arena arena;
} question;

typedef struct path_name {
    dbk_table_id table;
    const char *path;
    dbk_type type;
} path_name;

static const path_name far_paths[] = {
    {DBK_ORDERS, "customer_id.name", DBK_TEXT},
    {DBK_ORDERS, "customer_id.created_at", DBK_TIME},
    {DBK_ORDER_LINES, "product_id.category_id", DBK_CODE},
    {DBK_ORDER_LINES, "product_id.category_id.name", DBK_TEXT},
    {DBK_ORDER_LINES, "product_id.price", DBK_MONEY},
    {DBK_ORDER_LINES, "order_id.status", DBK_CODE},
    {DBK_ORDER_LINES, "order_id.customer_id.name", DBK_TEXT},
    {DBK_ORDER_LINES, "order_id.created_at", DBK_TIME},
    {DBK_PAYMENTS, "line_id.order_id", DBK_TEXT},
    {DBK_PAYMENTS, "line_id.order_id.total", DBK_MONEY},
    {DBK_PAYMENTS, "order_id.currency", DBK_CODE},
    {DBK_PRODUCTS, "category_id.name", DBK_TEXT},
};

static inline const path_name *pick_column(dbk_random *r, const dbk_table_def *table)
{
    static path_name picked[64];
    static int at;
    if (below(r, 4) == 0) {
        const path_name *far = &far_paths[below(r, DBK_COUNT(far_paths))];
        if (far->table == table->id)
            return far;
    }
    const dbk_column_def *column = &table->columns[below(r, (uint64_t)table->columns_count)];
    at = (at + 1) % 64;
    picked[at] = (path_name){table->id, column->name, column->type};
    return &picked[at];
}

static inline const path_name *pick_int(dbk_random *r, const dbk_table_def *table)
{
    for (int i = 0; i < 40; i++) {
        const path_name *column = pick_column(r, table);
        if (dbk_type_is_int(column->type))
            return column;
    }
    return NULL;
}

static inline dbk_value random_value(dbk_random *r, const world *w, question *q, const path_name *column,
                                     bool null)
{
    if (null && below(r, 6) == 0)
        return (dbk_value){0};
    if (dbk_type_is_int(column->type))
        return (dbk_value){.kind = DBK_VALUE_INT, .number = world_int(r, w, column->type)};
    dbk_text text;
    const char *last = strrchr(column->path, '.');
    last = last ? last + 1 : column->path;
    if (strcmp(last, "id") == 0)
        text = world_id(&q->arena, column->table, below(r, (uint64_t)world_keys(column->table)));
    else if (strcmp(last, "order_id") == 0)
        text = world_id(&q->arena, DBK_ORDERS, below(r, 2100));
    else if (strcmp(last, "customer_id") == 0)
        text = world_reference(r, &q->arena, DBK_DOMAIN_CUSTOMER);
    else if (strcmp(last, "product_id") == 0)
        text = world_reference(r, &q->arena, DBK_DOMAIN_PRODUCT);
    else if (strcmp(last, "category_id") == 0)
        text = world_reference(r, &q->arena, DBK_DOMAIN_CATEGORY);
    else if (strcmp(last, "kind") == 0)
        text = dbk_text_from(below(r, 2) ? "pos" : "refund");
    else if (column->type == DBK_CODE)
        text = world_text(&q->arena, "Word", below(r, 6));
    else
        text = world_text(&q->arena, below(r, 2) ? "Anna " : "bert", below(r, 13));
    if (below(r, 40) == 0)
        text.length = 0;
    return (dbk_value){.kind = DBK_VALUE_TEXT, .text = text};
}

static inline int by_number(const void *a, const void *b)
{
    int64_t x = ((const dbk_value *)a)->number, y = ((const dbk_value *)b)->number;
    return (x > y) - (x < y);
}

// Of random values those that make intervals: ascending, each once, two by two.
static inline void make_intervals(dbk_filter *f, dbk_value *values)
{
    int count = 0;
    qsort(values, (size_t)f->values_count, sizeof *values, by_number);
    for (int i = 0; i < f->values_count; i++)
        if (values[i].kind == DBK_VALUE_INT && values[i].number != DBK_NULL &&
            (count == 0 || values[count - 1].number < values[i].number))
            values[count++] = values[i];
    f->values_count = count / 2 * 2;
}

static inline void add_filter(dbk_random *r, const world *w, question *q, const dbk_table_def *table)
{
    int at = q->query.filters_count;
    const path_name *column = pick_column(r, table);
    dbk_filter *f = &q->filters[at];
    *f = (dbk_filter){.column = column->path, .values = q->values[at], .values_count = 1};
    f->op = (dbk_op)below(r, DBK_OP_WITHIN + 1);
    if (f->op == DBK_OP_WITHIN && !dbk_type_is_int(column->type))
        f->op = DBK_OP_IN;
    if (f->op == DBK_OP_CONTAINS && dbk_type_is_int(column->type))
        f->op = DBK_OP_GE;
    if (f->op == DBK_OP_NULL || f->op == DBK_OP_NOT_NULL)
        f->values_count = 0;
    if (f->op == DBK_OP_IN || f->op == DBK_OP_WITHIN)
        f->values_count = (int)below(r, LIST);
    for (int i = 0; i < f->values_count; i++)
        q->values[at][i] = random_value(r, w, q, column, true);
    if (f->op == DBK_OP_WITHIN)
        make_intervals(f, q->values[at]);
    if (f->op == DBK_OP_CONTAINS && q->values[at][0].kind == DBK_VALUE_TEXT && below(r, 2))
        q->values[at][0].text =
            below(r, 2) ? (dbk_text)DBK_TEXT("NNA 1") : (dbk_text){"wORD", (uint32_t)below(r, 5)};
    q->query.filters_count++;
}

static inline dbk_bucket random_bucket(dbk_random *r)
{
    static const dbk_zone *berlin;
    dbk_error err;
    if (!berlin && dbk_zone_load("Europe/Berlin", &berlin, &err) != DBK_OK)
        fail_msg("%s", err.message);
    dbk_bucket bucket = {.unit = (dbk_unit)below(r, DBK_UNIT_HOUR_OF_DAY + 1), .count = 1};
    if (bucket.unit == DBK_UNIT_MINUTE)
        bucket.count = 15 + (int)below(r, 600);
    if (bucket.unit == DBK_UNIT_HOUR)
        bucket.count = 1 + (int)below(r, 24);
    if (below(r, 2))
        bucket.zone = berlin;
    if (bucket.unit != DBK_UNIT_HOUR_OF_DAY && below(r, 3) == 0)
        bucket.day_start_minutes = (int)below(r, 1440);
    return bucket;
}

static inline void random_range(dbk_random *r, question *q, const dbk_table_def *table)
{
    q->query.from_ms = DBK_TIME_OPEN_FROM;
    q->query.to_ms = DBK_TIME_OPEN_TO;
    if (table->time_column < 0 || below(r, 3) == 0)
        return;
    uint64_t span = WORLD_DAYS * (uint64_t)DBK_MS_DAY;
    if (below(r, 4))
        q->query.from_ms = WORLD_FROM + (int64_t)below(r, span);
    if (below(r, 4))
        q->query.to_ms = WORLD_FROM + (int64_t)below(r, span + DBK_MS_DAY);
    if (below(r, 6) == 0 && table->id == DBK_ORDERS)
        q->query.time_column = below(r, 2) ? "completed_at" : "customer_id.created_at";
}

static inline void group_question(dbk_random *r, question *q, const dbk_table_def *table)
{
    dbk_query *query = &q->query;
    query->keys_count = (int)below(r, 4);
    for (int i = 0; i < query->keys_count; i++) {
        const path_name *column = pick_column(r, table);
        q->keys[i].column = column->path;
        if (column->type == DBK_TIME && below(r, 4)) {
            q->buckets[i] = random_bucket(r);
            q->keys[i].bucket = &q->buckets[i];
        } else if (table->time_column >= 0 && below(r, 4) == 0) {
            q->keys[i].column = table->columns[table->time_column].name;
            q->buckets[i] = random_bucket(r);
            q->keys[i].bucket = &q->buckets[i];
        } else if (column->type == DBK_CODE && below(r, 2) && strcmp(column->path, "customer_id") == 0) {
            q->fields[query->fields_count++] = below(r, 2) ? "customer_id.name" : "customer_id.created_at";
        } else if (column->type == DBK_CODE && below(r, 2) && strcmp(column->path, "product_id") == 0) {
            q->fields[query->fields_count++] = "product_id.category_id.name";
        }
    }
    query->aggregates_count = (int)below(r, 5) + (query->keys_count == 0);
    for (int i = 0; i < query->aggregates_count; i++) {
        dbk_aggregate *a = &q->aggregates[i];
        a->kind = (dbk_aggregate_kind)below(r, DBK_COUNT_DISTINCT + 1);
        bool counts = a->kind == DBK_COUNT_VALUES || a->kind == DBK_COUNT_DISTINCT;
        const path_name *column = counts ? pick_column(r, table) : pick_int(r, table);
        if (!column)
            a->kind = DBK_COUNT_ROWS;
        else
            a->column = column->path;
    }
    query->fill = query->keys_count == 1 && q->keys[0].bucket &&
                  q->keys[0].bucket->unit != DBK_UNIT_HOUR_OF_DAY && query->from_ms != DBK_TIME_OPEN_FROM &&
                  query->to_ms != DBK_TIME_OPEN_TO && below(r, 2);
    int outputs = query->keys_count + query->fields_count + query->aggregates_count;
    if (below(r, 2))
        query->order_count = 1 + (int)below(r, 2);
    for (int i = 0; i < query->order_count; i++)
        q->order[i] = (dbk_order){(int)below(r, (uint64_t)outputs), below(r, 2)};
    if (below(r, 3) == 0)
        query->limit = 1 + (int64_t)below(r, 30);
}

static inline void row_question(dbk_random *r, const world *w, question *q, const dbk_table_def *table)
{
    dbk_query *query = &q->query;
    const path_name *columns[LIST];
    query->fields_count = 1 + (int)below(r, 5);
    for (int i = 0; i < query->fields_count; i++) {
        columns[i] = pick_column(r, table);
        q->fields[i] = columns[i]->path;
    }
    // The id ends the order, so that it is total and cuts can be compared.
    q->fields[query->fields_count] = "id";
    int id = query->fields_count++;
    query->order_count = 1 + (int)below(r, 3);
    for (int i = 0; i < query->order_count; i++)
        q->order[i] = (dbk_order){(int)below(r, (uint64_t)id), below(r, 2)};
    q->order[query->order_count - 1].output = id;
    if (below(r, 2))
        query->limit = 1 + (int64_t)below(r, 50);
    if (below(r, 2))
        return;
    query->after_count = query->order_count;
    for (int i = 0; i < query->order_count - 1; i++)
        q->after[i] = random_value(r, w, q, columns[q->order[i].output], true);
    path_name id_column = {table->id, "id", DBK_TEXT};
    q->after[query->order_count - 1] = random_value(r, w, q, &id_column, false);
}

// Of all rows, by nothing, with room for whatever is asked.
static inline dbk_query *begin_report(dbk_random *r, question *q, const char *table)
{
    memset(q, 0, sizeof *q);
    q->query = (dbk_query){.table = table,
                           .from_ms = DBK_TIME_OPEN_FROM,
                           .to_ms = DBK_TIME_OPEN_TO,
                           .filters = q->filters,
                           .keys = q->keys,
                           .fields = q->fields,
                           .aggregates = q->aggregates,
                           .order = q->order,
                           .threads = below(r, 2) ? 3 : 1};
    return &q->query;
}

// What reports ask, so that rollups often have the answer: orders or payments by buckets and dimensions.
static inline void report_question(dbk_random *r, const world *w, question *q)
{
    static const char *const dims[][4] = {{"status", "currency", "kind", "payment_method"},
                                          {"status", "currency", "kind", "method"}};
    static const char *const measures[] = {"total", "subtotal", "tip", "tax"};
    static const dbk_value words[] = {{.kind = DBK_VALUE_TEXT, .text = {"Word1", 5}},
                                      {.kind = DBK_VALUE_TEXT, .text = {"pos", 3}},
                                      {.kind = DBK_VALUE_NULL}};
    int of = below(r, 4) == 0;
    uint64_t width = 2 + below(r, 3);
    dbk_query *query = begin_report(r, q, of ? "payments" : "orders");
    dbk_bucket bucket = {.unit = (dbk_unit)(DBK_UNIT_HOUR + below(r, 6)), .count = 1};
    dbk_error err;
    if (dbk_zone_load(below(r, 4) ? w->zone : world_zone(r), &bucket.zone, &err) != DBK_OK)
        fail_msg("%s", err.message);
    if (bucket.unit == DBK_UNIT_HOUR)
        bucket.count = 1 + (int)below(r, 12);
    if (below(r, 6) == 0)
        bucket.day_start_minutes = below(r, 2) ? 420 : (int)below(r, 1440);
    // Mostly whole days, months or hours, as in reports; sometimes up to any instant.
    dbk_bucket aligned = bucket;
    aligned.unit = (dbk_unit)(DBK_UNIT_HOUR + below(r, 4));
    aligned.count = 1;
    int64_t span = WORLD_DAYS * (int64_t)DBK_MS_DAY, end;
    int64_t from = WORLD_FROM - DBK_MS_DAY + (int64_t)below(r, (uint64_t)span);
    int64_t to = from + (int64_t)below(r, (uint64_t)span);
    if (below(r, 4))
        dbk_bucket_span(&aligned, from, &from, &end);
    if (below(r, 4))
        dbk_bucket_span(&aligned, to, &end, &to);
    if (below(r, 5))
        query->from_ms = from;
    if (below(r, 5))
        query->to_ms = to;
    if (below(r, 3)) {
        q->buckets[0] = bucket;
        q->keys[query->keys_count++] = (dbk_group_key){"created_at", &q->buckets[0]};
    }
    for (uint64_t i = below(r, 4); i > 0; i--)
        q->keys[query->keys_count++].column = dims[of][below(r, width)];
    for (uint64_t i = below(r, 3); i > 0; i--) {
        dbk_filter *f = &q->filters[query->filters_count++];
        *f = (dbk_filter){.column = dims[of][below(r, width)], .values = words, .values_count = 1};
        f->op = below(r, 2) ? DBK_OP_IN : DBK_OP_NE;
        if (f->op == DBK_OP_IN)
            f->values_count = 1 + (int)below(r, DBK_COUNT(words));
    }
    query->aggregates_count = 1 + (int)below(r, 3);
    for (int i = 0; i < query->aggregates_count; i++) {
        dbk_aggregate *a = &q->aggregates[i];
        static const dbk_aggregate_kind kinds[] = {DBK_COUNT_ROWS, DBK_SUM, DBK_AVERAGE, DBK_COUNT_VALUES};
        a->kind = kinds[below(r, DBK_COUNT(kinds))];
        a->column = of ? "amount" : measures[below(r, 4) ? 0 : below(r, DBK_COUNT(measures))];
    }
    query->fill = query->keys_count == 1 && q->keys[0].bucket && query->from_ms != DBK_TIME_OPEN_FROM &&
                  query->to_ms != DBK_TIME_OPEN_TO && below(r, 2);
    if (below(r, 2)) {
        query->order_count = 1;
        q->order[0] =
            (dbk_order){(int)below(r, (uint64_t)(query->keys_count + query->aggregates_count)), below(r, 2)};
    }
    if (below(r, 3) == 0)
        query->limit = 1 + (int64_t)below(r, 30);
}

// Orders by customer, as lists of the best customers ask: mostly of whole months.
static inline void customers_question(dbk_random *r, const world *w, question *q)
{
    static const dbk_value words[] = {{.kind = DBK_VALUE_TEXT, .text = {"Word1", 5}},
                                      {.kind = DBK_VALUE_NULL}};
    static const dbk_aggregate aggregates[] = {
        {DBK_COUNT_ROWS, NULL}, {DBK_SUM, "total"}, {DBK_MAX, "created_at"}, {DBK_AVERAGE, "total"}};
    dbk_query *query = begin_report(r, q, "orders");
    dbk_bucket unit = {.unit = below(r, 3)   ? DBK_UNIT_MONTH
                               : below(r, 2) ? DBK_UNIT_YEAR
                                             : DBK_UNIT_DAY,
                       .count = 1};
    dbk_error err;
    if (dbk_zone_load(w->zone, &unit.zone, &err) != DBK_OK)
        fail_msg("%s", err.message);
    int64_t span = WORLD_DAYS * (int64_t)DBK_MS_DAY, end;
    int64_t from = WORLD_FROM - DBK_MS_DAY + (int64_t)below(r, (uint64_t)span);
    int64_t to = below(r, 2) ? from : from + (int64_t)below(r, (uint64_t)span);
    dbk_bucket_span(&unit, from, &from, &end);
    dbk_bucket_span(&unit, to, &end, &to);
    if (below(r, 4))
        query->from_ms = from;
    if (below(r, 4))
        query->to_ms = to;
    q->keys[query->keys_count++].column = "customer_id";
    if (below(r, 4) == 0)
        q->keys[query->keys_count++].column = "currency";
    if (below(r, 2))
        q->fields[query->fields_count++] = "customer_id.name";
    if (below(r, 2))
        q->filters[query->filters_count++] = (dbk_filter){.column = "customer_id", .op = DBK_OP_NOT_NULL};
    if (below(r, 2))
        q->filters[query->filters_count++] =
            (dbk_filter){.column = "currency",
                         .op = DBK_OP_IN,
                         .values = words,
                         .values_count = 1 + (int)below(r, DBK_COUNT(words))};
    query->aggregates_count = 1 + (int)below(r, DBK_COUNT(aggregates));
    uint64_t first = below(r, DBK_COUNT(aggregates));
    for (int i = 0; i < query->aggregates_count; i++)
        q->aggregates[i] = aggregates[(first + (uint64_t)i) % DBK_COUNT(aggregates)];
    int outputs = query->keys_count + query->fields_count + query->aggregates_count;
    query->order_count = (int)below(r, 3);
    for (int i = 0; i < query->order_count; i++)
        q->order[i] =
            (dbk_order){outputs - 1 - (int)below(r, (uint64_t)query->aggregates_count), below(r, 4) != 0};
    if (below(r, 3))
        query->limit = 1 + (int64_t)below(r, 20);
}

// Dispose of its arena.
static inline void random_question(dbk_random *r, const world *w, question *q)
{
    memset(q, 0, sizeof *q);
    // Facts more often.
    const dbk_table_def *table =
        dbk_table_def_by_id((int)world_tables[below(r, below(r, 3) ? 3 : DBK_COUNT(world_tables))]);
    q->query = (dbk_query){.table = table->name,
                           .filters = q->filters,
                           .keys = q->keys,
                           .fields = q->fields,
                           .aggregates = q->aggregates,
                           .order = q->order,
                           .after = q->after};
    random_range(r, q, table);
    for (uint64_t i = below(r, 4); i > 0; i--)
        add_filter(r, w, q, table);
    if (below(r, 4))
        group_question(r, q, table);
    else
        row_question(r, w, q, table);
    q->query.threads = below(r, 2) ? 3 : 1;
}

#endif
