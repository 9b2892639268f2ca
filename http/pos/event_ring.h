// SPDX-License-Identifier: Apache-2.0
// The newest events of one tenant, as the bytes that go onto a stream, and the ids by which clients come
// back. Of one thread at a time.
//
// The ids of the events of change N end at the position of N: the id that says "everything up to and with
// change N". So a client that has seen the last event of a change has nothing to ask for when the ring is
// made anew from the number of a change.
#ifndef DBK_EVENT_RING_H
#define DBK_EVENT_RING_H

#include "engine/base/bytes.h"
#include "engine/base/types.h"

// More events than one change can hold: a body of 16 MiB is fewer than 700,000 orders, with two ids each.
enum { DBK_EVENT_ID_BITS = 21 };

static inline uint64_t dbk_event_position(uint64_t number)
{
    return ((number + 1) << DBK_EVENT_ID_BITS) - 1;
}

// An id as a client sends it back: digits alone. false: it is none of ours.
bool dbk_event_id_parse(dbk_text text, uint64_t *out);

typedef struct dbk_event {
    uint64_t id;
    unsigned channels;
    uint32_t name_size; // of the line that begins the bytes, `event: …`, and is left out on unnamed streams
    uint32_t size;
    char bytes[]; // "event: name\ndata: {}\nid: 1\n\n"
} dbk_event;

// Events are numbered from 0 in the order they came: [first, next) are there. What is missing between two
// events has a number too, `gap`, which is never in the ring: so who has come up to there can be told.
typedef struct dbk_event_ring {
    dbk_event **events; // by sequence modulo capacity, which grows up to events_max
    size_t capacity, events_max, bytes, bytes_max;
    uint64_t first, next;
    uint64_t gap;     // of the newest gap; UINT64_MAX = there was none
    uint64_t floor;   // every event with a larger id is in the ring
    uint64_t last_id; // of the newest event that ever was in it, or the floor
} dbk_event_ring;

// A ring of at most so many events and bytes (at least one event stays).
void dbk_event_ring_init(dbk_event_ring *ring, size_t events_max, size_t bytes_max, uint64_t floor);
void dbk_event_ring_dispose(dbk_event_ring *ring);

// Adds an event; `name` is a constant without line breaks. Ids that do not grow are no error of anybody's:
// several entries may carry the same one, for different channels. Old events make room. When memory is out
// the event is missing, and the floor says so.
void dbk_event_ring_append(dbk_event_ring *ring, uint64_t id, unsigned channels, const char *name,
                           dbk_text data);
// Events up to this id are missing, or may be.
void dbk_event_ring_miss(dbk_event_ring *ring, uint64_t id);

// Where a client goes on that has seen everything up to last_id: the sequence of the next event. false:
// events between that and the ring are missing, or the id is larger than any that was given: then the client
// has seen another history (a backup was restored since).
bool dbk_event_ring_resume(const dbk_event_ring *ring, uint64_t last_id, uint64_t *sequence);
// sequence in [first, next).
const dbk_event *dbk_event_ring_at(const dbk_event_ring *ring, uint64_t sequence);

#endif
