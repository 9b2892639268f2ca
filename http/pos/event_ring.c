// SPDX-License-Identifier: Apache-2.0
// A ring of pointers: each event is one piece of memory with the bytes that every stream sends.
#include "http/pos/event_ring.h"

#include <stdlib.h>
#include <string.h>

bool dbk_event_id_parse(dbk_text text, uint64_t *out)
{
    enum { DIGITS_MAX = 19 }; // 10^19 - 1 fits
    *out = 0;
    if (text.length == 0 || text.length > DIGITS_MAX)
        return false;
    for (uint32_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(text.data[i] - '0');
    }
    return true;
}

void dbk_event_ring_init(dbk_event_ring *ring, size_t events_max, size_t bytes_max, uint64_t floor)
{
    *ring = (dbk_event_ring){.events_max = events_max,
                             .bytes_max = bytes_max,
                             .gap = UINT64_MAX,
                             .floor = floor,
                             .last_id = floor};
}

static void drop_first(dbk_event_ring *ring)
{
    dbk_event **place = &ring->events[ring->first % ring->capacity];
    ring->bytes -= (*place)->size;
    if ((*place)->id > ring->floor)
        ring->floor = (*place)->id;
    free(*place);
    *place = NULL;
    ring->first++;
}

void dbk_event_ring_dispose(dbk_event_ring *ring)
{
    while (ring->first < ring->next)
        drop_first(ring);
    free(ring->events);
    *ring = (dbk_event_ring){0};
}

void dbk_event_ring_miss(dbk_event_ring *ring, uint64_t id)
{
    if (id <= ring->floor)
        return;
    while (ring->first < ring->next)
        drop_first(ring);
    ring->gap = ring->next++;
    ring->first = ring->next;
    if (ring->floor < id)
        ring->floor = id;
    if (ring->last_id < id)
        ring->last_id = id;
}

// JSON of our own has no line breaks; what was stored long ago may: each line is a `data:` of its own.
static void write_data(dbk_buffer *out, dbk_text data)
{
    const char *at = data.data, *end = data.data + data.length;
    for (;;) {
        const char *stop = at;
        while (stop < end && *stop != '\n' && *stop != '\r')
            stop++;
        dbk_buffer_append(out, "data: ", 6);
        dbk_buffer_append(out, at, (size_t)(stop - at));
        dbk_buffer_u8(out, '\n');
        if (stop == end)
            return;
        at = stop + 1;
    }
}

static dbk_event *make(uint64_t id, unsigned channels, const char *name, dbk_text data)
{
    dbk_buffer text = {0};
    dbk_buffer_format(&text, "event: %s\n", name);
    size_t name_size = text.size;
    write_data(&text, data);
    // The id comes last: there are clients that take it for seen as soon as they read it, whole event or not.
    dbk_buffer_format(&text, "id: %llu\n\n", (unsigned long long)id);
    dbk_event *event = text.failed || text.size > UINT32_MAX ? NULL : malloc(sizeof(*event) + text.size);
    if (event != NULL) {
        *event = (dbk_event){
            .id = id, .channels = channels, .name_size = (uint32_t)name_size, .size = (uint32_t)text.size};
        memcpy(event->bytes, text.data, text.size);
    }
    dbk_buffer_dispose(&text);
    return event;
}

// Room for one more, as long as there may be more.
static bool grow(dbk_event_ring *ring)
{
    uint64_t count = ring->next - ring->first;
    if (count < ring->capacity || count >= ring->events_max)
        return true;
    size_t capacity = ring->capacity > 0 ? ring->capacity * 2 : 16;
    if (capacity > ring->events_max)
        capacity = ring->events_max;
    dbk_event **events = malloc(capacity * sizeof(*events));
    if (events == NULL)
        return false;
    for (uint64_t i = ring->first; i < ring->next; i++)
        events[i % capacity] = ring->events[i % ring->capacity];
    free(ring->events);
    ring->events = events;
    ring->capacity = capacity;
    return true;
}

void dbk_event_ring_append(dbk_event_ring *ring, uint64_t id, unsigned channels, const char *name,
                           dbk_text data)
{
    dbk_event *event = grow(ring) ? make(id, channels, name, data) : NULL;
    if (event == NULL) {
        dbk_event_ring_miss(ring, id);
        return;
    }
    while (ring->first < ring->next &&
           (ring->next - ring->first == ring->capacity || ring->bytes + event->size > ring->bytes_max))
        drop_first(ring);
    ring->events[ring->next % ring->capacity] = event;
    ring->next++;
    ring->bytes += event->size;
    if (ring->last_id < id)
        ring->last_id = id;
}

bool dbk_event_ring_resume(const dbk_event_ring *ring, uint64_t last_id, uint64_t *sequence)
{
    uint64_t from = ring->first, to = ring->next;
    while (from < to) {
        uint64_t middle = from + (to - from) / 2;
        if (dbk_event_ring_at(ring, middle)->id <= last_id)
            from = middle + 1;
        else
            to = middle;
    }
    *sequence = from;
    return last_id >= ring->floor && last_id <= ring->last_id;
}

const dbk_event *dbk_event_ring_at(const dbk_event_ring *ring, uint64_t sequence)
{
    return ring->events[sequence % ring->capacity];
}
