// SPDX-License-Identifier: Apache-2.0
// The hub's thread: rows become events, events become bytes on streams.
//
// Writing to a stream wakes its event loop, which answers other requests as well. So the streams of a large
// audience are not written to at once but some at a time, with a pause that lets the loops do what is theirs.
// Who comes later in the round gets more events in one piece; nobody gets them late by more than the round.
#include "http/pos/hub.h"

#include "engine/base/clock.h"
#include "http/app/row_batch.h"
#include "http/pos/event_order.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ROWS_AT_ONCE = 256,       // made into events by one query
    WRITES_AT_ONCE = 32,      // to streams, before …
    PAUSE_MS = 1,             // … this
    STRAGGLERS_MS = 20,       // until who is behind is looked at again
    PIECE_BYTES = 32 << 10,   // of events in one write
    EVENT_BYTES_MAX = 2 << 20 // larger ones would not fit into a stream's queue: they count as missing
};

// ---- Rows to events ----

typedef struct maker {
    dbk_pos_events *events;
    dbk_company *company;
    dbk_waiting_row rows[ROWS_AT_ONCE];
    size_t count;
    uint64_t missing_to;
    uint64_t made;
} maker;

static bool take_rows(maker *m)
{
    dbk_company *c = m->company;
    pthread_mutex_lock(&m->events->mutex);
    m->missing_to = c->missing_to;
    while (m->count < ROWS_AT_ONCE && c->waiting_count > 0) {
        m->rows[m->count++] = c->waiting[c->waiting_from];
        c->waiting_from = (c->waiting_from + 1) % c->waiting_capacity;
        c->waiting_count--;
    }
    bool has_more = c->waiting_count > 0;
    pthread_mutex_unlock(&m->events->mutex);
    return has_more;
}

static dbk_text id_of(const dbk_waiting_row *row)
{
    return (dbk_text){row->id, row->id_length};
}

static void add(maker *m, uint64_t id, unsigned channels, const char *name, dbk_buffer *json)
{
    if (json->failed || json->size > EVENT_BYTES_MAX) {
        dbk_event_ring_miss(&m->company->ring, id);
    } else {
        dbk_event_ring_append(&m->company->ring, id, channels, name,
                              (dbk_text){(const char *)json->data, (uint32_t)json->size});
        m->made++;
    }
    dbk_buffer_dispose(json);
    *json = (dbk_buffer){0};
}

static void add_order(maker *m, const dbk_event_orders *orders, const dbk_waiting_row *row, uint64_t id,
                      unsigned channels, const char *name, dbk_order_shape shape)
{
    dbk_buffer json = {0};
    dbk_out out = dbk_out_init(&json);
    dbk_event_order_write(&out, orders, id_of(row), row->status, shape);
    add(m, id, channels, name, &json);
}

static void make_of_order(maker *m, const dbk_event_orders *orders, const dbk_waiting_row *row)
{
    enum { ALL = DBK_POS_CASHIER | DBK_POS_DISPLAY | DBK_POS_PRINTER };
    uint64_t id = row->first_id;
    if (row->kinds & DBK_ORDER_NEW)
        add_order(m, orders, row, id++, DBK_POS_CASHIER, "new-order", DBK_SHAPE_FOOD_ID);
    if (row->kinds & DBK_ORDER_CONFIRMED) {
        add_order(m, orders, row, id, DBK_POS_CASHIER | DBK_POS_DISPLAY, "confirmed-order", DBK_SHAPE_BRIEF);
        add_order(m, orders, row, id++, DBK_POS_PRINTER, "confirmed-order", DBK_SHAPE_FOOD);
    }
    if (row->kinds & DBK_ORDER_CHANGED)
        add_order(m, orders, row, id++, DBK_POS_CASHIER | DBK_POS_DISPLAY, "order-status-update",
                  DBK_SHAPE_STATUS);
    if (row->kinds & DBK_ORDER_CANCELLED)
        add_order(m, orders, row, id++, ALL, "order-cancelled", DBK_SHAPE_STATUS);
}

// PA13: the report as it was answered, with the register that asked.
static void make_of_closure(maker *m, const dbk_snapshot *snapshot, const dbk_waiting_row *row)
{
    static const char *const fields[] = {"report", "cash_register_id"};
    dbk_result *result = NULL;
    dbk_buffer json = {.failed = true};
    if (dbk_stored_row(snapshot, dbk_text_from(m->company->name), DBK_CLOSURES, id_of(row), fields,
                       DBK_COUNT(fields), &result, NULL) == DBK_OK &&
        dbk_result_rows(result) == 1) {
        dbk_text report = dbk_result_text(result, 0, 0);
        json = (dbk_buffer){.failed = report.length < 2 || report.data[report.length - 1] != '}'};
        if (!json.failed)
            dbk_buffer_append(&json, report.data, report.length - 1);
        dbk_out out = {.out = &json, .comma = report.length > 2};
        dbk_out_key(&out, "cashRegister");
        dbk_out_text(&out, dbk_result_text(result, 0, 1));
        dbk_buffer_u8(&json, '}');
    }
    add(m, row->first_id, DBK_POS_PRINTER, "general-closure", &json);
    if (result != NULL)
        dbk_result_free(result);
}

// The newest snapshot has all that was observed, because it was published first.
static void make(maker *m)
{
    dbk_value ids[ROWS_AT_ONCE];
    dbk_event_orders orders = {0};
    int ids_count = 0;
    for (size_t i = 0; i < m->count; i++)
        if (m->rows[i].table == DBK_ORDERS)
            ids[ids_count++] = (dbk_value){.kind = DBK_VALUE_TEXT, .text = id_of(&m->rows[i])};
    dbk_read read = dbk_read_begin(m->events->db);
    dbk_status status = DBK_OK;
    if (ids_count > 0)
        status = dbk_event_orders_read(read.snapshot, dbk_text_from(m->company->name), ids, ids_count,
                                       &orders, NULL);
    for (size_t i = 0; i < m->count; i++) {
        if (m->rows[i].table == DBK_CLOSURES)
            make_of_closure(m, read.snapshot, &m->rows[i]);
        else if (status == DBK_OK)
            make_of_order(m, &orders, &m->rows[i]);
        else // memory is out
            dbk_event_ring_miss(&m->company->ring,
                                m->rows[i].first_id + (uint64_t)__builtin_popcount(m->rows[i].kinds) - 1);
    }
    dbk_read_end(m->events->db, &read);
    dbk_event_orders_dispose(&orders);
}

static void ensure_ring(dbk_pos_events *events, dbk_company *c)
{
    if (c->ring.events_max > 0)
        return;
    pthread_mutex_lock(&events->mutex);
    uint64_t floor = c->ignored_to;
    pthread_mutex_unlock(&events->mutex);
    dbk_event_ring_init(&c->ring, (size_t)events->options.ring_events, events->options.ring_bytes, floor);
}

// Makes the events of what waits, some rows of it, and puts them into the ring. True: more waits.
static bool make_events(dbk_pos_events *events, dbk_company *company)
{
    maker m;
    m.events = events;
    m.company = company;
    m.count = 0;
    m.made = 0;
    ensure_ring(events, company);
    bool has_more = take_rows(&m);
    uint64_t before = company->ring.next;
    dbk_event_ring_miss(&company->ring, m.missing_to);
    if (m.count > 0)
        make(&m);
    if (company->ring.next != before)
        company->is_dirty = true;
    if (m.made > 0) {
        pthread_mutex_lock(&events->mutex);
        events->figures.published += m.made;
        pthread_mutex_unlock(&events->mutex);
    }
    return has_more;
}

// ---- Events to streams ----

static void count(dbk_pos_events *events, uint64_t *figure)
{
    pthread_mutex_lock(&events->mutex);
    ++*figure;
    pthread_mutex_unlock(&events->mutex);
}

// The id is where the gap ends: who is cut off again here goes on behind it.
static void say_reset(dbk_pos_events *events, const dbk_listener *l, dbk_buffer *out)
{
    const dbk_event_ring *ring = &l->company->ring;
    dbk_buffer_format(out, "%sdata: {\"reset\":true}\nid: %llu\n\n", l->is_unnamed ? "" : "event: reset\n",
                      (unsigned long long)(l->sequence == ring->next ? ring->last_id : ring->floor));
    count(events, &events->figures.resets);
}

// A new stream is greeted and told where it starts.
static void greet(dbk_pos_events *events, dbk_listener *l)
{
    dbk_buffer *text = &events->scratch;
    const dbk_event_ring *ring = &l->company->ring;
    dbk_buffer_reset(text);
    dbk_buffer_format(text, "retry: %d\n", events->options.retry_ms);
    l->sequence = ring->next;
    l->comments = events->comments;
    if (l->is_resuming && dbk_event_ring_resume(ring, l->last_id, &l->sequence)) {
        dbk_buffer_u8(text, '\n');
    } else if (l->is_resuming) {
        say_reset(events, l, text);
    } else {
        // What the client comes back with when it is cut off before its first event. Some clients keep an id
        // only with an event; those that hear events by name are given one that nobody has to listen to.
        dbk_buffer_format(text, "%sid: %llu\n\n", l->is_unnamed ? "" : "event: ready\ndata: {}\n",
                          (unsigned long long)ring->last_id);
    }
    if (!text->failed)
        dbk_stream_write(l->stream, text->data, text->size);
}

// Appends what the listener has not got yet, up to a piece; *sequence moves on.
static void gather(const dbk_listener *l, dbk_buffer *out, uint64_t *sequence)
{
    const dbk_event_ring *ring = &l->company->ring;
    while (*sequence < ring->next && out->size < PIECE_BYTES && !out->failed) {
        const dbk_event *event = dbk_event_ring_at(ring, (*sequence)++);
        uint32_t from = l->is_unnamed ? event->name_size : 0;
        if (event->channels & l->channel)
            dbk_buffer_append(out, event->bytes + from, event->size - from);
    }
}

static bool is_gone(dbk_pos_events *events, const dbk_listener *l)
{
    pthread_mutex_lock(&events->mutex);
    bool result = l->is_gone;
    pthread_mutex_unlock(&events->mutex);
    return result;
}

typedef enum visit { VISIT_NOTHING, VISIT_WROTE, VISIT_BEHIND, VISIT_DROP } visit;

static visit visit_listener(dbk_pos_events *events, dbk_listener *l)
{
    const dbk_event_ring *ring = &l->company->ring;
    if (l->sequence >= ring->next && l->comments == events->comments)
        return VISIT_NOTHING;
    // One that has all that was before a gap goes on behind it. Whom more has passed is dropped.
    bool is_at_gap = l->sequence == ring->gap;
    if (l->sequence < ring->first && !is_at_gap)
        return VISIT_DROP;
    // Who has not taken the last pieces gets no more; a comment, which is for idle streams, it does not need.
    l->is_behind = dbk_stream_queued(l->stream) >= 2 * PIECE_BYTES;
    if (l->is_behind) {
        l->comments = events->comments;
        return VISIT_BEHIND;
    }
    dbk_buffer *text = &events->scratch;
    uint64_t sequence = l->sequence;
    dbk_buffer_reset(text);
    if (l->comments != events->comments)
        dbk_buffer_format(text, ": keep-alive\n\n");
    if (is_at_gap) {
        l->sequence = sequence = ring->first;
        say_reset(events, l, text);
    }
    gather(l, text, &sequence);
    if (text->failed) {
        dbk_buffer_dispose(text);
        *text = (dbk_buffer){0};
        return VISIT_BEHIND;
    }
    l->comments = events->comments;
    l->sequence = sequence;
    if (text->size > 0 && !dbk_stream_write(l->stream, text->data, text->size))
        return is_gone(events, l) ? VISIT_NOTHING : VISIT_DROP;
    if (l->sequence < ring->next)
        l->company->has_stragglers = true;
    return text->size > 0 ? VISIT_WROTE : VISIT_NOTHING;
}

// Gives listeners what they have not got yet, at most *budget writes.
static void sweep(dbk_pos_events *events, dbk_company *c, int *budget)
{
    if (!c->is_sweeping)
        c->is_dirty = c->has_stragglers = false;
    c->is_sweeping = true;
    while (c->at<c->count && * budget> 0) {
        dbk_listener *l = c->listeners[c->at++];
        switch (visit_listener(events, l)) {
        case VISIT_NOTHING:
            break;
        case VISIT_WROTE:
            --*budget;
            break;
        case VISIT_BEHIND:
            c->has_stragglers = true;
            break;
        case VISIT_DROP:
            count(events, &events->figures.dropped);
            dbk_listener_end(events, l);
            break;
        }
    }
    if (c->at < c->count)
        return;
    c->at = 0;
    c->is_sweeping = false;
}

// ---- Coming and going ----

static void enter(dbk_pos_events *events, dbk_listener *l)
{
    dbk_company *c = l->company;
    if (c->count == c->capacity) {
        size_t capacity = c->capacity > 0 ? c->capacity * 2 : 8;
        dbk_listener **grown = realloc(c->listeners, capacity * sizeof(dbk_listener *));
        if (grown == NULL) {
            dbk_listener_end(events, l);
            return;
        }
        c->listeners = grown;
        c->capacity = capacity;
    }
    c->listeners[c->count++] = l;
    // Whether it has missed something can be said when everything that was stored before it came is in the
    // ring. No more than the ring holds can wait, so this ends although more may be stored meanwhile.
    int turns = 1 + events->options.ring_events / ROWS_AT_ONCE;
    while (make_events(events, c) && turns > 0)
        turns--;
    greet(events, l);
    if (l->sequence < c->ring.next)
        c->is_dirty = true;
}

// The last takes its place. It may be one that this sweep has not met: then another sweep follows.
static void leave(dbk_company *c, const dbk_listener *l)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->listeners[i] != l)
            continue;
        c->listeners[i] = c->listeners[--c->count];
        c->is_dirty = true;
        if (c->at > c->count)
            c->at = c->count;
        break;
    }
}

void dbk_listener_end(dbk_pos_events *events, dbk_listener *l)
{
    leave(l->company, l);
    pthread_mutex_lock(&events->mutex);
    events->figures.streams--;
    pthread_mutex_unlock(&events->mutex);
    dbk_stream_end(l->stream, false);
    // Its going may have been told meanwhile; it will not be any more.
    pthread_mutex_lock(&events->mutex);
    for (dbk_listener **at = &events->gone; *at != NULL; at = &(*at)->next) {
        if (*at == l) {
            *at = l->next;
            break;
        }
    }
    pthread_mutex_unlock(&events->mutex);
    free(l);
}

static dbk_listener *take(dbk_pos_events *events, dbk_listener **list)
{
    pthread_mutex_lock(&events->mutex);
    dbk_listener *l = *list;
    if (l != NULL)
        *list = l->next;
    bool is_gone = l != NULL && l->is_gone;
    if (l != NULL && list == &events->arrived) {
        l->is_known = !is_gone;
        l->company->expected--;
    }
    pthread_mutex_unlock(&events->mutex);
    return l;
}

static void let_in_and_out(dbk_pos_events *events)
{
    dbk_listener *l;
    while ((l = take(events, &events->arrived)) != NULL) {
        if (l->is_known)
            enter(events, l);
        else
            dbk_listener_end(events, l);
    }
    while ((l = take(events, &events->gone)) != NULL) {
        if (l->is_behind)
            count(events, &events->figures.dropped);
        dbk_listener_end(events, l);
    }
}

// A tenant that nobody has listened to for a while costs nothing any more.
static void retire(dbk_pos_events *events, dbk_company *c)
{
    int64_t now = dbk_clock_steady_ms();
    if (c->count > 0 || c->left_at_ms == 0) {
        c->left_at_ms = c->count > 0 ? 0 : now;
        return;
    }
    if (now - c->left_at_ms < events->options.linger_ms)
        return;
    pthread_mutex_lock(&events->mutex);
    bool is_left = c->expected == 0;
    if (is_left) {
        c->is_heard = false;
        c->ignored_to = c->last_id;
        c->waiting_count = 0;
    }
    pthread_mutex_unlock(&events->mutex);
    if (is_left)
        dbk_event_ring_dispose(&c->ring);
    c->left_at_ms = 0;
}

// ---- The thread ----

typedef enum turn { TURN_IDLE, TURN_STRAGGLERS, TURN_BUSY } turn;

static bool is_heard(dbk_pos_events *events, const dbk_company *c)
{
    pthread_mutex_lock(&events->mutex);
    bool result = c->is_heard;
    pthread_mutex_unlock(&events->mutex);
    return result;
}

static turn take_company_turn(dbk_pos_events *events, dbk_company *c, bool is_comment_due, int *budget)
{
    if (!is_heard(events, c))
        return TURN_IDLE;
    bool has_more = make_events(events, c);
    c->is_dirty |= is_comment_due;
    if (*budget > 0 && (c->is_dirty || c->is_sweeping || c->has_stragglers))
        sweep(events, c, budget);
    if (is_comment_due)
        retire(events, c);
    if (has_more || c->is_dirty || c->is_sweeping)
        return TURN_BUSY;
    return c->has_stragglers ? TURN_STRAGGLERS : TURN_IDLE;
}

static turn take_turn(dbk_pos_events *events)
{
    int budget = WRITES_AT_ONCE;
    bool is_comment_due = dbk_clock_steady_ms() >= events->next_comment_ms;
    turn result = TURN_IDLE;
    if (is_comment_due) {
        events->comments++;
        events->next_comment_ms = dbk_clock_steady_ms() + events->options.keep_alive_ms;
    }
    let_in_and_out(events);
    for (int b = 0; b < DBK_COMPANY_BUCKETS; b++) {
        pthread_mutex_lock(&events->mutex);
        dbk_company *c = events->companies[b];
        pthread_mutex_unlock(&events->mutex);
        for (; c != NULL; c = c->next) {
            turn company = take_company_turn(events, c, is_comment_due, &budget);
            result = company > result ? company : result;
        }
    }
    return result;
}

static void sleep_ms(dbk_pos_events *events, int64_t ms, bool can_be_called)
{
    struct timespec until = dbk_clock_steady_after(ms);
    pthread_mutex_lock(&events->mutex);
    while (!events->is_stopping && !(can_be_called && events->is_called))
        if (pthread_cond_timedwait(&events->work, &events->mutex, &until) != 0)
            break;
    events->is_called = false;
    pthread_mutex_unlock(&events->mutex);
}

void *dbk_hub_run(void *user)
{
    dbk_pos_events *events = user;
    for (;;) {
        pthread_mutex_lock(&events->mutex);
        bool is_stopping = events->is_stopping;
        pthread_mutex_unlock(&events->mutex);
        if (is_stopping)
            return NULL;
        switch (take_turn(events)) {
        case TURN_BUSY:
            sleep_ms(events, PAUSE_MS, false);
            break;
        case TURN_STRAGGLERS:
            sleep_ms(events, STRAGGLERS_MS, true);
            break;
        case TURN_IDLE: {
            int64_t left = events->next_comment_ms - dbk_clock_steady_ms();
            sleep_ms(events, left > 0 ? left : 0, true);
            break;
        }
        }
    }
}
