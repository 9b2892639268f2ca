// SPDX-License-Identifier: Apache-2.0
// Turns: a list of companies, each with its book and who waits for it.
#include "http/pos/books.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct dbk_pos_turns {
    struct dbk_pos_turns *next;
    dbk_pos_book *book;
    bool is_taken;
    dbk_pos_turn *first, *last; // waiting
    uint32_t name_length;
    char name[];
};

struct dbk_pos_books {
    pthread_mutex_t lock;
    dbk_pos_turns *all;
};

static dbk_status no_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
}

dbk_status dbk_pos_books_create(dbk_pos_books **out, dbk_error *err)
{
    dbk_pos_books *books = calloc(1, sizeof(*books));
    if (books == NULL)
        return no_memory(err);
    pthread_mutex_init(&books->lock, NULL);
    *out = books;
    return DBK_OK;
}

void dbk_pos_books_destroy(dbk_pos_books *books)
{
    if (books == NULL)
        return;
    while (books->all != NULL) {
        dbk_pos_turns *turns = books->all;
        books->all = turns->next;
        dbk_pos_book_destroy(turns->book);
        free(turns);
    }
    pthread_mutex_destroy(&books->lock);
    free(books);
}

static dbk_pos_turns *find(dbk_pos_books *books, dbk_text tenant)
{
    for (dbk_pos_turns *turns = books->all; turns != NULL; turns = turns->next)
        if (dbk_text_equal((dbk_text){turns->name, turns->name_length}, tenant))
            return turns;
    dbk_pos_turns *turns = calloc(1, sizeof(*turns) + tenant.length);
    dbk_pos_book *book = turns != NULL ? dbk_pos_book_create() : NULL;
    if (book == NULL) {
        free(turns);
        return NULL;
    }
    turns->book = book;
    turns->name_length = tenant.length;
    memcpy(turns->name, tenant.data, tenant.length);
    turns->next = books->all;
    books->all = turns;
    return turns;
}

dbk_status dbk_pos_turn_take(dbk_pos_books *books, dbk_text tenant, dbk_pos_turn *turn, dbk_error *err)
{
    pthread_mutex_lock(&books->lock);
    dbk_pos_turns *turns = find(books, tenant);
    bool begins = turns != NULL && !turns->is_taken;
    turn->of = turns;
    turn->next = NULL;
    if (begins) {
        turns->is_taken = true;
        turn->book = turns->book;
    } else if (turns != NULL) {
        if (turns->first == NULL)
            turns->first = turn;
        else
            turns->last->next = turn;
        turns->last = turn;
    }
    pthread_mutex_unlock(&books->lock);
    if (begins)
        turn->begin(turn);
    return turns != NULL ? DBK_OK : no_memory(err);
}

void dbk_pos_turn_end(dbk_pos_books *books, dbk_pos_turn *turn)
{
    pthread_mutex_lock(&books->lock);
    dbk_pos_turns *turns = turn->of;
    dbk_pos_turn *next = turns->first;
    turns->is_taken = next != NULL;
    if (next != NULL) {
        turns->first = next->next;
        next->book = turns->book;
    }
    turn->book = NULL;
    pthread_mutex_unlock(&books->lock);
    if (next != NULL)
        next->begin(next);
}
