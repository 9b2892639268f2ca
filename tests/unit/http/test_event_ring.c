// SPDX-License-Identifier: Apache-2.0
// The ring of a tenant's events and the ids by which clients come back (PA13).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "http/pos/event_ring.h"
#include "tests/support/seed.h"

#include <string.h>

static void assert_bytes(const dbk_event *event, const char *text)
{
    assert_int_equal(event->size, strlen(text));
    assert_memory_equal(event->bytes, text, event->size);
}

static void test_bytes(void **state)
{
    (void)state;
    dbk_event_ring ring;
    dbk_event_ring_init(&ring, 4, 1000, 0);
    dbk_event_ring_append(&ring, 7, 1, "new-order", DBK_TEXT("{\"a\":1}"));
    const dbk_event *event = dbk_event_ring_at(&ring, 0);
    assert_bytes(event, "event: new-order\ndata: {\"a\":1}\nid: 7\n\n");
    assert_int_equal(event->name_size, strlen("event: new-order\n"));
    dbk_event_ring_append(&ring, 8, 1, "x", DBK_TEXT("{\n}\r\n"));
    assert_bytes(dbk_event_ring_at(&ring, 1), "event: x\ndata: {\ndata: }\ndata: \ndata: \nid: 8\n\n");
    dbk_event_ring_dispose(&ring);
}

static void test_ids(void **state)
{
    (void)state;
    uint64_t id;
    assert_true(dbk_event_id_parse(DBK_TEXT("0"), &id) && id == 0);
    assert_true(dbk_event_id_parse(DBK_TEXT("9999999999999999999"), &id) && id == 9999999999999999999u);
    static const char *const bad[] = {"", "-1", "1 ", "x", "1.0", "99999999999999999999", "0x1"};
    for (size_t i = 0; i < DBK_COUNT(bad); i++)
        assert_false(dbk_event_id_parse(dbk_text_from(bad[i]), &id));
    // A change's last id is below every id of the next.
    for (uint64_t n = 0; n < 1000; n++)
        assert_true(dbk_event_position(n) + 2 <= dbk_event_position(n + 1) - (1u << (DBK_EVENT_ID_BITS - 1)));
}

// The naive twin: every event that ever was, and what is known to be missing.
enum { EVENTS_MAX = 4000, RING = 37, RING_BYTES = 2000 };

typedef struct twin {
    uint64_t ids[EVENTS_MAX];
    size_t sizes[EVENTS_MAX];
    size_t count, first;
    uint64_t floor;
} twin;

static void twin_trim(twin *t)
{
    size_t bytes = 0, from = t->count;
    while (from > t->first && t->count - from < RING &&
           (bytes + t->sizes[from - 1] <= RING_BYTES || from == t->count))
        bytes += t->sizes[--from];
    while (t->first < from) {
        uint64_t id = t->ids[t->first++];
        t->floor = id > t->floor ? id : t->floor;
    }
}

static void assert_same(const dbk_event_ring *ring, const twin *t, uint64_t last_id)
{
    uint64_t sequence;
    size_t expected = t->first;
    while (expected < t->count && t->ids[expected] <= last_id)
        expected++;
    uint64_t newest = t->count > t->first ? t->ids[t->count - 1] : t->floor;
    assert_int_equal(dbk_event_ring_resume(ring, last_id, &sequence),
                     last_id >= t->floor && last_id <= newest);
    assert_int_equal(ring->next - sequence, t->count - expected);
    for (size_t i = expected; i < t->count; i++)
        assert_int_equal(dbk_event_ring_at(ring, sequence + (i - expected))->id, t->ids[i]);
}

static void test_like_a_list_of_everything(void **state)
{
    (void)state;
    dbk_random random = dbk_test_random("ring");
    static const char data[200] = {[0 ... 199] = 'x'};
    static twin t;
    uint64_t id = dbk_random_below(&random, 100);
    dbk_event_ring ring;
    dbk_event_ring_init(&ring, RING, RING_BYTES, id);
    t = (twin){.floor = id};
    for (int i = 0; i < EVENTS_MAX; i++) {
        id += dbk_random_below(&random, 3);
        if (dbk_random_below(&random, 200) == 0) {
            id += 5;
            dbk_event_ring_miss(&ring, id);
            t.floor = id;
            t.first = t.count;
            assert_true(ring.gap + 1 == ring.first && ring.first == ring.next);
        }
        id += t.first == t.count; // an id that is missing is not given again
        uint32_t length = (uint32_t)dbk_random_below(&random, sizeof(data));
        dbk_event_ring_append(&ring, id, 1, "e", (dbk_text){data, length});
        t.ids[t.count] = id;
        t.sizes[t.count++] = dbk_event_ring_at(&ring, ring.next - 1)->size;
        twin_trim(&t);
        assert_int_equal(ring.next - ring.first, t.count - t.first);
        assert_int_equal(ring.floor, t.floor);
        assert_int_equal(ring.last_id, id);
        assert_same(&ring, &t, id - dbk_random_below(&random, 100 < id ? 100 : id));
        assert_same(&ring, &t, t.floor);
        assert_same(&ring, &t, id + 1);
    }
    dbk_event_ring_dispose(&ring);
}

static void test_one_event_larger_than_the_ring(void **state)
{
    (void)state;
    dbk_event_ring ring;
    uint64_t sequence;
    dbk_event_ring_init(&ring, 8, 60, 0);
    for (uint64_t id = 1; id <= 3; id++)
        dbk_event_ring_append(&ring, id, 1, "e",
                              DBK_TEXT("[0123456789012345678901234567890123456789012345678]"));
    assert_int_equal(ring.next - ring.first, 1);
    assert_true(dbk_event_ring_resume(&ring, 2, &sequence));
    assert_false(dbk_event_ring_resume(&ring, 1, &sequence));
    dbk_event_ring_miss(&ring, 2); // known already
    assert_int_equal(ring.next - ring.first, 1);
    dbk_event_ring_dispose(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_like_a_list_of_everything),
        cmocka_unit_test(test_one_event_larger_than_the_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
