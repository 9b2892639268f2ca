// SPDX-License-Identifier: Apache-2.0
// The thread that keeps hours.
#include "http/pos/hours.h"

#include "engine/base/clock.h"
#include "engine/base/days.h"
#include "ingest/store/tenant_name.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t quarter_ms = 15LL * DBK_MS_MINUTE;

struct dbk_pos_keeper {
    dbk_pos_keeper_options options;
    pthread_mutex_t taking; // one at a time keeps hours
    pthread_mutex_t lock;   // of these two
    pthread_cond_t changed;
    bool stopping, has_begun; // the thread has been at every tenant once
    bool has_thread;
    pthread_t thread;
};

static bool is_stopping(dbk_pos_keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    bool stopping = keeper->stopping;
    pthread_mutex_unlock(&keeper->lock);
    return stopping;
}

static int64_t now_of(const dbk_pos_keeper *keeper)
{
    return keeper->options.now_ms(keeper->options.user);
}

static dbk_status keep(dbk_pos_keeper *keeper, dbk_text tenant, int *taken, dbk_error *err)
{
    pthread_mutex_lock(&keeper->taking);
    dbk_status status = dbk_pos_hours_take(keeper->options.store, tenant, now_of(keeper), taken, err);
    pthread_mutex_unlock(&keeper->taking);
    return status;
}

dbk_status dbk_pos_keeper_run(dbk_pos_keeper *keeper, dbk_text tenant, int *taken, dbk_error *err)
{
    pthread_mutex_lock(&keeper->lock);
    while (keeper->has_thread && !keeper->has_begun && !keeper->stopping)
        pthread_cond_wait(&keeper->changed, &keeper->lock);
    pthread_mutex_unlock(&keeper->lock);
    return keep(keeper, tenant, taken, err);
}

// The name of a tenant at a place in the list of all; false behind the last.
static bool tenant_at(dbk_pos_keeper *keeper, size_t index, char out[DBK_TENANT_NAME_MAX + 1], dbk_text *name)
{
    dbk_db *db = dbk_store_db(keeper->options.store);
    dbk_read read = dbk_read_begin(db);
    bool is_there = index < dbk_snapshot_tenants(read.snapshot);
    if (is_there) {
        dbk_text text = dbk_snapshot_tenant_name(read.snapshot, index);
        memcpy(out, text.data, text.length);
        *name = (dbk_text){out, text.length};
    }
    dbk_read_end(db, &read);
    return is_there;
}

// What could not be kept is tried again next time.
static void keep_all(dbk_pos_keeper *keeper)
{
    char room[DBK_TENANT_NAME_MAX + 1];
    dbk_text name;
    for (size_t i = 0; !is_stopping(keeper) && tenant_at(keeper, i, room, &name); i++) {
        int taken;
        dbk_error err;
        if (keep(keeper, name, &taken, &err) != DBK_OK)
            fprintf(stderr, "daybook: hours of %.*s were not kept: %s\n", (int)name.length, name.data,
                    err.message);
    }
}

static void begun(dbk_pos_keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    keeper->has_begun = true;
    pthread_cond_broadcast(&keeper->changed);
    pthread_mutex_unlock(&keeper->lock);
}

// By the clock that hours follow, which may stand still.
static void wait_until(dbk_pos_keeper *keeper, int64_t ms)
{
    pthread_mutex_lock(&keeper->lock);
    for (int64_t now_ms; !keeper->stopping && (now_ms = now_of(keeper)) < ms;) {
        struct timespec until = dbk_clock_steady_after(ms - now_ms);
        pthread_cond_timedwait(&keeper->changed, &keeper->lock, &until);
    }
    pthread_mutex_unlock(&keeper->lock);
}

static void *run(void *user)
{
    dbk_pos_keeper *keeper = user;
    while (!is_stopping(keeper)) {
        const int64_t now_ms = now_of(keeper);
        keep_all(keeper);
        begun(keeper);
        wait_until(keeper, (dbk_floor_div(now_ms, quarter_ms) + 1) * quarter_ms);
    }
    return NULL;
}

dbk_status dbk_pos_keeper_create(dbk_pos_keeper **out, const dbk_pos_keeper_options *options, dbk_error *err)
{
    dbk_pos_keeper *keeper = calloc(1, sizeof(*keeper));
    if (keeper == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for the hours of the point of sale");
    keeper->options = *options;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&keeper->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&keeper->lock, NULL);
    pthread_mutex_init(&keeper->taking, NULL);
    if (options->runs && pthread_create(&keeper->thread, NULL, run, keeper) != 0) {
        dbk_pos_keeper_destroy(keeper);
        return dbk_fail(err, DBK_NO_MEMORY, "no thread for the hours of the point of sale");
    }
    keeper->has_thread = options->runs;
    *out = keeper;
    return DBK_OK;
}

void dbk_pos_keeper_destroy(dbk_pos_keeper *keeper)
{
    if (keeper == NULL)
        return;
    pthread_mutex_lock(&keeper->lock);
    keeper->stopping = true;
    pthread_cond_broadcast(&keeper->changed);
    pthread_mutex_unlock(&keeper->lock);
    if (keeper->has_thread)
        pthread_join(keeper->thread, NULL);
    pthread_mutex_destroy(&keeper->taking);
    pthread_mutex_destroy(&keeper->lock);
    pthread_cond_destroy(&keeper->changed);
    free(keeper);
}
