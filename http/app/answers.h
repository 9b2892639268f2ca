// SPDX-License-Identifier: Apache-2.0
// Answers that were just given, kept whole: dashboards ask the same question again and again between two
// changes. The key of an answer holds everything that it follows from, the number of the tenant's last change
// among it, so it is never older than the data and nothing has to be invalidated: what no longer fits is
// simply not found again, and its place is taken by the next. Thread-safe.
#ifndef DBK_ANSWERS_H
#define DBK_ANSWERS_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "http/server/server.h"

enum { DBK_ANSWER_KEY_MAX = 512 };

typedef struct dbk_answers dbk_answers;

enum { DBK_ANSWER_HEADERS_MAX = 2 };

// What is kept beside the body. content_type and the headers' names are constants.
typedef struct dbk_answer {
    char etag[48];
    const char *content_type;
    dbk_header headers[DBK_ANSWER_HEADERS_MAX];
    int headers_count;
} dbk_answer;

dbk_status dbk_answers_create(dbk_answers **out, dbk_error *err);
void dbk_answers_destroy(dbk_answers *answers);

// If the answer is there: appends its body and fills *out, the headers' values being copied into the arena.
// When memory is out body->failed says so.
bool dbk_answers_find(dbk_answers *answers, const void *key, size_t key_size, dbk_buffer *body,
                      dbk_arena *arena, dbk_answer *out);
// Copies the answer, unless it is too large to be worth its place or memory is out.
void dbk_answers_keep(dbk_answers *answers, const void *key, size_t key_size, const dbk_buffer *body,
                      const dbk_answer *answer);

#endif
