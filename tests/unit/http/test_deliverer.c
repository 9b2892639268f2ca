// SPDX-License-Identifier: Apache-2.0
// Deliveries to a receiver in this process that answers by path (D82–D85): what arrives, what is tried again,
// what is not, and what a restart leaves.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/app/system_row.h"
#include "http/webhooks/announcement.h"
#include "http/webhooks/retention.h"
#include "http/webhooks/signature.h"
#include "http/webhooks/webhook.h"
#include "ingest/store/store.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define BODY                                                                                                 \
    "{\"event\":\"order.created\",\"timestamp\":\"2026-04-17T12:00:00.000Z\",\"data\":{\"id\":\"o1\"}}"

// ---- The receiver: one request a connection, one connection at a time ----

enum { REQUESTS_MAX = 64, REQUEST_BYTES = 8192 };

static struct {
    int socket, port;
    pthread_t thread;
    pthread_mutex_t lock;
    char requests[REQUESTS_MAX][REQUEST_BYTES];
    int count;
} receiver = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_whole(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n"), *length = strcasestr(request, "content-length:");
    return end != NULL && length != NULL && strlen(end + 4) >= (size_t)atoi(length + 15);
}

static void answer(int fd, const char *request)
{
    char large[70000 + 128];
    const char *text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    if (strstr(request, "POST /gone ") == request)
        text = "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n";
    else if (strstr(request, "POST /fail ") == request)
        text = "HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nno\xff!";
    else if (strstr(request, "POST /away ") == request)
        text = "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n";
    else if (strstr(request, "POST /large ") == request) {
        int head = snprintf(large, sizeof(large), "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n");
        memset(large + head, 'x', 70000);
        large[head + 70000] = 0;
        text = large;
    }
    if (write(fd, text, strlen(text)) < 0)
        return;
}

static void *receive(void *user)
{
    (void)user;
    for (int fd; (fd = accept(receiver.socket, NULL, NULL)) >= 0; close(fd)) {
        char request[REQUEST_BYTES] = {0};
        size_t size = 0;
        while (size < sizeof(request) - 1 && !is_whole(request)) {
            ssize_t got = read(fd, request + size, sizeof(request) - 1 - size);
            if (got <= 0)
                break;
            size += (size_t)got;
        }
        // Noted first, so that whoever sees what the answer led to finds the request.
        pthread_mutex_lock(&receiver.lock);
        if (receiver.count < REQUESTS_MAX)
            memcpy(receiver.requests[receiver.count++], request, sizeof(request));
        pthread_mutex_unlock(&receiver.lock);
        answer(fd, request);
    }
    return NULL;
}

static int requests_count(void)
{
    pthread_mutex_lock(&receiver.lock);
    int count = receiver.count;
    pthread_mutex_unlock(&receiver.lock);
    return count;
}

// A request that has arrived; it stays as it is.
static const char *request_at(int index)
{
    assert_true(index < requests_count());
    return receiver.requests[index];
}

static int start_receiver(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    receiver.socket = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(receiver.socket, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(receiver.socket, 64), 0);
    assert_int_equal(getsockname(receiver.socket, (struct sockaddr *)&address, &size), 0);
    receiver.port = ntohs(address.sin_port);
    return pthread_create(&receiver.thread, NULL, receive, NULL);
}

static int stop_receiver(void **state)
{
    (void)state;
    shutdown(receiver.socket, SHUT_RDWR);
    pthread_join(receiver.thread, NULL);
    return close(receiver.socket);
}

// The value of a header of a request, "" when it is not there.
static const char *header(const char *request, const char *name)
{
    static char value[4][512];
    static int next;
    char *out = value[next++ % 4], wanted[64];
    snprintf(wanted, sizeof(wanted), "\r\n%s: ", name);
    const char *at = strcasestr(request, wanted);
    size_t length = at != NULL ? strcspn(at + strlen(wanted), "\r") : 0;
    snprintf(out, 512, "%.*s", (int)length, at != NULL ? at + strlen(wanted) : "");
    return out;
}

// ---- The store ----

static struct {
    char directory[64];
    dbk_store *store;
    dbk_deliverer *deliverer;
} world;

static void open_world(bool sends, int pauses)
{
    dbk_error err;
    dbk_store_options options = {.directory = world.directory, .create = true, .memory_bytes = 1 << 30};
    assert_int_equal(dbk_store_open(&world.store, &options, &err), DBK_OK);
    dbk_deliverer_options deliverer = {.store = world.store, .sends = sends, .pauses_count = pauses};
    assert_int_equal(dbk_deliverer_create(&world.deliverer, &deliverer, &err), DBK_OK);
}

static void close_world(void)
{
    dbk_deliverer_destroy(world.deliverer);
    dbk_store_close(world.store);
}

static void reopen(bool sends, int pauses)
{
    close_world();
    open_world(sends, pauses);
}

static int setup(void **state)
{
    (void)state;
    pthread_mutex_lock(&receiver.lock);
    receiver.count = 0;
    pthread_mutex_unlock(&receiver.lock);
    snprintf(world.directory, sizeof(world.directory), "/tmp/daybook-test-XXXXXX");
    assert_non_null(mkdtemp(world.directory));
    open_world(true, 2); // two further attempts, at once
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    close_world();
    snprintf(command, sizeof(command), "rm -rf '%s'", world.directory);
    return system(command);
}

static void allow_private(void)
{
    dbk_system_field fields[] = {{.column = "id", .text = DBK_TEXT("allow-private-webhooks")},
                                 {.column = "value", .text = DBK_TEXT("on")}};
    dbk_error err;
    assert_int_equal(
        dbk_system_row_write(world.store, DBK_TEXT("acme"), DBK_SETTINGS, fields, 2, false, &err), DBK_OK);
}

static void add_webhook_at(const char *id, const char *url, const char *previous, bool is_active)
{
    dbk_webhook webhook = {.id = dbk_text_from(id),
                           .url = dbk_text_from(url),
                           .events = DBK_TEXT("order.shipped,order.created"),
                           .is_active = is_active,
                           .secret = DBK_TEXT(SECRET),
                           .previous_secret = dbk_text_from(previous),
                           .grace_expires_at = previous != NULL ? INT64_MAX : DBK_NULL,
                           .created_at = 1,
                           .updated_at = 1};
    dbk_batch batch = {0};
    const dbk_batch *batches[] = {&batch};
    dbk_error err;
    assert_int_equal(dbk_webhook_build(&batch, &webhook, &err), DBK_OK);
    assert_int_equal(dbk_system_rows_write(world.store, DBK_TEXT("acme"), batches, 1, &err), DBK_OK);
    dbk_batch_dispose(&batch);
}

static void add_webhook(const char *id, const char *path)
{
    char url[128];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", receiver.port, path);
    add_webhook_at(id, url, NULL, true);
}

// A change that is nothing but its event.
typedef struct happening {
    const char *event;
    dbk_announcement events;
    const dbk_batch *change[DBK_WEBHOOKS_MAX];
    dbk_status status;
    sem_t done;
} happening;

static dbk_status decide(void *user, const dbk_snapshot *working, dbk_change *change, dbk_error *err)
{
    happening *h = user;
    DBK_TRY(dbk_announcement_add(&h->events, world.deliverer, working, DBK_TEXT("acme"),
                                 dbk_text_from(h->event), DBK_TEXT(BODY), 1000, err));
    for (int i = 0; i < h->events.batches_count; i++)
        h->change[i] = &h->events.batches[i];
    change->batches = h->change;
    change->batches_count = h->events.batches_count;
    return DBK_OK;
}

static void on_done(void *user, const dbk_change_result *result)
{
    happening *h = user;
    h->status = result->status;
    if (result->status == DBK_OK)
        dbk_announcement_begin(&h->events);
    dbk_announcement_dispose(&h->events);
    sem_post(&h->done);
}

static void announce(const char *event)
{
    happening h = {.event = event};
    sem_init(&h.done, 0, 0);
    dbk_store_transact(world.store, DBK_TEXT("acme"), decide, &h, on_done, &h);
    while (sem_wait(&h.done) != 0) {
    }
    assert_int_equal(h.status, DBK_OK);
}

typedef struct row {
    char state[16], error[256], answer[2100];
    int64_t attempts, status, next, done;
} row;

// The deliveries of a webhook; the last one in *out.
static int read_rows(const char *webhook, row *out)
{
    static const char *const fields[] = {"state",       "last_error",      "last_body", "attempts",
                                         "last_status", "next_attempt_at", "done_at"};
    dbk_value value = {.kind = DBK_VALUE_TEXT, .text = dbk_text_from(webhook)};
    dbk_filter filter = {.column = "webhook_id", .op = DBK_OP_EQ, .values = &value, .values_count = 1};
    dbk_query query = {.table = "webhook_deliveries",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = &filter,
                       .filters_count = 1,
                       .fields = fields,
                       .fields_count = DBK_COUNT(fields)};
    dbk_db *db = dbk_store_db(world.store);
    dbk_read read = dbk_read_begin(db);
    dbk_result *rows;
    dbk_error err;
    assert_int_equal(dbk_query_run(read.snapshot, DBK_TEXT("acme"), &query, &rows, &err), DBK_OK);
    int count = (int)dbk_result_rows(rows);
    for (int i = 0; i < count; i++) {
        char *texts[] = {out->state, out->error, out->answer};
        size_t sizes[] = {sizeof(out->state), sizeof(out->error), sizeof(out->answer)};
        for (int c = 0; c < 3; c++) {
            dbk_text text = dbk_result_text(rows, (size_t)i, c);
            snprintf(texts[c], sizes[c], "%.*s", (int)text.length, text.length > 0 ? text.data : "");
        }
        out->attempts = dbk_result_int(rows, (size_t)i, 3);
        out->status = dbk_result_int(rows, (size_t)i, 4);
        out->next = dbk_result_int(rows, (size_t)i, 5);
        out->done = dbk_result_int(rows, (size_t)i, 6);
    }
    dbk_result_free(rows);
    dbk_read_end(db, &read);
    return count;
}

// Until the webhook's only delivery is settled.
static row await_end(const char *webhook)
{
    row r = {0};
    while (read_rows(webhook, &r) != 1 || strcmp(r.state, "pending") == 0)
        poll(NULL, 0, 1);
    return r;
}

// ---- Tests ----

static void test_D82_a_delivery_is_signed_twice(void **state)
{
    (void)state;
    char hex[DBK_SIGNATURE_MAX], standard[DBK_SIGNATURE_MAX];
    allow_private();
    add_webhook("wh", "/ok");
    announce("order.created");
    row r = await_end("wh");
    assert_string_equal(r.state, "delivered");
    assert_int_equal(r.attempts, 1);
    assert_int_equal(r.status, 200);
    assert_string_equal(r.answer, "ok");
    assert_true(r.next == DBK_NULL && r.done != DBK_NULL);
    const char *request = request_at(0);
    assert_string_equal(strstr(request, "\r\n\r\n") + 4, BODY);
    assert_string_equal(header(request, "content-type"), "application/json");
    assert_string_equal(header(request, "x-webhook-event"), "order.created");
    assert_true(dbk_webhook_sign(DBK_TEXT(SECRET), DBK_TEXT(BODY), hex));
    assert_string_equal(header(request, "x-webhook-signature"), hex);
    assert_string_equal(header(request, "x-webhook-signature-previous"), "");
    assert_true(dbk_webhook_sign_standard(DBK_TEXT(SECRET), dbk_text_from(header(request, "webhook-id")),
                                          atoll(header(request, "webhook-timestamp")), DBK_TEXT(BODY),
                                          standard));
    assert_string_equal(header(request, "webhook-signature"), standard);
}

static void test_D79_both_secrets_sign_during_grace(void **state)
{
    (void)state;
    static const char before[] = "whsec_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    char url[128], hex[DBK_SIGNATURE_MAX], both[2 * DBK_SIGNATURE_MAX], second[DBK_SIGNATURE_MAX];
    allow_private();
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/ok", receiver.port);
    add_webhook_at("wh", url, before, true);
    announce("order.created");
    await_end("wh");
    const char *request = request_at(0), *id = header(request, "webhook-id");
    int64_t seconds = atoll(header(request, "webhook-timestamp"));
    assert_true(dbk_webhook_sign(dbk_text_from(before), DBK_TEXT(BODY), hex));
    assert_string_equal(header(request, "x-webhook-signature-previous"), hex);
    assert_true(
        dbk_webhook_sign_standard(DBK_TEXT(SECRET), dbk_text_from(id), seconds, DBK_TEXT(BODY), both));
    assert_true(
        dbk_webhook_sign_standard(dbk_text_from(before), dbk_text_from(id), seconds, DBK_TEXT(BODY), second));
    strcat(strcat(both, " "), second);
    assert_string_equal(header(request, "webhook-signature"), both);
}

static void test_D83_failures_are_tried_again_and_end(void **state)
{
    (void)state;
    allow_private();
    add_webhook("wh", "/fail");
    announce("order.created");
    row r = await_end("wh");
    assert_string_equal(r.state, "failed");
    assert_int_equal(r.attempts, 3);
    assert_int_equal(r.status, 500);
    assert_string_equal(r.answer, "no?!"); // what is no text is made one
    assert_int_equal(requests_count(), 3);
    // The same delivery each time.
    assert_string_equal(header(request_at(0), "webhook-id"), header(request_at(2), "webhook-id"));
}

static void test_D83_redirects_fail_and_are_not_followed(void **state)
{
    (void)state;
    allow_private();
    add_webhook("wh", "/away");
    announce("order.created");
    row r = await_end("wh");
    assert_string_equal(r.state, "failed");
    assert_int_equal(r.status, 302);
    for (int i = 0; i < requests_count(); i++)
        assert_memory_equal(request_at(i), "POST /away ", 11);
}

static void test_410_disables_the_webhook(void **state)
{
    (void)state;
    allow_private();
    add_webhook("wh", "/gone");
    announce("order.created");
    row r = await_end("wh");
    assert_string_equal(r.state, "failed");
    assert_int_equal(r.attempts, 1);
    assert_int_equal(r.status, 410);
    announce("order.created");
    dbk_deliverer_destroy(world.deliverer); // after this nothing is on its way any more
    world.deliverer = NULL;
    assert_int_equal(read_rows("wh", &r), 1);
}

static void test_old_deliveries_go_and_pending_ones_stay(void **state)
{
    (void)state;
    enum { DAYS = 90 };
    int64_t age = (int64_t)DAYS * 86400000, then = 1000;
    row r;
    allow_private();
    add_webhook("wh", "/ok");
    announce("order.created");
    await_end("wh");
    // Each sweep is a change before the next announcement's.
    dbk_deliveries_sweep(world.store, then + age);
    announce("nobody.listens");
    assert_int_equal(read_rows("wh", &r), 1);
    dbk_deliveries_sweep(world.store, then + age + 1);
    announce("nobody.listens");
    assert_int_equal(read_rows("wh", &r), 0);
    reopen(false, 0);
    announce("order.created");
    dbk_deliveries_sweep(world.store, then + 10 * age);
    announce("nobody.listens");
    assert_int_equal(read_rows("wh", &r), 1);
    assert_string_equal(r.state, "pending");
}

static void test_D84_answers_are_cut(void **state)
{
    (void)state;
    allow_private();
    add_webhook("wh", "/large");
    announce("order.created");
    row r = await_end("wh");
    assert_string_equal(r.state, "delivered"); // the status was 200; the rest is not read
    assert_int_equal(strlen(r.answer), DBK_DELIVERY_TEXT_MAX);
}

static void test_private_addresses_are_refused_however_they_are_spelled(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1",        "127.1",
                                        "0",         "localhost",  "[::1]",  "[::ffff:127.0.0.1]"};
    char id[16], url[128];
    for (size_t i = 0; i < DBK_COUNT(hosts); i++) {
        snprintf(id, sizeof(id), "wh%zu", i);
        snprintf(url, sizeof(url), "http://%s:%d/ok", hosts[i], receiver.port);
        add_webhook_at(id, url, NULL, true);
    }
    // Whatever a name resolves to and whatever the environment says.
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    announce("order.created");
    for (size_t i = 0; i < DBK_COUNT(hosts); i++) {
        snprintf(id, sizeof(id), "wh%zu", i);
        row r = await_end(id);
        assert_string_equal(r.state, "failed");
        assert_true(r.status == DBK_NULL);
        if (strcmp(r.error, "the URL leads to an address that is not public") != 0)
            fail_msg("%s: %s", hosts[i], r.error);
    }
    unsetenv("http_proxy");
    assert_int_equal(requests_count(), 0);
}

static void test_other_protocols_are_refused(void **state)
{
    (void)state;
    allow_private();
    add_webhook_at("wh0", "file:///etc/passwd", NULL, true);
    add_webhook_at("wh1", "gopher://127.0.0.1/x", NULL, true);
    announce("order.created");
    assert_string_equal(await_end("wh0").state, "failed");
    assert_string_equal(await_end("wh1").state, "failed");
}

static void test_only_active_webhooks_that_listen_are_sent_to(void **state)
{
    (void)state;
    row r;
    allow_private();
    add_webhook("wh", "/ok");
    add_webhook_at("off", "http://127.0.0.1:1/", NULL, false);
    announce("customer.created");
    announce("order.shipped");
    assert_string_equal(await_end("wh").state, "delivered");
    assert_int_equal(read_rows("off", &r), 0);
}

static void test_what_is_pending_survives_a_restart(void **state)
{
    (void)state;
    row r = {0};
    allow_private();
    add_webhook("wh", "/ok");
    reopen(false, 2); // stored, sent by nobody
    announce("order.created");
    reopen(false, 2);
    assert_int_equal(read_rows("wh", &r), 1);
    assert_string_equal(r.state, "pending");
    assert_int_equal(requests_count(), 0);
    reopen(true, 2);
    r = await_end("wh");
    assert_string_equal(r.state, "delivered");
    assert_int_equal(requests_count(), 1);
}

static void test_a_pause_under_way_survives_a_restart(void **state)
{
    (void)state;
    row r = {0};
    allow_private();
    add_webhook("wh", "/fail");
    reopen(true, 0); // the usual pauses: 5 seconds after the first
    announce("order.created");
    while (read_rows("wh", &r) != 1 || r.attempts != 1)
        poll(NULL, 0, 1);
    assert_string_equal(r.state, "pending");
    int64_t next = r.next;
    reopen(true, 0);
    assert_int_equal(read_rows("wh", &r), 1);
    assert_true(r.next == next && next != DBK_NULL);
    assert_int_equal(r.attempts, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_D82_a_delivery_is_signed_twice),
        TEST(test_D79_both_secrets_sign_during_grace),
        TEST(test_D83_failures_are_tried_again_and_end),
        TEST(test_D83_redirects_fail_and_are_not_followed),
        TEST(test_410_disables_the_webhook),
        TEST(test_D84_answers_are_cut),
        TEST(test_old_deliveries_go_and_pending_ones_stay),
        TEST(test_private_addresses_are_refused_however_they_are_spelled),
        TEST(test_other_protocols_are_refused),
        TEST(test_only_active_webhooks_that_listen_are_sent_to),
        TEST(test_what_is_pending_survives_a_restart),
        TEST(test_a_pause_under_way_survives_a_restart),
    };
    return cmocka_run_group_tests(tests, start_receiver, stop_receiver);
}
