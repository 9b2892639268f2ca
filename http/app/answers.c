// SPDX-License-Identifier: Apache-2.0
// A fixed table of places, each with its own lock; a new answer takes the place that its key hashes to.
#include "http/app/answers.h"

#include "engine/base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// 512 places of at most 64 KiB are at most 32 MiB; larger answers cost so much to compute and send that
// keeping them gains little.
enum { PLACES = 512, BODY_MAX = 65536, HEADER_MAX = 256 };

typedef struct place {
    pthread_mutex_t lock;
    uint8_t *bytes; // key, body and header value in one piece; NULL = empty
    size_t key_size, body_size, header_size;
    dbk_answer answer; // without the header's value
} place;

struct dbk_answers {
    place places[PLACES];
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

static place *find_place(dbk_answers *answers, const void *key, size_t key_size)
{
    return &answers->places[dbk_hash_bytes(key, key_size) % PLACES];
}

static void copy_out(const place *p, dbk_buffer *body, dbk_arena *arena, dbk_answer *out)
{
    const uint8_t *kept = p->bytes + p->key_size;
    dbk_buffer_append(body, kept, p->body_size);
    *out = p->answer;
    if (out->header_name == NULL)
        return;
    char *copy = dbk_arena_copy(arena, (const char *)kept + p->body_size, p->header_size);
    if (copy != NULL)
        out->header = (dbk_text){copy, (uint32_t)p->header_size};
    else
        body->failed = true;
}

bool dbk_answers_find(dbk_answers *answers, const void *key, size_t key_size, dbk_buffer *body,
                      dbk_arena *arena, dbk_answer *out)
{
    place *p = find_place(answers, key, key_size);
    pthread_mutex_lock(&p->lock);
    bool found = p->bytes != NULL && p->key_size == key_size && memcmp(p->bytes, key, key_size) == 0;
    if (found)
        copy_out(p, body, arena, out);
    pthread_mutex_unlock(&p->lock);
    return found;
}

void dbk_answers_keep(dbk_answers *answers, const void *key, size_t key_size, const dbk_buffer *body,
                      const dbk_answer *answer)
{
    size_t header_size = answer->header_name != NULL ? answer->header.length : 0;
    if (body->size > BODY_MAX || header_size > HEADER_MAX)
        return;
    uint8_t *bytes = malloc(key_size + body->size + header_size);
    if (bytes == NULL)
        return;
    memcpy(bytes, key, key_size);
    if (body->size > 0)
        memcpy(bytes + key_size, body->data, body->size);
    if (header_size > 0)
        memcpy(bytes + key_size + body->size, answer->header.data, header_size);
    place *p = find_place(answers, key, key_size);
    pthread_mutex_lock(&p->lock);
    uint8_t *old = p->bytes;
    p->bytes = bytes;
    p->key_size = key_size;
    p->body_size = body->size;
    p->header_size = header_size;
    p->answer = *answer;
    p->answer.header = (dbk_text){NULL, 0};
    pthread_mutex_unlock(&p->lock);
    free(old);
}
