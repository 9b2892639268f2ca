// SPDX-License-Identifier: Apache-2.0
// The deliverer: the thread, and what becomes of an attempt.
//
// Announcing makes rows for a change that somebody else decides; when they are on disk the deliveries come
// into `incoming` and the thread is woken, which alone touches the queues and libcurl. When more is pending
// than memory should hold, the rest stays rows and is loaded again once the queues have emptied.
#include "http/webhooks/deliverer.h"

#include "engine/base/clock.h"
#include "http/app/audit.h"
#include "http/app/settings.h"
#include "http/app/system_row.h"
#include "http/webhooks/attempt.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RUNNING_MAX = 64,
    RUNNING_PER_TARGET_MAX = 4,
    PENDING_MAX = 20000,
    WAIT_MAX_MS = 5000,
    TICK_MS = 60000,
};

static const int64_t usual_pauses_ms[] = {5000, 30000, 120000, 600000, 3600000, 14400000, 36000000};

struct dbk_deliverer {
    dbk_store *store;
    dbk_deliverer_options options;
    pthread_mutex_t webhooks_lock;

    pthread_mutex_t lock; // of the next three
    pthread_cond_t settled;
    int unsettled;          // changes with rows of deliveries whose end was not told yet
    dbk_delivery *incoming; // newest first
    atomic_bool stopping;

    // Of the thread alone.
    pthread_t thread;
    bool has_thread;
    CURLM *multi;
    dbk_target *targets;
    dbk_attempt *attempts; // under way
    size_t pending;        // in all queues
    int running;
    bool is_behind; // some pending rows are not in memory
    int64_t ticked_at;
};

static void complain(const char *what, const char *why)
{
    fprintf(stderr, "daybook: webhooks: %s: %s\n", what, why);
}

// ---- Rows ----

void dbk_deliverer_expect(dbk_deliverer *deliverer)
{
    pthread_mutex_lock(&deliverer->lock);
    deliverer->unsettled++;
    pthread_mutex_unlock(&deliverer->lock);
}

void dbk_deliverer_settle(dbk_deliverer *deliverer)
{
    pthread_mutex_lock(&deliverer->lock);
    deliverer->unsettled--;
    pthread_cond_broadcast(&deliverer->settled);
    pthread_mutex_unlock(&deliverer->lock);
}

// The row of an outcome, on its way to the disk.
typedef struct row_change {
    dbk_deliverer *deliverer;
    dbk_change change;
    dbk_batch batch;
    const dbk_batch *pointer;
    char tenant[DBK_TENANT_NAME_MAX + 1];
} row_change;

static void change_destroy(row_change *change)
{
    dbk_batch_dispose(&change->batch);
    free(change);
}

// On the store's writer thread.
static void on_stored(void *user, const dbk_change_result *result)
{
    row_change *change = user;
    dbk_deliverer *deliverer = change->deliverer;
    if (result->status != DBK_OK)
        complain("an outcome was not stored", result->message);
    dbk_deliverer_settle(deliverer);
    change_destroy(change);
}

void dbk_deliverer_take(dbk_deliverer *deliverer, dbk_delivery **list)
{
    if (!deliverer->options.sends || *list == NULL)
        return;
    pthread_mutex_lock(&deliverer->lock);
    while (*list != NULL) {
        dbk_delivery *d = *list;
        *list = d->next;
        d->next = deliverer->incoming;
        deliverer->incoming = d;
    }
    curl_multi_wakeup(deliverer->multi);
    pthread_mutex_unlock(&deliverer->lock);
}

void dbk_deliverer_lock_webhooks(dbk_deliverer *deliverer)
{
    pthread_mutex_lock(&deliverer->webhooks_lock);
}

void dbk_deliverer_unlock_webhooks(dbk_deliverer *deliverer)
{
    pthread_mutex_unlock(&deliverer->webhooks_lock);
}

// ---- The queues ----

static dbk_target *target_of(dbk_deliverer *deliverer, const dbk_delivery *d)
{
    for (dbk_target *target = deliverer->targets; target != NULL; target = target->next)
        if (strcmp(target->webhook_id, d->webhook_id) == 0 && strcmp(target->tenant, d->tenant) == 0)
            return target;
    dbk_target *target = calloc(1, sizeof(*target));
    if (target == NULL)
        return NULL;
    memcpy(target->webhook_id, d->webhook_id, sizeof(target->webhook_id));
    memcpy(target->tenant, d->tenant, sizeof(target->tenant));
    target->next = deliverer->targets;
    deliverer->targets = target;
    return target;
}

// Takes the delivery; what finds no room stays a row.
static void enqueue(void *user, dbk_delivery *d)
{
    dbk_deliverer *deliverer = user;
    dbk_target *target = deliverer->pending < PENDING_MAX ? target_of(deliverer, d) : NULL;
    if (target == NULL || !dbk_target_push(target, d)) {
        deliverer->is_behind = true;
        free(d);
        return;
    }
    deliverer->pending++;
}

static void take_incoming(dbk_deliverer *deliverer)
{
    pthread_mutex_lock(&deliverer->lock);
    dbk_delivery *list = deliverer->incoming;
    deliverer->incoming = NULL;
    pthread_mutex_unlock(&deliverer->lock);
    while (list != NULL) {
        dbk_delivery *d = list;
        list = d->next;
        enqueue(deliverer, d);
    }
}

// Loads what is pending from the rows, when nothing is between memory and the rows: no attempt under way, no
// change on its way to the disk.
static void catch_up(dbk_deliverer *deliverer)
{
    if (!deliverer->is_behind || deliverer->running > 0 || deliverer->pending > PENDING_MAX / 2)
        return;
    dbk_db *db = dbk_store_db(deliverer->store);
    pthread_mutex_lock(&deliverer->lock);
    bool is_settled = deliverer->unsettled == 0;
    dbk_delivery *stale = is_settled ? deliverer->incoming : NULL;
    dbk_read read = {0};
    if (is_settled) {
        deliverer->incoming = NULL;
        read = dbk_read_begin(db);
    }
    pthread_mutex_unlock(&deliverer->lock);
    if (!is_settled)
        return;
    dbk_deliveries_free(stale);
    for (dbk_target *target = deliverer->targets; target != NULL; target = target->next)
        for (dbk_delivery *d; (d = dbk_target_pop(target)) != NULL;)
            free(d);
    deliverer->pending = 0;
    deliverer->is_behind = false;
    bool is_cut;
    dbk_error err;
    if (dbk_deliveries_load(read.snapshot, PENDING_MAX, enqueue, deliverer, &is_cut, &err) != DBK_OK) {
        complain("pending deliveries were not read", err.message);
        is_cut = true;
    }
    deliverer->is_behind = deliverer->is_behind || is_cut;
    dbk_read_end(db, &read);
}

// ---- What became of an attempt ----

static void store_outcome(dbk_deliverer *deliverer, const dbk_delivery *d, const dbk_outcome *outcome)
{
    dbk_error err;
    row_change *change = calloc(1, sizeof(*change));
    if (change == NULL) {
        complain("an outcome was not stored", "no memory");
        return;
    }
    change->deliverer = deliverer;
    memcpy(change->tenant, d->tenant, sizeof(d->tenant));
    change->pointer = &change->batch;
    change->change = (dbk_change){
        .tenant = dbk_text_from(change->tenant), .batches = &change->pointer, .batches_count = 1};
    if (dbk_delivery_build(&change->batch, d, outcome, &err) != DBK_OK) {
        complain("an outcome was not stored", err.message);
        change_destroy(change);
        return;
    }
    dbk_deliverer_expect(deliverer);
    dbk_store_submit(deliverer->store, &change->change, on_stored, change);
}

// 410: the receiver wants no more, ever.
static dbk_status disable(dbk_deliverer *deliverer, const dbk_delivery *d, dbk_arena *arena, dbk_error *err)
{
    dbk_db *db = dbk_store_db(deliverer->store);
    dbk_text tenant = dbk_text_from(d->tenant), id = dbk_text_from(d->webhook_id);
    dbk_webhook_list list;
    dbk_read read = dbk_read_begin(db);
    dbk_status status = dbk_webhooks_read(read.snapshot, tenant, id, arena, &list, err);
    dbk_read_end(db, &read);
    if (status != DBK_OK || list.count == 0 || !list.items[0].is_active)
        return status;
    int64_t now = dbk_clock_wall_ms();
    list.items[0].is_active = false;
    list.items[0].updated_at = now;
    dbk_audit_entry entry = {.at_ms = now,
                             .action = "webhook.disabled",
                             .entity_type = "webhook",
                             .entity_id = id,
                             .details = DBK_TEXT("{\"reason\":\"the receiver answered 410\"}")};
    dbk_batch row = {0}, audit = {0};
    const dbk_batch *batches[] = {&row, &audit};
    status = dbk_webhook_build(&row, &list.items[0], err);
    if (status == DBK_OK)
        status = dbk_audit_build(&audit, &entry, err);
    if (status == DBK_OK)
        status = dbk_system_rows_write(deliverer->store, tenant, batches, 2, err);
    dbk_batch_dispose(&row);
    dbk_batch_dispose(&audit);
    return status;
}

static void disable_webhook(dbk_deliverer *deliverer, const dbk_delivery *d)
{
    dbk_arena arena = {0};
    dbk_error err;
    dbk_deliverer_lock_webhooks(deliverer);
    if (disable(deliverer, d, &arena, &err) != DBK_OK)
        complain("a webhook was not disabled", err.message);
    dbk_deliverer_unlock_webhooks(deliverer);
    dbk_arena_dispose(&arena);
}

// Ends the delivery, or puts it back into its queue.
static void settle(dbk_deliverer *deliverer, dbk_delivery *d, dbk_outcome *outcome)
{
    bool is_pending = strcmp(outcome->state, "pending") == 0;
    outcome->next_attempt_at = is_pending ? d->due_at : DBK_NULL;
    outcome->done_at = is_pending ? DBK_NULL : dbk_clock_wall_ms();
    if (outcome->error.length > DBK_DELIVERY_TEXT_MAX)
        outcome->error.length = DBK_DELIVERY_TEXT_MAX;
    store_outcome(deliverer, d, outcome);
    if (is_pending)
        enqueue(deliverer, d);
    else
        free(d);
}

static void give_up(dbk_deliverer *deliverer, dbk_delivery *d, const char *why)
{
    dbk_outcome outcome = {.state = "failed", .status = DBK_NULL, .error = dbk_text_from(why)};
    settle(deliverer, d, &outcome);
}

// Failed this time: again later, or never.
static const char *state_after_failure(dbk_deliverer *deliverer, dbk_delivery *d)
{
    if (d->attempts > deliverer->options.pauses_count)
        return "failed";
    d->due_at = dbk_clock_wall_ms() + deliverer->options.pauses_ms[d->attempts - 1];
    return "pending";
}

static void conclude(dbk_deliverer *deliverer, dbk_attempt *attempt, CURLcode code)
{
    dbk_delivery *d = attempt->delivery;
    const char *why;
    int64_t status = dbk_attempt_status(attempt, code, &why);
    dbk_outcome outcome = {
        .status = status, .error = dbk_text_from(why), .body = dbk_attempt_answer(attempt)};
    d->attempts++;
    if (status != DBK_NULL && status / 100 == 2)
        outcome.state = "delivered";
    else if (status == 410)
        outcome.state = "failed";
    else
        outcome.state = state_after_failure(deliverer, d);
    if (status == 410)
        disable_webhook(deliverer, d);
    settle(deliverer, d, &outcome);
}

// ---- Attempts ----

// The webhook as it is now decides: a deleted or disabled one gets nothing more.
static dbk_attempt *prepare(dbk_deliverer *deliverer, dbk_delivery *d, dbk_arena *arena, const char **why)
{
    dbk_db *db = dbk_store_db(deliverer->store);
    dbk_text tenant = dbk_text_from(d->tenant);
    dbk_webhook_list list;
    dbk_settings settings;
    dbk_error err;
    dbk_read read = dbk_read_begin(db);
    dbk_status status =
        dbk_webhooks_read(read.snapshot, tenant, dbk_text_from(d->webhook_id), arena, &list, &err);
    bool allows_private = dbk_settings_read(read.snapshot, tenant, &settings, NULL) == DBK_OK &&
                          settings.allows_private_webhooks;
    dbk_read_end(db, &read);
    *why = NULL;
    if (status == DBK_OK && list.count == 0)
        *why = "the webhook was deleted";
    else if (status == DBK_OK && !list.items[0].is_active)
        *why = "the webhook is disabled";
    if (status != DBK_OK || *why != NULL)
        return NULL;
    return dbk_attempt_create(&list.items[0], d, allows_private, dbk_clock_wall_ms());
}

// Nothing could be tried for a reason of our own: later, and it does not count.
static void postpone(dbk_deliverer *deliverer, dbk_delivery *d)
{
    d->due_at = dbk_clock_wall_ms() + deliverer->options.pauses_ms[0];
    enqueue(deliverer, d);
}

static void start(dbk_deliverer *deliverer, dbk_target *target)
{
    dbk_delivery *d = dbk_target_pop(target);
    dbk_arena arena = {0};
    const char *why;
    deliverer->pending--;
    dbk_attempt *attempt = prepare(deliverer, d, &arena, &why);
    dbk_arena_dispose(&arena);
    if (why != NULL) {
        give_up(deliverer, d, why);
    } else if (attempt == NULL) {
        postpone(deliverer, d);
    } else if (curl_multi_add_handle(deliverer->multi, attempt->easy) != CURLM_OK) {
        dbk_attempt_destroy(attempt);
        postpone(deliverer, d);
    } else {
        attempt->target = target;
        attempt->next = deliverer->attempts;
        deliverer->attempts = attempt;
        target->running++;
        deliverer->running++;
    }
}

// Takes the attempt out of everything; the delivery stays.
static void detach(dbk_deliverer *deliverer, dbk_attempt *attempt)
{
    dbk_attempt **at = &deliverer->attempts;
    while (*at != attempt)
        at = &(*at)->next;
    *at = attempt->next;
    curl_multi_remove_handle(deliverer->multi, attempt->easy);
    attempt->target->running--;
    deliverer->running--;
}

static bool may_start(const dbk_deliverer *deliverer, const dbk_target *target)
{
    return target->running < RUNNING_PER_TARGET_MAX && deliverer->running < RUNNING_MAX &&
           dbk_target_top(target) != NULL;
}

// One of each queue in turn, until nothing due may start.
static void start_due(dbk_deliverer *deliverer)
{
    int64_t now = dbk_clock_wall_ms();
    for (bool started = true; started;) {
        started = false;
        for (dbk_target *target = deliverer->targets; target != NULL; target = target->next) {
            if (!may_start(deliverer, target) || dbk_target_top(target)->due_at > now)
                continue;
            start(deliverer, target);
            started = true;
        }
    }
}

static int wait_ms(const dbk_deliverer *deliverer)
{
    int64_t now = dbk_clock_wall_ms(), wait = WAIT_MAX_MS;
    for (const dbk_target *target = deliverer->targets; target != NULL; target = target->next) {
        if (!may_start(deliverer, target))
            continue;
        int64_t due = dbk_target_top(target)->due_at;
        if (due == DBK_NULL || due <= now)
            return 0;
        wait = due - now < wait ? due - now : wait;
    }
    return (int)wait;
}

static void read_results(dbk_deliverer *deliverer)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(deliverer->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        char *user = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &user);
        dbk_attempt *attempt = (dbk_attempt *)(void *)user;
        detach(deliverer, attempt);
        conclude(deliverer, attempt, code);
        dbk_attempt_destroy(attempt);
    }
}

static void tick(dbk_deliverer *deliverer)
{
    int64_t now = dbk_clock_wall_ms();
    if (deliverer->options.tick == NULL || llabs(now - deliverer->ticked_at) < TICK_MS)
        return;
    deliverer->ticked_at = now;
    deliverer->options.tick(deliverer->options.user);
}

static void *run(void *user)
{
    dbk_deliverer *deliverer = user;
    while (!atomic_load(&deliverer->stopping)) {
        int running;
        catch_up(deliverer);
        take_incoming(deliverer);
        start_due(deliverer);
        curl_multi_perform(deliverer->multi, &running);
        read_results(deliverer);
        tick(deliverer);
        curl_multi_poll(deliverer->multi, NULL, 0, wait_ms(deliverer), NULL);
    }
    return NULL;
}

// ---- Life ----

static dbk_status start_thread(dbk_deliverer *deliverer, dbk_error *err)
{
    deliverer->is_behind = true; // everything pending is still to be read
    deliverer->ticked_at = dbk_clock_wall_ms();
    if (pthread_create(&deliverer->thread, NULL, run, deliverer) != 0)
        return dbk_fail(err, DBK_NO_MEMORY, "no thread for the webhooks");
    deliverer->has_thread = true;
    return DBK_OK;
}

dbk_status dbk_deliverer_create(dbk_deliverer **out, const dbk_deliverer_options *options, dbk_error *err)
{
    dbk_deliverer *deliverer = calloc(1, sizeof(*deliverer));
    if (deliverer == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for the webhooks");
    deliverer->store = options->store;
    deliverer->options = *options;
    if (options->pauses_count == 0) {
        memcpy(deliverer->options.pauses_ms, usual_pauses_ms, sizeof(usual_pauses_ms));
        deliverer->options.pauses_count = DBK_COUNT(usual_pauses_ms);
    }
    pthread_mutex_init(&deliverer->webhooks_lock, NULL);
    pthread_mutex_init(&deliverer->lock, NULL);
    pthread_cond_init(&deliverer->settled, NULL);
    dbk_status status = DBK_OK;
    if (options->sends) {
        deliverer->multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
        status = deliverer->multi != NULL ? start_thread(deliverer, err)
                                          : dbk_fail(err, DBK_NO_MEMORY, "no memory for the webhooks");
    }
    if (status != DBK_OK) {
        dbk_deliverer_destroy(deliverer);
        return status;
    }
    *out = deliverer;
    return DBK_OK;
}

static void stop_thread(dbk_deliverer *deliverer)
{
    atomic_store(&deliverer->stopping, true);
    if (deliverer->has_thread) {
        curl_multi_wakeup(deliverer->multi);
        pthread_join(deliverer->thread, NULL);
    }
    while (deliverer->attempts != NULL) {
        dbk_attempt *attempt = deliverer->attempts;
        detach(deliverer, attempt);
        free(attempt->delivery);
        dbk_attempt_destroy(attempt);
    }
}

void dbk_deliverer_destroy(dbk_deliverer *deliverer)
{
    if (deliverer == NULL)
        return;
    stop_thread(deliverer);
    pthread_mutex_lock(&deliverer->lock);
    while (deliverer->unsettled > 0)
        pthread_cond_wait(&deliverer->settled, &deliverer->lock);
    pthread_mutex_unlock(&deliverer->lock);
    dbk_deliveries_free(deliverer->incoming);
    while (deliverer->targets != NULL) {
        dbk_target *target = deliverer->targets;
        deliverer->targets = target->next;
        for (dbk_delivery *d; (d = dbk_target_pop(target)) != NULL;)
            free(d);
        free(target->items);
        free(target);
    }
    if (deliverer->multi != NULL)
        curl_multi_cleanup(deliverer->multi);
    pthread_cond_destroy(&deliverer->settled);
    pthread_mutex_destroy(&deliverer->lock);
    pthread_mutex_destroy(&deliverer->webhooks_lock);
    free(deliverer);
}
