// SPDX-License-Identifier: Apache-2.0
// Distribu's orders as they are created and moved, rule by rule, over a real store.
#include "tests/unit/http/order_shop.h"

#include <stdlib.h>

// ---- Creating ----

static void test_D61_D62_D63_D67_a_new_order(void **state)
{
    (void)state;
    assert_int_equal(
        create("{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\",\"quantity\":2},"
               "{\"productId\":\"p2\",\"quantity\":1e1}],\"poNumber\":\" PO-7 \",\"notes\":\"  \","
               "\"unknown\":1}"),
        201);
    char id[64];
    an_id(id);
    assert_memory_equal(id, "ord_", 4);
    assert_int_equal(strlen(id), 28);
    expect_at(&app, "data.status", "SUBMITTED");
    expect_at(&app, "data.poNumber", "PO-7");
    expect_at(&app, "data.notes", "null");
    expect_at(&app, "data.total", "18.25");
    expect_at(&app, "data.createdAt", "2026-04-17T12:00:00.000Z");
    expect_at(&app, "data.updatedAt", "2026-04-17T12:00:00.000Z");
    expect_at(&app, "data.customerId", "c1");
    expect_at(&app, "data.items", "[2]");
    expect_at(&app, "data.items.0.quantity", "2");
    expect_at(&app, "data.items.0.unitPrice", "8.50");
    expect_at(&app, "data.items.0.productId", "p1");
    expect_at(&app, "data.items.0.productName", "Widget Blue");
    expect_at(&app, "data.items.0.productSku", "WDG-1");
    expect_at(&app, "data.items.1.quantity", "10");
    expect_at(&app, "data.items.1.unitPrice", "0.13");
    // What was answered is what is read, from disk too.
    char answered[2048], path[128], line[80];
    snprintf(line, sizeof(line), "%s-1", id);
    expect_at(&app, "data.items.0.id", line);
    snprintf(answered, sizeof(answered), "%.*s", (int)app.body.size, (char *)app.body.data);
    snprintf(path, sizeof(path), "orders/%s", id);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(get(path), 200);
        assert_int_equal(app.body.size, strlen(answered));
        assert_memory_equal(app.body.data, answered, app.body.size);
        test_app_reopen(&app);
    }
    assert_int_equal(get("reports/sales?preset=month"), 200);
    expect_at(&app, "data.totals.orderCount", "1");
    expect_at(&app, "data.totals.revenue", "18.25");
}

static void test_D59_a_customer_has_prices_of_their_own(void **state)
{
    (void)state;
    test_load(&app, "acme", "price_overrides", "customer_id,product_id,price\nc1,p1,7.25\nc3,p1,1\nc1,p4,\n");
    test_load(&app, "other", "price_overrides", "customer_id,product_id,price\nc1,p2,99\n");
    assert_int_equal(create("{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\",\"quantity\":2},"
                            "{\"productId\":\"p2\",\"quantity\":8}]}"),
                     201);
    expect_at(&app, "data.total", "15.50"); // 2 × 7.25 + 8 × 0.125
    expect_at(&app, "data.items.0.unitPrice", "7.25");
    char id[64], path[96];
    an_id(id);
    // Frozen: what it was placed at.
    test_load(&app, "acme", "price_overrides", "customer_id,product_id,price\nc1,p1,\n");
    snprintf(path, sizeof(path), "orders/%s", id);
    assert_int_equal(get(path), 200);
    expect_at(&app, "data.items.0.unitPrice", "7.25");
    assert_int_equal(create("{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\",\"quantity\":1}]}"),
                     201);
    expect_at(&app, "data.total", "8.50");
    assert_int_equal(create("{\"customerId\":\"c3\",\"items\":[{\"productId\":\"p1\",\"quantity\":1}]}"),
                     201);
    expect_at(&app, "data.total", "1.00");
    test_load(&app, "acme", "price_overrides", "customer_id,product_id,price\nc3,p1,\n");
}

static void test_D64_stock_goes_down_and_the_rest_of_the_product_stays(void **state)
{
    (void)state;
    assert_int_equal(create("{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\",\"quantity\":2},"
                            "{\"productId\":\"p1\",\"quantity\":3}]}"),
                     201);
    expect_stock("p1", "37");
    expect_at(&app, "data.name", "Widget Blue");
    expect_at(&app, "data.sku", "WDG-1");
    expect_at(&app, "data.category", "Hardware");
    expect_at(&app, "data.description", "a widget");
    expect_at(&app, "data.price", "8.50");
    expect_at(&app, "data.isActive", "true");
    expect_at(&app, "data.updatedAt", "2026-04-17T12:00:00.000Z");
    assert_int_equal(get("reports/inventory"), 200);
    expect_at(&app, "data.rows.0.stock", "37");
}

static void test_D54_never_below_zero_all_or_nothing(void **state)
{
    (void)state;
    refuses("{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p2\",\"quantity\":1},"
            "{\"productId\":\"p1\",\"quantity\":43}]}",
            422, "Not enough stock for Widget Blue. Only 42 available.");
    // Two lines of one product are counted together.
    refuses("{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\",\"quantity\":42},"
            "{\"productId\":\"p1\",\"quantity\":1}]}",
            422, "Not enough stock for Widget Blue. Only 42 available.");
    refuses("{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p4\",\"quantity\":1}]}", 422,
            "Not enough stock for Bare. Only 0 available.");
    expect_stock("p1", "42");
    expect_stock("p2", "1000");
    assert_int_equal(create("{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\",\"quantity\":42}]}"),
                     201);
    expect_stock("p1", "0");
    refuses("{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\",\"quantity\":1}]}", 422,
            "Not enough stock for Widget Blue. Only 0 available.");
    assert_int_equal(get("orders"), 200);
    expect_at(&app, "data", "[1]");
}

static void test_D52_D65_D78_who_and_what_must_be_there(void **state)
{
    (void)state;
    refuses("{\"customerId\":\"nobody\",\"items\":[{\"productId\":\"p1\",\"quantity\":1}]}", 404,
            "Customer not found.");
    refuses("{\"customerId\":\"x1\",\"items\":[{\"productId\":\"p1\",\"quantity\":1}]}", 404,
            "Customer not found.");
    refuses("{\"customerId\":\"c2\",\"items\":[{\"productId\":\"p1\",\"quantity\":1}]}", 422,
            "This customer is blocked.");
    refuses("{\"customerId\":\"c1\",\"items\":[{\"productId\":\"q1\",\"quantity\":1}]}", 404,
            "Product not found.");
    refuses("{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p3\",\"quantity\":1}]}", 422,
            "Old is not available.");
    // A customer without a status is active.
    assert_int_equal(create("{\"customerId\":\"c3\",\"items\":[{\"productId\":\"p1\",\"quantity\":1}]}"),
                     201);
}

static void test_D51_texts(void **state)
{
    (void)state;
    static const char *const item =
        "{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\",\"quantity\":%s}]}";
    static const char *const quantities[][2] = {{"\"2\"", "quantity must be a number"},
                                                {"null", "quantity must be a number"},
                                                {"1.5", "quantity must be a whole number"},
                                                {"15e-1", "quantity must be a whole number"},
                                                {"0", "quantity must be at least 1"},
                                                {"-0.0", "quantity must be at least 1"},
                                                {"-3", "quantity must be at least 1"},
                                                {"1e10", "quantity must be at most 1000000000"},
                                                {"1e999999", "quantity must be at most 1000000000"}};
    for (size_t i = 0; i < DBK_COUNT(quantities); i++) {
        char body[256];
        snprintf(body, sizeof(body), item, quantities[i][0]);
        refuses(body, 400, quantities[i][1]);
    }
    refuses("{\"items\":[{\"productId\":\"p1\",\"quantity\":1}]}", 400, "customerId is required");
    refuses("{\"customerId\":\" \",\"items\":[]}", 400, "customerId is required");
    refuses("{\"customerId\":5,\"items\":[]}", 400, "customerId must be a string");
    refuses("{\"customerId\":\"c1\"}", 400, "At least one item is required");
    refuses("{\"customerId\":\"c1\",\"items\":[]}", 400, "At least one item is required");
    refuses("{\"customerId\":\"c1\",\"items\":{}}", 400, "items must be an array");
    refuses("{\"customerId\":\"c1\",\"items\":[1]}", 400, "Validation failed.");
    refuses("{\"customerId\":\"c1\",\"items\":[{\"quantity\":1}]}", 400, "productId is required");
    refuses("{\"customerId\":\"c1\",\"items\":[{\"productId\":7,\"quantity\":1}]}", 400,
            "productId must be a string");
    refuses("{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\"}]}", 400, "quantity must be a number");
    refuses("{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\",\"quantity\":1}],\"poNumber\":1}", 400,
            "poNumber must be a string");
    refuses("{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\",\"quantity\":1}],\"notes\":[]}", 400,
            "notes must be a string");
    refuses("[]", 400, "Validation failed.");
    char body[4096], notes[2002];
    memset(notes, 'n', 2001);
    notes[2001] = 0;
    snprintf(body, sizeof(body),
             "{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\",\"quantity\":1}],\"notes\":\"%s\"}",
             notes);
    refuses(body, 400, "notes must be at most 2000 characters");
    notes[65] = 0;
    snprintf(body, sizeof(body), "{\"customerId\":\"%s\",\"items\":[{\"productId\":\"p1\",\"quantity\":1}]}",
             notes);
    refuses(body, 400, "customerId must be at most 64 characters");
    expect_stock("p1", "42");
}

static void test_D34_D51_bodies_that_are_no_json(void **state)
{
    (void)state;
    refuses("{\"customerId\":\n  nope}", 400, "Invalid JSON body.");
    assert_memory_equal(test_header(&app, "daybook-json-error"), "line 2, column 3: ", 18);
    refuses("", 400, "Invalid JSON body.");
    refuses("{\"customerId\":\"c1\",\"customerId\":\"c2\"}", 400, "Invalid JSON body.");
    static const char *const form[] = {"content-type", "application/x-www-form-urlencoded", NULL};
    assert_int_equal(test_ask(&app, "POST", "/api/v1/orders?tenant=acme", true, form, "customerId=c1"), 415);
    expect_at(&app, "error", "Content-Type must be application/json.");
    assert_int_equal(test_ask(&app, "PUT", "/api/v1/orders?tenant=acme", true, NULL, "{}"), 405);
    assert_string_equal(test_header(&app, "allow"), "GET, HEAD, POST");
    assert_int_equal(test_ask(&app, "DELETE", "/api/v1/orders/o1?tenant=acme", true, NULL, NULL), 405);
    assert_string_equal(test_header(&app, "allow"), "GET, HEAD, PATCH");
}

static void test_D47_scopes(void **state)
{
    (void)state;
    test_use_key(&app, "acme", "[\"orders:read\"]", "off");
    assert_int_equal(test_ask(&app, "POST", "/api/v1/orders", false, NULL, "{}"), 403);
    expect_at(&app, "error", "Insufficient permissions. This key lacks the \"orders:write\" scope.");
    assert_int_equal(test_ask(&app, "PATCH", "/api/v1/orders/o", false, NULL, "{}"), 403);
    assert_int_equal(test_get(&app, "/api/v1/orders"), 200);
    test_use_key(&app, "acme", "[\"orders:write\"]", "off");
    assert_int_equal(test_get(&app, "/api/v1/orders"), 403);
    expect_at(&app, "error", "Insufficient permissions. This key lacks the \"orders:read\" scope.");
    assert_int_equal(test_ask(&app, "POST", "/api/v1/orders", false, NULL,
                              "{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\",\"quantity\":1}]}"),
                     201);
}

static void test_D41_idempotency(void **state)
{
    (void)state;
    static const char one[] = "{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\",\"quantity\":1}]}";
    static const char two[] = "{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\",\"quantity\":2}]}";
    char first[64];
    assert_int_equal(create_with("k1", one), 201);
    an_id(first);
    assert_string_equal(test_header(&app, "idempotency-replayed"), "");
    for (int round = 0; round < 2; round++) {
        assert_int_equal(create_with("k1", one), 201);
        expect_at(&app, "data.id", first);
        expect_at(&app, "data.total", "8.50");
        assert_string_equal(test_header(&app, "idempotency-replayed"), "true");
        test_app_reopen(&app);
    }
    assert_int_equal(create_with("k1", two), 422);
    expect_at(&app, "error", "This Idempotency-Key was already used for another request.");
    expect_stock("p1", "41");
    assert_int_equal(create_with("k2", one), 201);
    expect_stock("p1", "40");
    // A refusal stored nothing, so the key is still free.
    assert_int_equal(
        create_with("k3", "{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p1\",\"quantity\":99}]}"), 422);
    assert_int_equal(create_with("k3", one), 201);
    expect_stock("p1", "39");
    test_now_ms += 24 * 3600000 - 1;
    assert_int_equal(create_with("k1", one), 201);
    expect_at(&app, "data.id", first);
    test_now_ms += 1;
    assert_int_equal(create_with("k1", two), 201);
    assert_string_not_equal(test_value(&app, "data.id"), first);
    expect_stock("p1", "37");
    char long_key[300];
    memset(long_key, 'k', sizeof(long_key));
    long_key[256] = 0;
    assert_int_equal(create_with(long_key, one), 400);
}

static uint64_t answers_kept(void)
{
    dbk_db *db = dbk_store_db(app.store);
    dbk_read read = dbk_read_begin(db);
    uint64_t rows = dbk_snapshot_rows(read.snapshot, DBK_TEXT("acme"), DBK_IDEMPOTENCY);
    dbk_read_end(db, &read);
    return rows;
}

static void test_D41_old_answers_are_swept(void **state)
{
    (void)state;
    char key[16];
    static const char body[] = "{\"customerId\":\"c1\",\"items\":[{\"productId\":\"p2\",\"quantity\":1}]}";
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof(key), "a%d", i);
        assert_int_equal(create_with(key, body), 201);
    }
    assert_int_equal(answers_kept(), 100);
    test_now_ms += 2 * 24 * 3600000;
    // One key in sixteen sweeps: of a hundred the hashes of these are known to have some.
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof(key), "b%d", i);
        assert_int_equal(create_with(key, body), 201);
    }
    assert_int_equal(answers_kept(), 100);
}

// ---- Moving ----

static void test_D68_moves(void **state)
{
    (void)state;
    static const char *const names[] = {"SUBMITTED", "CONFIRMED", "SHIPPED", "DELIVERED", "CANCELLED"};
    static const bool allowed[5][5] = {{0, 1, 0, 0, 1}, {0, 0, 1, 0, 1}, {0, 0, 0, 1, 0}, {0}, {0}};
    static const char *const ways[5] = {"", "1", "12", "123", "4"};
    for (int from = 0; from < 5; from++)
        for (int to = 0; to < 5; to++) {
            char id[64];
            create_one(id);
            for (const char *step = ways[from]; *step; step++)
                assert_int_equal(move(id, names[*step - '0']), 200);
            assert_int_equal(move(id, names[to]), allowed[from][to] ? 200 : 422);
            char text[128];
            snprintf(text, sizeof(text), "Cannot change status from %s to %s.", names[from], names[to]);
            if (allowed[from][to])
                expect_at(&app, "data.status", names[to]);
            else
                expect_at(&app, "error", text);
            test_load(&app, "acme", "products", "id,name,sku,price,stock\np1,Widget Blue,WDG-1,8.50,42\n");
        }
    assert_int_equal(move("nothing", "CONFIRMED"), 404);
    expect_at(&app, "error", "Order not found.");
    char id[64];
    create_one(id);
    assert_int_equal(move(id, "confirmed"), 400);
    expect_at(&app, "error", "Invalid order status.");
    char target[128];
    snprintf(target, sizeof(target), "/api/v1/orders/%s?tenant=acme", id);
    assert_int_equal(test_ask(&app, "PATCH", target, true, NULL, "{\"status\":1}"), 400);
    expect_at(&app, "error", "Invalid order status.");
    assert_int_equal(test_ask(&app, "PATCH", target, true, NULL, "{}"), 400);
    snprintf(target, sizeof(target), "/api/v1/orders/%s?tenant=other", id);
    assert_int_equal(test_ask(&app, "PATCH", target, true, NULL, "{\"status\":\"CONFIRMED\"}"), 404);
}

static void test_D68_a_move_keeps_everything_else(void **state)
{
    (void)state;
    test_load(
        &app, "acme", "orders",
        "id,created_at,status,customer_id,currency,subtotal,discount,total,payment_method,po_number,notes\n"
        "o1,2026-04-01T10:00:00Z,submitted,c1,EUR,12,2,10,card,PO,hello\n");
    test_load(&app, "acme", "order_lines",
              "id,order_id,product_id,quantity,total\nl10,o1,p1,3,7.00\nl9,o1,gone,1,3\n");
    test_now_ms += 1000;
    assert_int_equal(move("o1", "CONFIRMED"), 200);
    expect_at(&app, "data.status", "CONFIRMED");
    expect_at(&app, "data.poNumber", "PO");
    expect_at(&app, "data.notes", "hello");
    expect_at(&app, "data.total", "10.00");
    expect_at(&app, "data.createdAt", "2026-04-01T10:00:00.000Z");
    expect_at(&app, "data.updatedAt", "2026-04-17T12:00:01.000Z");
    expect_at(&app, "data.items", "[2]");
    expect_at(&app, "data.items.0.id", "l9");
    expect_at(&app, "data.items.0.productName", "null");
    expect_at(&app, "data.items.1.unitPrice", "2.33");
    dbk_db *db = dbk_store_db(app.store);
    dbk_read read = dbk_read_begin(db);
    static const char *const fields[] = {"payment_method", "discount", "confirmed_at", "delivered_at"};
    dbk_query query = {.table = "orders",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .fields = fields,
                       .fields_count = 4};
    dbk_result *rows;
    assert_int_equal(dbk_query_run(read.snapshot, DBK_TEXT("acme"), &query, &rows, NULL), DBK_OK);
    assert_int_equal(dbk_result_rows(rows), 1);
    assert_true(dbk_text_equal(dbk_result_text(rows, 0, 0), DBK_TEXT("card")));
    assert_int_equal(dbk_result_int(rows, 0, 1), 20000);
    assert_int_equal(dbk_result_int(rows, 0, 2), test_now_ms);
    assert_true(dbk_result_is_null(rows, 0, 3));
    dbk_result_free(rows);
    dbk_read_end(db, &read);
}

static void test_D69_cancelling_restocks_only_when_asked(void **state)
{
    (void)state;
    char id[64];
    create_one(id);
    expect_stock("p1", "40");
    assert_int_equal(move(id, "CANCELLED"), 200);
    expect_stock("p1", "40");
    static const char *const path = "/admin/settings?tenant=acme";
    assert_int_equal(test_ask(&app, "PUT", path, true, NULL, "{\"restock-on-cancel\":\"maybe\"}"), 400);
    assert_int_equal(test_ask(&app, "PUT", path, true, NULL, "{\"webhook-delivery-days\":\"0\"}"), 400);
    assert_int_equal(test_ask(&app, "PUT", path, true, NULL, "{\"webhook-delivery-days\":\"1.5\"}"), 400);
    assert_int_equal(test_ask(&app, "PUT", path, true, NULL, "{\"webhook-delivery-days\":\"off\"}"), 200);
    assert_int_equal(test_ask(&app, "PUT", path, true, NULL, "{\"restock-on-cancel\":\"on\"}"), 200);
    create_one(id);
    expect_stock("p1", "38");
    assert_int_equal(move(id, "CONFIRMED"), 200);
    expect_stock("p1", "38");
    assert_int_equal(move(id, "CANCELLED"), 200);
    expect_stock("p1", "40");
    assert_int_equal(move(id, "CANCELLED"), 422);
    expect_stock("p1", "40");
    // Cancelled orders still count, as they always did.
    assert_int_equal(get("reports/sales?preset=month"), 200);
    expect_at(&app, "data.totals.orderCount", "2");
    expect_at(&app, "data.byStatus.4.orderCount", "2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, one_app_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_D61_D62_D63_D67_a_new_order),
        TEST(test_D59_a_customer_has_prices_of_their_own),
        TEST(test_D64_stock_goes_down_and_the_rest_of_the_product_stays),
        TEST(test_D54_never_below_zero_all_or_nothing),
        TEST(test_D52_D65_D78_who_and_what_must_be_there),
        TEST(test_D51_texts),
        TEST(test_D34_D51_bodies_that_are_no_json),
        TEST(test_D47_scopes),
        TEST(test_D41_idempotency),
        TEST(test_D41_old_answers_are_swept),
        TEST(test_D68_moves),
        TEST(test_D68_a_move_keeps_everything_else),
        TEST(test_D69_cancelling_restocks_only_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
