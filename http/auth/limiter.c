// SPDX-License-Identifier: Apache-2.0
// One ring of timestamps per key, in hashed shards of chained entries.
#include "http/auth/limiter.h"

#include "engine/base/hash.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SHARDS = 64, BUCKETS = 64, KEY_BYTES = 72 };

// `passed` is a ring of the moments at which the last requests passed; the oldest stands at `oldest`.
typedef struct window {
    struct window *next;
    char key[KEY_BYTES];
    uint32_t key_length;
    int capacity, count, oldest;
    int64_t passed[];
} window;

typedef struct shard {
    pthread_mutex_t lock;
    window *buckets[BUCKETS];
} shard;

struct dbk_limiter {
    shard shards[SHARDS];
};

dbk_status dbk_limiter_create(dbk_limiter **out, dbk_error *err)
{
    dbk_limiter *limiter = calloc(1, sizeof(*limiter));
    if (limiter == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for the rate limits");
    for (int i = 0; i < SHARDS; i++)
        pthread_mutex_init(&limiter->shards[i].lock, NULL);
    *out = limiter;
    return DBK_OK;
}

void dbk_limiter_destroy(dbk_limiter *limiter)
{
    if (limiter == NULL)
        return;
    for (int i = 0; i < SHARDS; i++) {
        for (int b = 0; b < BUCKETS; b++) {
            for (window *w = limiter->shards[i].buckets[b]; w != NULL;) {
                window *next = w->next;
                free(w);
                w = next;
            }
        }
        pthread_mutex_destroy(&limiter->shards[i].lock);
    }
    free(limiter);
}

static window *window_create(dbk_text key, int capacity)
{
    window *w = calloc(1, sizeof(*w) + (size_t)capacity * sizeof(w->passed[0]));
    if (w == NULL)
        return NULL;
    w->capacity = capacity;
    w->key_length = key.length;
    memcpy(w->key, key.data, key.length);
    return w;
}

// Whether nothing of it counts any more: a new one would answer the same.
static bool is_idle(const window *w, int64_t now_ms)
{
    int newest = (w->oldest + w->count - 1 + w->capacity) % w->capacity;
    return w->count == 0 || w->passed[newest] + DBK_LIMITER_WINDOW_MS <= now_ms;
}

// The key's window; made anew, empty, when the limit changed. Those of others that are met on the way and are
// idle go, so that bearers of tokens, who come and never return, do not fill the memory.
static window *window_find(window **head, dbk_text key, int capacity, int64_t now_ms)
{
    window *found = NULL;
    for (window **link = head, *w; (w = *link) != NULL;) {
        bool is_it = w->key_length == key.length && memcmp(w->key, key.data, key.length) == 0;
        if (is_it && w->capacity == capacity) {
            found = w;
        } else if (is_it || is_idle(w, now_ms)) {
            *link = w->next;
            free(w);
            continue;
        }
        link = &w->next;
    }
    if (found != NULL)
        return found;
    window *w = window_create(key, capacity);
    if (w != NULL) {
        w->next = *head;
        *head = w;
    }
    return w;
}

static int window_take(window *w, int cost, int64_t now_ms)
{
    while (w->count > 0 && w->passed[w->oldest] + DBK_LIMITER_WINDOW_MS <= now_ms) {
        w->oldest = (w->oldest + 1) % w->capacity;
        w->count--;
    }
    int excess = w->count + cost - w->capacity;
    if (excess > 0) {
        int64_t frees_at = w->passed[(w->oldest + excess - 1) % w->capacity] + DBK_LIMITER_WINDOW_MS;
        return (int)((frees_at - now_ms + 999) / 1000);
    }
    for (int i = 0; i < cost; i++)
        w->passed[(w->oldest + w->count++) % w->capacity] = now_ms;
    return 0;
}

static void window_tell(const window *w, int64_t now_ms, dbk_limiter_state *state)
{
    state->remaining = w->capacity - w->count;
    state->frees_in_ms = w->count > 0 ? (int)(w->passed[w->oldest] + DBK_LIMITER_WINDOW_MS - now_ms) : 0;
}

int dbk_limiter_take(dbk_limiter *limiter, dbk_text key, int per_minute, int cost, int64_t now_ms)
{
    dbk_limiter_state state;
    return dbk_limiter_take_and_tell(limiter, key, per_minute, cost, now_ms, &state);
}

int dbk_limiter_take_and_tell(dbk_limiter *limiter, dbk_text key, int per_minute, int cost, int64_t now_ms,
                              dbk_limiter_state *state)
{
    assert(key.length <= KEY_BYTES);
    assert(per_minute > 0 && per_minute <= DBK_LIMITER_RATE_MAX && cost >= 0 && cost <= per_minute);
    uint64_t hash = dbk_hash_bytes(key.data, key.length);
    shard *s = &limiter->shards[hash % SHARDS];
    pthread_mutex_lock(&s->lock);
    window *w = window_find(&s->buckets[hash / SHARDS % BUCKETS], key, per_minute, now_ms);
    int wait_seconds = w != NULL ? window_take(w, cost, now_ms) : 0;
    *state = (dbk_limiter_state){.remaining = per_minute};
    if (w != NULL)
        window_tell(w, now_ms, state);
    pthread_mutex_unlock(&s->lock);
    return wait_seconds;
}
