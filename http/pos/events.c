// SPDX-License-Identifier: Apache-2.0
// The hub from the outside: made, listened to, counted, ended.
#include "http/pos/events.h"

#include "http/pos/hub.h"

#include <stdlib.h>
#include <string.h>

dbk_pos_channel dbk_pos_channel_find(dbk_text name)
{
    if (dbk_text_equal(name, DBK_TEXT("cashier")))
        return DBK_POS_CASHIER;
    if (dbk_text_equal(name, DBK_TEXT("display")))
        return DBK_POS_DISPLAY;
    if (dbk_text_equal(name, DBK_TEXT("printer")))
        return DBK_POS_PRINTER;
    return 0;
}

// ---- Life ----

static void fill_defaults(dbk_pos_events_options *o)
{
    if (o->keep_alive_ms == 0)
        o->keep_alive_ms = 15000;
    if (o->retry_ms == 0)
        o->retry_ms = 3000;
    if (o->ring_events == 0)
        o->ring_events = 4096;
    if (o->ring_bytes == 0)
        o->ring_bytes = 8 << 20;
    if (o->linger_ms == 0)
        o->linger_ms = 600000;
}

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

dbk_status dbk_pos_events_create(dbk_pos_events **out, const dbk_pos_events_options *options, dbk_error *err)
{
    dbk_pos_events *events = calloc(1, sizeof(*events));
    if (events == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for event streams");
    events->options = *options;
    fill_defaults(&events->options);
    events->db = dbk_store_db(options->store);
    pthread_mutex_init(&events->mutex, NULL);
    init_condition(&events->work);
    // What the store replayed is told before this returns: clients of before a crash find it in the rings.
    events->is_recalling = true;
    dbk_store_observe(options->store, dbk_pos_events_observe, events);
    pthread_mutex_lock(&events->mutex);
    events->is_recalling = false;
    pthread_mutex_unlock(&events->mutex);
    events->is_running = pthread_create(&events->thread, NULL, dbk_hub_run, events) == 0;
    if (!events->is_running) {
        dbk_pos_events_destroy(events);
        return dbk_fail(err, DBK_NO_MEMORY, "cannot start the thread of the event streams");
    }
    *out = events;
    return DBK_OK;
}

static void dispose_company(dbk_pos_events *events, dbk_company *c)
{
    while (c->count > 0)
        dbk_listener_end(events, c->listeners[c->count - 1]);
    dbk_event_ring_dispose(&c->ring);
    free(c->listeners);
    free(c->waiting);
    free(c);
}

void dbk_pos_events_destroy(dbk_pos_events *events)
{
    if (events == NULL)
        return;
    dbk_store_observe(events->options.store, NULL, NULL);
    if (events->is_running) {
        pthread_mutex_lock(&events->mutex);
        events->is_stopping = true;
        pthread_cond_signal(&events->work);
        pthread_mutex_unlock(&events->mutex);
        pthread_join(events->thread, NULL);
    }
    while (events->arrived != NULL) {
        dbk_listener *l = events->arrived;
        events->arrived = l->next;
        dbk_listener_end(events, l);
    }
    for (int b = 0; b < DBK_COMPANY_BUCKETS; b++) {
        while (events->companies[b] != NULL) {
            dbk_company *c = events->companies[b];
            events->companies[b] = c->next;
            dispose_company(events, c);
        }
    }
    dbk_buffer_dispose(&events->scratch);
    pthread_cond_destroy(&events->work);
    pthread_mutex_destroy(&events->mutex);
    free(events);
}

// ---- Listening ----

// On the loop's thread.
static void on_gone(void *user)
{
    dbk_listener *l = user;
    dbk_pos_events *events = l->events;
    pthread_mutex_lock(&events->mutex);
    l->is_gone = true;
    if (l->is_known) {
        l->next = events->gone;
        events->gone = l;
        events->is_called = true;
        pthread_cond_signal(&events->work);
    }
    pthread_mutex_unlock(&events->mutex);
}

dbk_listener *dbk_pos_events_listen(dbk_pos_events *events, const dbk_pos_subscription *subscription,
                                    dbk_stream_options *options)
{
    // A closure's report may be long; ordinary readers are behind long before this much waits for them.
    enum { QUEUE_MAX = 4 << 20 };
    dbk_listener *l = calloc(1, sizeof(*l));
    if (l == NULL)
        return NULL;
    l->events = events;
    l->channel = subscription->channel;
    l->is_unnamed = subscription->is_unnamed;
    l->is_resuming = subscription->last_id.length > 0;
    dbk_event_id_parse(subscription->last_id, &l->last_id);
    pthread_mutex_lock(&events->mutex);
    l->company = dbk_company_obtain(events, subscription->tenant);
    if (l->company != NULL) {
        l->company->is_heard = true;
        l->company->expected++;
    }
    pthread_mutex_unlock(&events->mutex);
    if (l->company == NULL) {
        free(l);
        return NULL;
    }
    *options = (dbk_stream_options){
        .length = -1, .queue_max = QUEUE_MAX, .is_endless = true, .gone = on_gone, .user = l};
    return l;
}

void dbk_pos_events_begin(dbk_pos_events *events, dbk_listener *l, dbk_stream *stream)
{
    pthread_mutex_lock(&events->mutex);
    if (stream != NULL) {
        l->stream = stream;
        l->next = events->arrived;
        events->arrived = l;
        events->figures.streams++;
        events->is_called = true;
        pthread_cond_signal(&events->work);
    } else {
        l->company->expected--;
    }
    pthread_mutex_unlock(&events->mutex);
    if (stream == NULL)
        free(l);
}

dbk_pos_events_figures dbk_pos_events_figures_read(dbk_pos_events *events)
{
    pthread_mutex_lock(&events->mutex);
    dbk_pos_events_figures figures = events->figures;
    pthread_mutex_unlock(&events->mutex);
    return figures;
}
