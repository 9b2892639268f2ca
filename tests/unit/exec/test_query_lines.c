// SPDX-License-Identifier: Apache-2.0
// Lines grouped by what they sell: different orders are counted exactly whether the lines of an order stand
// together, as they mostly do, or not, and many groups come in the order that is asked for. Lines are
// filtered by what their orders say.
#include "tests/unit/exec/order_rows.h"

enum { ORDERS = 5000, LINES_MAX = 20000, PRODUCTS = 700, QUANTITIES = 9, LOST = 40 };

typedef struct line {
    int order, product, quantity; // product -1: none; orders from ORDERS on are in no table
    int64_t at, total, deposit;   // deposit DBK_NULL: none
} line;

static line lines[LINES_MAX];
static char line_ids[LINES_MAX][16], order_ids[ORDERS + LOST][16], product_ids[PRODUCTS][16];
static uint32_t lines_count;
static order_row orders[ORDERS];
static const char *const methods[] = {"card", "cash", "paypal", NULL};

static void load_lines(world *w, const uint32_t *which, uint32_t count)
{
    dbk_batch b = {.table = dbk_table_def_by_id(DBK_ORDER_LINES), .rows = count};
    dbk_error err = {0};
    dbk_apply_report report;
    enum { ID, ORDER, AT, PRODUCT, QUANTITY = 6, TOTAL = 9, DEPOSIT };
    b.columns[ID].texts = dbk_arena_alloc(&b.arena, count * sizeof(dbk_text));
    b.columns[ORDER].texts = dbk_arena_alloc(&b.arena, count * sizeof(dbk_text));
    b.columns[AT].ints = dbk_arena_alloc(&b.arena, count * sizeof(int64_t));
    b.columns[QUANTITY].ints = dbk_arena_alloc(&b.arena, count * sizeof(int64_t));
    b.columns[TOTAL].ints = dbk_arena_alloc(&b.arena, count * sizeof(int64_t));
    b.columns[DEPOSIT].ints = dbk_arena_alloc(&b.arena, count * sizeof(int64_t));
    b.columns[PRODUCT].codes = dbk_arena_alloc(&b.arena, count * sizeof(uint32_t));
    b.columns[PRODUCT].words = dbk_arena_zalloc(&b.arena, (PRODUCTS + 1) * sizeof(dbk_text));
    b.columns[PRODUCT].words_count = PRODUCTS + 1;
    for (int p = 0; p < PRODUCTS; p++)
        b.columns[PRODUCT].words[p + 1] = dbk_text_from(product_ids[p]);
    for (uint32_t i = 0; i < count; i++) {
        const line *l = &lines[which[i]];
        b.columns[ID].texts[i] = dbk_text_from(line_ids[which[i]]);
        b.columns[ORDER].texts[i] = dbk_text_from(order_ids[l->order]);
        b.columns[AT].ints[i] = l->at;
        b.columns[PRODUCT].codes[i] = (uint32_t)(l->product + 1);
        b.columns[QUANTITY].ints[i] = l->quantity;
        b.columns[TOTAL].ints[i] = l->total;
        b.columns[DEPOSIT].ints[i] = l->deposit;
    }
    if (dbk_db_apply(w->db, world_tenant(), &b, &report, &err) != DBK_OK)
        fail_msg("%s", err.message);
    assert_int_equal(report.rejected_count, 0);
    free(report.rejected_rows);
    dbk_batch_dispose(&b);
}

static int64_t time_of(int order)
{
    return WORLD_FROM + order * INT64_C(60000);
}

static void sell_something(dbk_random *r, line *l)
{
    l->product = below(r, 30) ? (int)below(r, below(r, 3) ? PRODUCTS : 12) : -1;
    l->quantity = (int)below(r, QUANTITIES);
    l->total = (int64_t)below(r, 300) * 100;
    l->deposit = below(r, 4) ? DBK_NULL : (int64_t)below(r, 50) * 100 - 1000;
}

static void make_lines(dbk_random *r)
{
    lines_count = 0;
    for (int order = 0; order < ORDERS + LOST; order++) {
        const uint64_t most = below(r, 400) ? 5 : 60;
        for (uint64_t n = below(r, most + 1); n > 0 && lines_count < LINES_MAX; n--) {
            line *l = &lines[lines_count];
            l->order = below(r, 80) ? order : (int)below(r, ORDERS);
            l->at = time_of(order) + (below(r, 60) ? 0 : (int64_t)below(r, 100 * DBK_MS_HOUR));
            sell_something(r, l);
            snprintf(line_ids[lines_count], sizeof line_ids[0], "l%u", lines_count);
            lines_count++;
        }
    }
}

static void load_all(dbk_random *r, world *w)
{
    static order_row changed_orders[ORDERS];
    static uint32_t which[LINES_MAX];
    for (int i = 0; i < PRODUCTS; i++)
        snprintf(product_ids[i], sizeof product_ids[i], "p%d", i);
    for (int i = 0; i < ORDERS + LOST; i++)
        snprintf(order_ids[i], sizeof order_ids[i], "o%d", i);
    for (int i = 0; i < ORDERS; i++)
        orders[i] = (order_row){order_ids[i], time_of(i), "NEW", methods[below(r, DBK_COUNT(methods))],
                                below(r, 5) ? DBK_NULL : (int64_t)below(r, 1000) * 100};
    world_open(w, 512u << below(r, 4));
    load_orders(w, orders, ORDERS);
    dbk_read_end(w->db, &w->read);
    make_lines(r);
    for (uint32_t i = 0; i < lines_count; i++)
        which[i] = i;
    load_lines(w, which, lines_count);
    // Lines that change stand elsewhere from then on; so do orders, which their lines have to be led to anew.
    uint32_t changed = 0;
    for (uint32_t i = 0; i < lines_count; i++)
        if (below(r, 25) == 0) {
            sell_something(r, &lines[i]);
            which[changed++] = i;
        }
    load_lines(w, which, changed);
    uint32_t again = 0;
    for (int i = 0; i < ORDERS; i++)
        if (below(r, 30) == 0) {
            orders[i].method = methods[below(r, DBK_COUNT(methods))];
            orders[i].tip = below(r, 3) ? DBK_NULL : (int64_t)below(r, 1000) * 100;
            changed_orders[again++] = orders[i];
        }
    load_orders(w, changed_orders, again); // begins a read
}

// ---- What a plain loop finds ----

typedef struct found {
    int64_t rows, orders, quantity, deposits, deposit;
} found;

static int key_of(const line *l, bool by_quantity)
{
    return by_quantity ? l->quantity : l->product + 1;
}

static void count_plainly(bool by_quantity, int64_t from, found *groups)
{
    static bool met[PRODUCTS + 1][ORDERS + LOST];
    memset(met, 0, sizeof met);
    memset(groups, 0, (PRODUCTS + 1) * sizeof *groups);
    for (uint32_t i = 0; i < lines_count; i++) {
        const line *l = &lines[i];
        found *g = &groups[key_of(l, by_quantity)];
        if (l->at < from)
            continue;
        g->rows++;
        g->orders += !met[key_of(l, by_quantity)][l->order];
        met[key_of(l, by_quantity)][l->order] = true;
        g->quantity += l->quantity;
        g->deposits += l->deposit != DBK_NULL;
        g->deposit += l->deposit == DBK_NULL ? 0 : l->deposit;
    }
}

// Numbers, of which "none" is the least; then keys.
static int compare_in_order(const found *x, const found *y, int by)
{
    if (by == 3 && (x->deposits == 0 || y->deposits == 0))
        return (x->deposits > 0) - (y->deposits > 0);
    const int64_t a[] = {x->rows, x->orders, x->quantity, x->deposit};
    const int64_t b[] = {y->rows, y->orders, y->quantity, y->deposit};
    return (a[by] > b[by]) - (a[by] < b[by]);
}

enum { KEY, ROWS, DISTINCT, QUANTITY_SUM, DEPOSIT_SUM };

static int row_key(const dbk_result *result, size_t row, bool by_quantity)
{
    if (by_quantity)
        return (int)dbk_result_int(result, row, KEY);
    const dbk_text text = dbk_result_text(result, row, KEY);
    return text.length ? atoi(text.data + 1) + 1 : 0;
}

static void assert_in_order(const dbk_result *result, size_t row, const found *groups, bool by_quantity,
                            int by, bool descending)
{
    const int x = row_key(result, row - 1, by_quantity), y = row_key(result, row, by_quantity);
    const int order = compare_in_order(&groups[x], &groups[y], by);
    if (order != 0)
        assert_true(descending ? order > 0 : order < 0);
    else if (by_quantity)
        assert_true(x < y);
    else
        assert_true(
            dbk_text_compare(dbk_result_text(result, row - 1, KEY), dbk_result_text(result, row, KEY)) < 0);
}

static void assert_answer(const dbk_result *result, const found *groups, bool by_quantity, int by,
                          bool descending, size_t limit)
{
    size_t expected = 0;
    for (int g = 0; g <= PRODUCTS; g++)
        expected += groups[g].rows > 0;
    assert_int_equal(dbk_result_rows(result), limit && limit < expected ? limit : expected);
    for (size_t row = 0; row < dbk_result_rows(result); row++) {
        const found *g = &groups[row_key(result, row, by_quantity)];
        assert_int_equal(dbk_result_int(result, row, ROWS), g->rows);
        assert_int_equal(dbk_result_int(result, row, DISTINCT), g->orders);
        assert_true(dbk_result_sum(result, row, QUANTITY_SUM) == g->quantity);
        assert_int_equal(dbk_result_is_null(result, row, DEPOSIT_SUM), g->deposits == 0);
        if (g->deposits)
            assert_true(dbk_result_sum(result, row, DEPOSIT_SUM) == g->deposit);
        if (row > 0)
            assert_in_order(result, row, groups, by_quantity, by, descending);
    }
}

static void orders_of_lines_are_counted_exactly(void **state)
{
    static const dbk_group_key keys[] = {{"product_id", NULL}, {"quantity", NULL}};
    static const dbk_aggregate aggregates[] = {{DBK_COUNT_ROWS, NULL},
                                               {DBK_COUNT_DISTINCT, "order_id"},
                                               {DBK_SUM, "quantity"},
                                               {DBK_SUM, "deposit"}};
    static found groups[PRODUCTS + 1];
    (void)state;
    dbk_random r = dbk_test_random("orders of lines");
    world w;
    load_all(&r, &w);
    for (int turn = 0; turn < 32; turn++) {
        const bool by_quantity = turn % 4 == 3;
        const int by = (int)below(&r, 4);
        const dbk_order order = {.output = ROWS + by, .descending = below(&r, 2)};
        dbk_query q = open_orders;
        q.table = "order_lines";
        q.keys = &keys[by_quantity];
        q.keys_count = 1;
        q.aggregates = aggregates;
        q.aggregates_count = DBK_COUNT(aggregates);
        q.order = &order;
        q.order_count = 1;
        q.limit = below(&r, 3) ? 0 : 1 + (int64_t)below(&r, PRODUCTS);
        q.threads = 1 + turn % 3;
        if (below(&r, 2))
            q.from_ms = time_of((int)below(&r, ORDERS));
        count_plainly(by_quantity, q.from_ms, groups);
        dbk_result *result = run(&w, world_tenant(), &q);
        assert_answer(result, groups, by_quantity, by, order.descending, (size_t)q.limit);
        dbk_result_free(result);
    }
    world_close(&w);
}

// ---- What is asked of their orders ----

enum { FAR_FILTERS = 8 };

// Filters on the orders of lines, and whether a line passes.
static bool passes(const line *l, int filter, int64_t number, const char *method)
{
    const order_row *o = l->order < ORDERS ? &orders[l->order] : NULL;
    const int64_t tip = o ? o->tip : DBK_NULL, at = o ? o->at : DBK_NULL;
    const char *own = o ? o->method : NULL;
    switch (filter) {
    case 0:
        return own && strcmp(own, method) == 0;
    case 1:
        return own && strcmp(own, method) != 0;
    case 2:
        return !own;
    case 3:
        return own;
    case 4:
        return tip == DBK_NULL;
    case 5:
        return tip != DBK_NULL;
    case 6:
        return tip != DBK_NULL && tip < number;
    default:
        return at != DBK_NULL && at >= number;
    }
}

static dbk_filter far_filter(int filter, const dbk_value *number, const dbk_value *method)
{
    static const dbk_op ops[FAR_FILTERS] = {DBK_OP_EQ,   DBK_OP_NE,       DBK_OP_NULL, DBK_OP_NOT_NULL,
                                            DBK_OP_NULL, DBK_OP_NOT_NULL, DBK_OP_LT,   DBK_OP_GE};
    const bool unary = ops[filter] == DBK_OP_NULL || ops[filter] == DBK_OP_NOT_NULL;
    return (dbk_filter){.column = filter < 4   ? "order_id.payment_method"
                                  : filter < 7 ? "order_id.tip"
                                               : "order_id.created_at",
                        .op = ops[filter],
                        .values = unary        ? NULL
                                  : filter < 4 ? method
                                               : number,
                        .values_count = !unary};
}

// Of many lines or few, of orders that mostly stand together.
static void lines_are_filtered_by_their_orders(void **state)
{
    static const dbk_aggregate aggregates[] = {{DBK_COUNT_ROWS, NULL}, {DBK_SUM, "total"}};
    (void)state;
    dbk_random r = dbk_test_random("lines by their orders");
    world w;
    load_all(&r, &w);
    for (int turn = 0; turn < 120; turn++) {
        const int first = (int)below(&r, FAR_FILTERS), second = (int)below(&r, FAR_FILTERS);
        const int product = below(&r, 2) ? (int)below(&r, 12) : -1;
        const dbk_value method = {.kind = DBK_VALUE_TEXT, .text = dbk_text_from(methods[below(&r, 3)])};
        const int64_t time = time_of((int)below(&r, ORDERS)), tip = (int64_t)below(&r, 1000) * 100;
        const dbk_value time_value = {.kind = DBK_VALUE_INT, .number = time};
        const dbk_value tip_value = {.kind = DBK_VALUE_INT, .number = tip};
        const dbk_value product_value = {.kind = DBK_VALUE_TEXT,
                                         .text = dbk_text_from(product_ids[product < 0 ? 0 : product])};
        const dbk_filter filters[] = {
            far_filter(first, first == 7 ? &time_value : &tip_value, &method),
            far_filter(second, second == 7 ? &time_value : &tip_value, &method),
            {.column = "product_id", .op = DBK_OP_EQ, .values = &product_value, .values_count = 1}};
        dbk_query q = open_orders;
        q.table = "order_lines";
        q.filters = filters;
        q.filters_count = product < 0 ? 2 : 3;
        q.aggregates = aggregates;
        q.aggregates_count = DBK_COUNT(aggregates);
        q.threads = 1 + turn % 3;
        int64_t rows = 0, total = 0;
        for (uint32_t i = 0; i < lines_count; i++) {
            const line *l = &lines[i];
            if (!passes(l, first, first == 7 ? time : tip, method.text.data) ||
                !passes(l, second, second == 7 ? time : tip, method.text.data) ||
                (product >= 0 && l->product != product))
                continue;
            rows++;
            total += l->total;
        }
        dbk_result *result = run(&w, world_tenant(), &q);
        assert_int_equal(dbk_result_int(result, 0, 0), rows);
        if (rows > 0)
            assert_true(dbk_result_sum(result, 0, 1) == total);
        dbk_result_free(result);
    }
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(orders_of_lines_are_counted_exactly),
                                       cmocka_unit_test(lines_are_filtered_by_their_orders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
