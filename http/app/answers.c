// SPDX-License-Identifier: Apache-2.0
// A fixed table of places, each with its own lock; a new answer takes the place that its key hashes to.
#include "http/app/answers.h"

#include "engine/base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// 512 places of at most 64 KiB are at most 32 MiB; larger answers cost so much to compute and send that
// keeping them gains little.
enum { PLACES = 512, BODY_MAX = 65536, KEY_MAX = 512, HEADER_MAX = 256, MINUTE_MS = 60000 };

typedef struct answer {
    pthread_mutex_t lock;
    uint8_t *bytes; // key, body and header value in one piece; NULL = empty
    size_t key_size, body_size, header_size;
    char etag[48];
    const char *content_type, *header_name; // constants
} answer;

struct dbk_answers {
    answer places[PLACES];
};

dbk_status dbk_answers_create(dbk_answers **out, dbk_error *err)
{
    dbk_answers *answers = calloc(1, sizeof(*answers));
    if (answers == NULL)
        return dbk_fail(err, DBK_NO_MEMORY, "no memory for answers");
    for (int i = 0; i < PLACES; i++)
        pthread_mutex_init(&answers->places[i].lock, NULL);
    *out = answers;
    return DBK_OK;
}

void dbk_answers_destroy(dbk_answers *answers)
{
    if (answers == NULL)
        return;
    for (int i = 0; i < PLACES; i++) {
        pthread_mutex_destroy(&answers->places[i].lock);
        free(answers->places[i].bytes);
    }
    free(answers);
}

// The key of a call's answer: fixed parts first, then texts with their lengths. 0 when it does not fit.
static size_t make_key(dbk_call *call, uint8_t key[KEY_MAX])
{
    uint64_t fixed[3] = {dbk_snapshot_tenant_number(dbk_call_snapshot(call), call->tenant),
                         (uint64_t)(call->now_ms / MINUTE_MS), (uint64_t)(call->route - dbk_routes)};
    dbk_text texts[3] = {call->tenant, call->request->path, call->request->query};
    size_t size = sizeof(fixed);
    memcpy(key, fixed, size);
    for (int i = 0; i < 3; i++) {
        uint32_t length = texts[i].length;
        if (size + sizeof(length) + length > KEY_MAX)
            return 0;
        memcpy(key + size, &length, sizeof(length));
        if (length > 0)
            memcpy(key + size + sizeof(length), texts[i].data, length);
        size += sizeof(length) + length;
    }
    return size;
}

static answer *find_place(dbk_answers *answers, const uint8_t *key, size_t key_size)
{
    return &answers->places[dbk_hash_bytes(key, key_size) % PLACES];
}

bool dbk_answers_serve(dbk_call *call)
{
    uint8_t key[KEY_MAX];
    size_t key_size = make_key(call, key);
    if (key_size == 0)
        return false;
    answer *place = find_place(call->app->answers, key, key_size);
    const char *content_type = NULL;
    pthread_mutex_lock(&place->lock);
    if (place->bytes != NULL && place->key_size == key_size && memcmp(place->bytes, key, key_size) == 0) {
        const uint8_t *body = place->bytes + key_size;
        dbk_buffer_append(&call->body, body, place->body_size);
        memcpy(call->etag, place->etag, sizeof(call->etag));
        content_type = place->content_type;
        if (place->header_name != NULL) {
            char *copy =
                dbk_arena_copy(&call->arena, (const char *)body + place->body_size, place->header_size);
            if (copy != NULL)
                dbk_call_header(call, place->header_name, (dbk_text){copy, (uint32_t)place->header_size});
            else
                call->body.failed = true;
        }
    }
    pthread_mutex_unlock(&place->lock);
    dbk_metrics_cache(call->app->metrics, content_type != NULL);
    call->is_from_answers = content_type != NULL;
    if (content_type == NULL)
        return false;
    if (!dbk_call_sends_unchanged(call))
        dbk_call_answer(call, 200, content_type);
    return true;
}

void dbk_answers_keep(dbk_call *call, const char *content_type)
{
    uint8_t key[KEY_MAX];
    bool is_kept_kind = call->route != NULL && call->route->cost == DBK_COST_READ && call->headers_count <= 1;
    if (!is_kept_kind || call->body.size > BODY_MAX)
        return;
    size_t key_size = make_key(call, key);
    const dbk_header *header = call->headers_count > 0 ? &call->headers[0] : NULL;
    size_t header_size = header != NULL ? header->value.length : 0;
    if (key_size == 0 || header_size > HEADER_MAX)
        return;
    uint8_t *bytes = malloc(key_size + call->body.size + header_size);
    if (bytes == NULL)
        return;
    memcpy(bytes, key, key_size);
    memcpy(bytes + key_size, call->body.data, call->body.size);
    if (header_size > 0)
        memcpy(bytes + key_size + call->body.size, header->value.data, header_size);
    answer *place = find_place(call->app->answers, key, key_size);
    pthread_mutex_lock(&place->lock);
    uint8_t *old = place->bytes;
    place->bytes = bytes;
    place->key_size = key_size;
    place->body_size = call->body.size;
    place->header_size = header_size;
    memcpy(place->etag, call->etag, sizeof(place->etag));
    place->content_type = content_type;
    place->header_name = header != NULL ? header->name.data : NULL;
    pthread_mutex_unlock(&place->lock);
    free(old);
}
