// SPDX-License-Identifier: Apache-2.0
// A fixed table of places, each with its own lock; a new answer takes the place that its key hashes to.
#include "http/app/answers.h"

#include "engine/base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// 512 places of at most 64 KiB are at most 32 MiB; larger answers cost so much to compute and send that
// keeping them gains little.
enum { PLACES = 512, BODY_MAX = 65536, HEADERS_MAX = 256 };

typedef struct place {
    pthread_mutex_t lock;
    uint8_t *bytes; // key, body and the headers' values in one piece; NULL = empty
    size_t key_size, body_size;
    dbk_answer answer; // of the headers' values only the lengths
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
    const uint8_t *at = p->bytes + p->key_size;
    dbk_buffer_append(body, at, p->body_size);
    *out = p->answer;
    at += p->body_size;
    for (int i = 0; i < out->headers_count; i++) {
        dbk_text *value = &out->headers[i].value;
        value->data = dbk_arena_copy(arena, (const char *)at, value->length);
        if (value->data == NULL)
            body->failed = true;
        at += value->length;
    }
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

static uint8_t *append(uint8_t *at, const void *data, size_t size)
{
    if (size > 0)
        memcpy(at, data, size);
    return at + size;
}

void dbk_answers_keep(dbk_answers *answers, const void *key, size_t key_size, const dbk_buffer *body,
                      const dbk_answer *answer)
{
    size_t headers_size = 0;
    for (int i = 0; i < answer->headers_count; i++)
        headers_size += answer->headers[i].value.length;
    if (body->size > BODY_MAX || headers_size > HEADERS_MAX)
        return;
    uint8_t *bytes = malloc(key_size + body->size + headers_size), *at = bytes;
    if (bytes == NULL)
        return;
    at = append(at, key, key_size);
    at = append(at, body->data, body->size);
    for (int i = 0; i < answer->headers_count; i++)
        at = append(at, answer->headers[i].value.data, answer->headers[i].value.length);
    place *p = find_place(answers, key, key_size);
    pthread_mutex_lock(&p->lock);
    uint8_t *old = p->bytes;
    p->bytes = bytes;
    p->key_size = key_size;
    p->body_size = body->size;
    p->answer = *answer;
    for (int i = 0; i < p->answer.headers_count; i++)
        p->answer.headers[i].value.data = NULL;
    pthread_mutex_unlock(&p->lock);
    free(old);
}
