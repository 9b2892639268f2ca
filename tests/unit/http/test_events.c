// SPDX-License-Identifier: Apache-2.0
// The hub of event streams over a real store, with streams of this process (PA13): who gets what, who is
// greeted how, and what becomes of readers that do not read. Every wait is for a fact.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/app/system_row.h"
#include "http/pos/event_order.h"
#include "http/pos/event_ring.h"
#include "http/pos/events.h"
#include "http/pos/hub.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- A stream that is read here ----

typedef struct reader {
    dbk_stream stream; // first
    dbk_stream_options options;
    dbk_listener *listener;
    bool is_deaf; // takes nothing: all that is written waits
    // ----
    dbk_buffer text;
    bool is_ended;
} reader;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static bool reader_write(dbk_stream *stream, const void *data, size_t size)
{
    reader *r = (reader *)stream;
    pthread_mutex_lock(&lock);
    bool is_open = !r->is_ended;
    if (is_open)
        dbk_buffer_append(&r->text, data, size);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return is_open;
}

static bool reader_wait(dbk_stream *stream)
{
    (void)stream;
    abort(); // a hub never waits
}

static size_t reader_queued(dbk_stream *stream)
{
    reader *r = (reader *)stream;
    pthread_mutex_lock(&lock);
    size_t size = r->is_deaf ? r->text.size : 0;
    pthread_mutex_unlock(&lock);
    return size;
}

static void reader_end(dbk_stream *stream, bool whole)
{
    (void)whole;
    reader *r = (reader *)stream;
    pthread_mutex_lock(&lock);
    r->is_ended = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

// Waits until so much is in the text, as often.
static void await(reader *r, const char *part, int times)
{
    pthread_mutex_lock(&lock);
    for (;;) {
        int found = 0;
        dbk_buffer_u8(&r->text, 0); // an end for strstr, taken back
        r->text.size--;
        for (const char *at = (const char *)r->text.data; (at = strstr(at, part)) != NULL; at += strlen(part))
            found++;
        if (found >= times)
            break;
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static bool is_over(reader *r)
{
    pthread_mutex_lock(&lock);
    bool result = r->is_ended;
    pthread_mutex_unlock(&lock);
    return result;
}

static void await_end(reader *r)
{
    pthread_mutex_lock(&lock);
    while (!r->is_ended)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

// ---- The world ----

typedef struct world {
    char path[64];
    dbk_store *store;
    dbk_pos_events *events;
    dbk_pos_events_options options;
    reader readers[8];
    int readers_count;
} world;

static void open_world(world *w)
{
    dbk_error err = {0};
    dbk_store_options options = {
        .directory = w->path, .create = true, .watches = dbk_pos_watches, .watches_count = DBK_POS_WATCHES};
    if (dbk_store_open(&w->store, &options, &err) != DBK_OK)
        fail_msg("%s", err.message);
    w->options.store = w->store;
    if (dbk_pos_events_create(&w->events, &w->options, &err) != DBK_OK)
        fail_msg("%s", err.message);
}

static void close_world(world *w)
{
    dbk_pos_events_destroy(w->events);
    for (int i = 0; i < w->readers_count; i++) {
        assert_true(w->readers[i].is_ended);
        dbk_buffer_dispose(&w->readers[i].text);
    }
    memset(w->readers, 0, sizeof(w->readers));
    w->readers_count = 0;
    dbk_store_close(w->store);
}

static int setup(void **state)
{
    world *w = calloc(1, sizeof(*w));
    strcpy(w->path, "/tmp/dbk-test-events-XXXXXX");
    assert_non_null(mkdtemp(w->path));
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    char command[96];
    close_world(w);
    snprintf(command, sizeof(command), "rm -rf '%s'", w->path);
    int code = system(command);
    free(w);
    return code;
}

static reader *listen_as(world *w, const char *tenant, dbk_pos_channel channel, const char *last_id,
                         bool is_deaf)
{
    static const dbk_stream_kind kind = {reader_write, reader_wait, reader_queued, reader_end};
    reader *r = &w->readers[w->readers_count++];
    dbk_pos_subscription subscription = {
        .tenant = dbk_text_from(tenant), .channel = channel, .last_id = dbk_text_from(last_id)};
    *r = (reader){.stream = {.kind = &kind}, .is_deaf = is_deaf};
    r->listener = dbk_pos_events_listen(w->events, &subscription, &r->options);
    assert_non_null(r->listener);
    dbk_pos_events_begin(w->events, r->listener, &r->stream);
    await(r, "retry: ", 1);
    return r;
}

static void leave(reader *r)
{
    r->options.gone(r->options.user);
    await_end(r);
}

static void sell(world *w, const char *tenant, const char *id, const char *status)
{
    dbk_error err = {0};
    dbk_system_field fields[] = {
        {.column = "id", .text = dbk_text_from(id)}, {.column = "created_at", .number = 1700000000000},
        {.column = "total", .number = 10000},        {.column = "status", .text = dbk_text_from(status)},
        {.column = "kind", .text = DBK_TEXT("pos")},
    };
    if (dbk_system_row_write(w->store, dbk_text_from(tenant), DBK_ORDERS, fields, DBK_COUNT(fields), false,
                             &err) != DBK_OK)
        fail_msg("%s", err.message);
}

// The last id in what was read.
static void last_id_of(reader *r, char out[32])
{
    const char *last = NULL;
    pthread_mutex_lock(&lock);
    for (const char *at = (const char *)r->text.data; (at = strstr(at, "id: ")) != NULL; at += 4)
        last = at;
    assert_non_null(last);
    snprintf(out, 32, "%.*s", (int)strspn(last + 4, "0123456789"), last + 4);
    pthread_mutex_unlock(&lock);
}

static bool has(const reader *r, const char *part)
{
    pthread_mutex_lock(&lock);
    bool result = strstr((const char *)r->text.data, part) != NULL;
    pthread_mutex_unlock(&lock);
    return result;
}

// ---- What a row gives ----

static void test_transitions(void **state)
{
    (void)state;
    enum { N = DBK_ORDER_NEW, C = DBK_ORDER_CONFIRMED, S = DBK_ORDER_CHANGED, X = DBK_ORDER_CANCELLED };
    static const struct {
        const char *before, *after; // NULL = it was not there
        unsigned events;
    } cases[] = {
        {NULL, "PENDING", N},
        {NULL, "CONFIRMED", N | C},
        {NULL, "PICKED_UP", N | C},
        {NULL, "CANCELLED", N | X},
        {NULL, "", N},
        {"PENDING", "PENDING", 0},
        {"PENDING", "CONFIRMED", C},
        {"PENDING", "COMPLETED", C},
        {"PENDING", "CANCELLED", X},
        {"PENDING", "OTHER", S},
        {"CONFIRMED", "CONFIRMED", 0},
        {"CONFIRMED", "COMPLETED", S},
        {"COMPLETED", "CONFIRMED", S},
        {"CONFIRMED", "PENDING", S},
        {"CONFIRMED", "CANCELLED", X},
        {"CANCELLED", "CANCELLED", 0},
        {"CANCELLED", "CONFIRMED", C},
        {"CANCELLED", "PENDING", S},
        {"", "PENDING", S},
        {"", "CONFIRMED", C},
        {"PENDING", "", S},
    };
    for (size_t i = 0; i < DBK_COUNT(cases); i++) {
        dbk_watched_row row = {.table = DBK_ORDERS, .was_there = cases[i].before != NULL};
        row.before = dbk_text_from(cases[i].before != NULL ? cases[i].before : "");
        row.after = dbk_text_from(cases[i].after);
        assert_int_equal(dbk_order_events_of(&row), cases[i].events);
    }
}

// ---- Streams ----

static void test_tenants_and_channels_are_apart(void **state)
{
    world *w = *state;
    open_world(w);
    reader *till = listen_as(w, "acme", DBK_POS_CASHIER, "", false);
    reader *display = listen_as(w, "acme", DBK_POS_DISPLAY, "", false);
    reader *other = listen_as(w, "bazar", DBK_POS_CASHIER, "", false);
    sell(w, "acme", "a", "PENDING");
    sell(w, "bazar", "b", "CONFIRMED");
    sell(w, "acme", "a", "CONFIRMED");
    await(till, "event: confirmed-order", 1);
    await(display, "event: confirmed-order", 1);
    await(other, "event: confirmed-order", 1);
    assert_true(has(till, "event: new-order") && !has(display, "event: new-order"));
    assert_false(has(till, "\"id\":\"b\"") || has(other, "\"id\":\"a\""));
    assert_int_equal(dbk_pos_events_figures_read(w->events).streams, 3);
    leave(other);
    assert_int_equal(dbk_pos_events_figures_read(w->events).streams, 2);
}

static void test_a_closure_is_told_once(void **state)
{
    world *w = *state;
    dbk_error err = {0};
    dbk_system_field fields[] = {
        {.column = "id", .text = DBK_TEXT("c1")},
        {.column = "created_at", .number = 1700000000000},
        {.column = "number", .number = 1},
        {.column = "from_at", .number = 1600000000000},
        {.column = "cash_register_id", .text = DBK_TEXT("r\"1")},
        {.column = "report", .text = DBK_TEXT("{\"id\":\"c1\",\n\"totalOrders\":2}")},
        {.column = "totals", .text = DBK_TEXT("{}")},
        {.column = "previous_hash", .text = DBK_TEXT("0")},
        {.column = "hash", .text = DBK_TEXT("1")},
    };
    open_world(w);
    reader *printer = listen_as(w, "acme", DBK_POS_PRINTER, "", false);
    for (int i = 0; i < 2; i++) // the second time it is there already
        assert_int_equal(dbk_system_row_write(w->store, DBK_TEXT("acme"), DBK_CLOSURES, fields,
                                              DBK_COUNT(fields), false, &err),
                         DBK_OK);
    sell(w, "acme", "end", "CONFIRMED");
    await(printer, "confirmed-order", 1);
    await(printer,
          "event: general-closure\ndata: {\"id\":\"c1\",\ndata: "
          "\"totalOrders\":2,\"cashRegister\":\"r\\\"1\"}\nid: ",
          1);
    assert_int_equal(dbk_pos_events_figures_read(w->events).published, 4);
}

static void test_coming_back(void **state)
{
    world *w = *state;
    char id[32];
    open_world(w);
    reader *first = listen_as(w, "acme", DBK_POS_CASHIER, "", false);
    sell(w, "acme", "a", "CONFIRMED");
    await(first, "event: confirmed-order", 1);
    last_id_of(first, id);
    leave(first);
    sell(w, "acme", "b", "CONFIRMED");
    reader *back = listen_as(w, "acme", DBK_POS_CASHIER, id, false);
    await(back, "event: confirmed-order", 1);
    assert_true(has(back, "\"id\":\"b\"") && !has(back, "\"id\":\"a\"") && !has(back, "reset"));
    // One who knows nothing of ours hears that it missed something only if there was something before.
    reader *stranger = listen_as(w, "acme", DBK_POS_CASHIER, "x", false);
    await(stranger, "event: confirmed-order", 2);
    assert_false(has(stranger, "reset"));
}

// One change of more rows than are kept: who listens, and has all before it, hears that some are missing.
static void test_a_gap_is_told_to_who_listens(void **state)
{
    enum { ROWS = 40, KEPT = 16 };
    world *w = *state;
    w->options.ring_events = KEPT;
    open_world(w);
    sell(w, "acme", "before", "CONFIRMED");
    reader *ear = listen_as(w, "acme", DBK_POS_DISPLAY, "", false);
    dbk_watched_row rows[ROWS];
    for (int i = 0; i < ROWS; i++) {
        rows[i] = (dbk_watched_row){
            .table = DBK_ORDERS, .tenant = DBK_TEXT("acme"), .number = 1000, .after = DBK_TEXT("CONFIRMED")};
        rows[i].id_length = (uint8_t)snprintf(rows[i].id, sizeof(rows[i].id), "row%d.", i);
    }
    dbk_pos_events_observe(w->events, &(dbk_observed){.rows = rows, .count = ROWS});
    await(ear, "\"id\":\"row39.\"", 1);
    assert_true(has(ear, "event: reset\ndata: {\"reset\":true}\nid: "));
    assert_false(has(ear, "\"id\":\"row0.\""));
    assert_int_equal(dbk_pos_events_figures_read(w->events).resets, 1);
    assert_int_equal(dbk_pos_events_figures_read(w->events).dropped, 0);
    // One that comes back to where the gap ended goes on.
    char id[32];
    last_id_of(ear, id);
    reader *back = listen_as(w, "acme", DBK_POS_DISPLAY, id, false);
    assert_false(has(back, "reset"));
}

static void test_ids_go_on_after_a_restart(void **state)
{
    world *w = *state;
    char before[32], after[32];
    open_world(w);
    reader *r = listen_as(w, "acme", DBK_POS_CASHIER, "", false);
    sell(w, "acme", "a", "CONFIRMED");
    await(r, "event: confirmed-order", 1);
    last_id_of(r, before);
    close_world(w);
    open_world(w);
    r = listen_as(w, "acme", DBK_POS_CASHIER, "", false);
    sell(w, "acme", "b", "PENDING");
    await(r, "event: new-order", 1);
    last_id_of(r, after);
    assert_true(strtoull(after, NULL, 10) > strtoull(before, NULL, 10));
    // Closed in good order with nothing behind it: whoever has seen the last change has seen everything.
    r = listen_as(w, "acme", DBK_POS_CASHIER, before, false);
    await(r, "event: new-order", 1);
    assert_false(has(r, "reset"));
    r = listen_as(w, "acme", DBK_POS_CASHIER, "1", false);
    await(r, "event: reset\ndata: {\"reset\":true}\nid: ", 1);
    await(r, "event: new-order", 1);
    assert_int_equal(dbk_pos_events_figures_read(w->events).resets, 1);
}

static void test_a_deaf_reader_is_dropped_and_bounded(void **state)
{
    world *w = *state;
    w->options.ring_events = 64;
    w->options.keep_alive_ms = 5;
    open_world(w);
    reader *deaf = listen_as(w, "acme", DBK_POS_CASHIER, "", true);
    reader *ear = listen_as(w, "acme", DBK_POS_CASHIER, "", false);
    char id[16];
    int sold = 0;
    while (!is_over(deaf)) {
        snprintf(id, sizeof(id), "t%d", sold++);
        sell(w, "acme", id, "CONFIRMED");
        await(ear, "event: confirmed-order", sold);
    }
    assert_int_equal(dbk_pos_events_figures_read(w->events).dropped, 1);
    // Two pieces of 32 KiB and what was in the last of them.
    assert_true(deaf->text.size < (96 << 10));
    assert_false(is_over(ear));
}

static void test_comments_keep_alive(void **state)
{
    world *w = *state;
    w->options.keep_alive_ms = 3;
    open_world(w);
    reader *a = listen_as(w, "acme", DBK_POS_CASHIER, "", false);
    reader *b = listen_as(w, "bazar", DBK_POS_PRINTER, "", false);
    await(a, ": keep-alive\n\n", 3);
    await(b, ": keep-alive\n\n", 3);
}

// Who listened a while ago, and nobody since, is not kept events for.
static void test_rings_are_given_up(void **state)
{
    world *w = *state;
    char id[32];
    w->options.keep_alive_ms = 2;
    w->options.linger_ms = 1;
    open_world(w);
    reader *watch = listen_as(w, "bazar", DBK_POS_CASHIER, "", false);
    reader *r = listen_as(w, "acme", DBK_POS_CASHIER, "", false);
    sell(w, "acme", "a", "CONFIRMED");
    await(r, "event: confirmed-order", 1);
    last_id_of(r, id);
    leave(r);
    // The hub looks at tenants when it sends comments: some rounds later the ring has gone.
    pthread_mutex_lock(&lock);
    dbk_buffer_reset(&watch->text);
    pthread_mutex_unlock(&lock);
    await(watch, ": keep-alive\n\n", 10);
    sell(w, "acme", "b", "CONFIRMED");
    reader *back = listen_as(w, "acme", DBK_POS_CASHIER, id, false);
    await(back, "event: reset", 1);
    sell(w, "acme", "c", "CONFIRMED");
    await(back, "event: confirmed-order", 1);
    assert_false(has(back, "\"id\":\"b\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transitions),
        cmocka_unit_test_setup_teardown(test_tenants_and_channels_are_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_closure_is_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_coming_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_gap_is_told_to_who_listens, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ids_go_on_after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_deaf_reader_is_dropped_and_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_comments_keep_alive, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rings_are_given_up, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
