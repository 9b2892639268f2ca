// SPDX-License-Identifier: Apache-2.0
// Last-Event-ID as a client sends it: whatever it is, a ring answers with a place that it has, and an id that
// is taken is the number that it shows.
#include "http/pos/event_ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS = 40, EVENTS_MAX = 16, FIRST_ID = 100 };

static void resume(const dbk_event_ring *ring, uint64_t id)
{
    uint64_t sequence;
    bool is_whole = dbk_event_ring_resume(ring, id, &sequence);
    if (sequence < ring->first || sequence > ring->next ||
        (is_whole && (id < ring->floor || id > ring->last_id)))
        abort();
    for (uint64_t i = ring->first; i < ring->next; i++)
        if ((dbk_event_ring_at(ring, i)->id > id) != (i >= sequence))
            abort();
}

static void read_back(dbk_text text, uint64_t id)
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)id);
    while (text.length > (uint32_t)length && text.data[0] == '0') {
        text.data++;
        text.length--;
    }
    if (text.length != (uint32_t)length || memcmp(text.data, digits, (size_t)length) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dbk_text text = {(const char *)data, (uint32_t)size};
    uint64_t id;
    if (dbk_event_id_parse(text, &id))
        read_back(text, id);
    dbk_event_ring ring;
    dbk_event_ring_init(&ring, EVENTS_MAX, 1 << 16, FIRST_ID);
    for (uint64_t i = 1; i <= EVENTS; i++)
        dbk_event_ring_append(&ring, FIRST_ID + i / 2 * 2, 1, "e", DBK_TEXT("{}"));
    resume(&ring, id);
    dbk_event_ring_dispose(&ring);
    return 0;
}
