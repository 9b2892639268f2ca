// SPDX-License-Identifier: Apache-2.0
// Stored rows on their way to the hub: given their ids on the writer's thread, in the order of the commits,
// and kept for the hub's thread if somebody listens.
#include "http/pos/hub.h"

#include "engine/base/hash.h"
#include "http/pos/event_order.h"

#include <stdlib.h>
#include <string.h>

const dbk_watch dbk_pos_watches[DBK_POS_WATCHES] = {
    {.table = DBK_ORDERS, .where = "kind", .is = "pos", .column = "status"},
    {.table = DBK_CLOSURES},
};

dbk_company *dbk_company_obtain(dbk_pos_events *events, dbk_text tenant)
{
    dbk_company **bucket =
        &events->companies[dbk_hash_bytes(tenant.data, tenant.length) % DBK_COMPANY_BUCKETS];
    for (dbk_company *c = *bucket; c != NULL; c = c->next)
        if (dbk_text_equal(dbk_text_from(c->name), tenant))
            return c;
    dbk_company *company = tenant.length <= DBK_TENANT_NAME_MAX ? calloc(1, sizeof(*company)) : NULL;
    if (company == NULL)
        return NULL;
    memcpy(company->name, tenant.data, tenant.length);
    company->ignored_to = company->last_id = events->base;
    company->next = *bucket;
    *bucket = company;
    return company;
}

static unsigned kinds_of(const dbk_watched_row *row)
{
    // A closure is never changed; one that is written again has been told before.
    return row->table == DBK_ORDERS ? dbk_order_events_of(row) : row->was_there ? 0 : 1;
}

static bool reserve(dbk_company *c, size_t capacity_max)
{
    if (c->waiting_count < c->waiting_capacity)
        return true;
    size_t capacity = c->waiting_capacity > 0 ? c->waiting_capacity * 2 : 16;
    if (capacity > capacity_max)
        return false;
    dbk_waiting_row *rows = malloc(capacity * sizeof(*rows));
    if (rows == NULL)
        return false;
    for (size_t i = 0; i < c->waiting_count; i++)
        rows[i] = c->waiting[(c->waiting_from + i) % c->waiting_capacity];
    free(c->waiting);
    c->waiting = rows;
    c->waiting_from = 0;
    c->waiting_capacity = capacity;
    return true;
}

static uint64_t last_id_of(const dbk_waiting_row *row)
{
    return row->first_id + (uint64_t)__builtin_popcount(row->kinds) - 1;
}

// The newest rows are kept: what falls out here would have fallen out of the ring.
static void push(dbk_pos_events *events, dbk_company *c, const dbk_watched_row *row, unsigned kinds,
                 uint64_t first_id)
{
    dbk_waiting_row waiting = {.table = row->table,
                               .kinds = kinds,
                               .first_id = first_id,
                               .status = row->after,
                               .id_length = row->id_length};
    memcpy(waiting.id, row->id, row->id_length);
    if (!reserve(c, (size_t)events->options.ring_events)) {
        if (c->waiting_count == 0) {
            c->missing_to = last_id_of(&waiting);
            return;
        }
        c->missing_to = last_id_of(&c->waiting[c->waiting_from]);
        c->waiting_from = (c->waiting_from + 1) % c->waiting_capacity;
        c->waiting_count--;
    }
    c->waiting[(c->waiting_from + c->waiting_count++) % c->waiting_capacity] = waiting;
}

// The rows of one change: their ids end at its position, unless that was passed already.
static void take_change(dbk_pos_events *events, const dbk_watched_row *rows, size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += (uint64_t)__builtin_popcount(kinds_of(&rows[i]));
    dbk_company *c = total > 0 ? dbk_company_obtain(events, rows[0].tenant) : NULL;
    if (c == NULL)
        return;
    uint64_t id = dbk_event_position(rows[0].number) - total + 1;
    if (id <= c->last_id)
        id = c->last_id + 1;
    c->last_id = id + total - 1;
    c->is_heard = c->is_heard || events->is_recalling;
    if (!c->is_heard) {
        c->ignored_to = c->last_id;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        unsigned kinds = kinds_of(&rows[i]);
        if (kinds != 0)
            push(events, c, &rows[i], kinds, id);
        id += (uint64_t)__builtin_popcount(kinds);
    }
    events->is_called = true;
}

static void miss(dbk_pos_events *events, uint64_t id)
{
    if (events->base < id)
        events->base = id;
    for (int b = 0; b < DBK_COMPANY_BUCKETS; b++) {
        for (dbk_company *c = events->companies[b]; c != NULL; c = c->next) {
            c->missing_to = c->missing_to < id ? id : c->missing_to;
            c->ignored_to = c->ignored_to < id ? id : c->ignored_to;
            c->last_id = c->last_id < id ? id : c->last_id;
        }
    }
    events->is_called = true;
}

void dbk_pos_events_observe(void *user, const dbk_observed *observed)
{
    dbk_pos_events *events = user;
    pthread_mutex_lock(&events->mutex);
    if (observed->missing_to > 0)
        miss(events, dbk_event_position(observed->missing_to));
    for (size_t from = 0, to; from < observed->count; from = to) {
        for (to = from + 1; to < observed->count && observed->rows[to].number == observed->rows[from].number;)
            to++;
        take_change(events, observed->rows + from, to - from);
    }
    if (events->is_called)
        pthread_cond_signal(&events->work);
    pthread_mutex_unlock(&events->mutex);
}
