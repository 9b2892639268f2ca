// SPDX-License-Identifier: Apache-2.0
// Closed moments, and two gatherings that are kept: of them, and of the period that is open.
#include "http/pos/book.h"

#include <stdlib.h>
#include <string.h>

enum { CURRENCY_MAX = 16 };

struct dbk_pos_book {
    char currency[CURRENCY_MAX];
    uint32_t currency_length;
    // Closures up to this one are in `closed`: the first and the last moment of each interval, ascending;
    // periods that touch are one.
    int64_t number, from_ms, at_ms;
    dbk_value *closed;
    int closed_count, closed_capacity;
    dbk_pos_kept_gathering before, period;
};

static void forget_closed(dbk_pos_book *book)
{
    book->number = 0;
    book->closed_count = 0;
}

static bool make_gathering(dbk_pos_kept_gathering *kept)
{
    dbk_standing_destroy(kept->tickets);
    dbk_standing_destroy(kept->items);
    kept->tickets = dbk_standing_create();
    kept->items = dbk_standing_create();
    return kept->tickets != NULL && kept->items != NULL;
}

dbk_pos_book *dbk_pos_book_create(void)
{
    dbk_pos_book *book = calloc(1, sizeof(*book));
    if (book != NULL && make_gathering(&book->before) && make_gathering(&book->period))
        return book;
    dbk_pos_book_destroy(book);
    return NULL;
}

void dbk_pos_book_destroy(dbk_pos_book *book)
{
    if (book == NULL)
        return;
    dbk_standing_destroy(book->before.tickets);
    dbk_standing_destroy(book->before.items);
    dbk_standing_destroy(book->period.tickets);
    dbk_standing_destroy(book->period.items);
    free(book->closed);
    free(book);
}

static dbk_status no_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
}

// What counts follows from the company's currency: with another, what was kept is of no use.
static dbk_status set_currency(dbk_pos_book *book, dbk_text currency, dbk_error *err)
{
    uint32_t length = currency.length < CURRENCY_MAX ? currency.length : CURRENCY_MAX;
    if (length == book->currency_length &&
        (length == 0 || memcmp(book->currency, currency.data, length) == 0))
        return DBK_OK;
    book->currency_length = 0;
    if (!make_gathering(&book->before) || !make_gathering(&book->period))
        return no_memory(err);
    if (length > 0)
        memcpy(book->currency, currency.data, length);
    book->currency_length = length;
    return DBK_OK;
}

// ---- Closed moments ----

static bool has_room(dbk_pos_book *book)
{
    if (book->closed_count + 2 <= book->closed_capacity)
        return true;
    int capacity = book->closed_capacity > 0 ? 2 * book->closed_capacity : 16;
    dbk_value *closed = realloc(book->closed, (size_t)capacity * sizeof(*closed));
    if (closed == NULL)
        return false;
    book->closed = closed;
    book->closed_capacity = capacity;
    return true;
}

static bool add_period(dbk_pos_book *book, int64_t from_ms, int64_t to_ms)
{
    if (from_ms > to_ms)
        return true;
    dbk_value *last = book->closed_count > 0 ? &book->closed[book->closed_count - 1] : NULL;
    if (last != NULL && from_ms <= last->number + 1) {
        last->number = to_ms > last->number ? to_ms : last->number;
        return true;
    }
    if (!has_room(book))
        return false;
    book->closed[book->closed_count++] = (dbk_value){.kind = DBK_VALUE_INT, .number = from_ms};
    book->closed[book->closed_count++] = (dbk_value){.kind = DBK_VALUE_INT, .number = to_ms};
    return true;
}

static dbk_status query_closures(const dbk_pos_gathering *g, int64_t number, dbk_result **out, dbk_error *err)
{
    static const char *const fields[] = {"number", "from_at", "created_at"};
    static const dbk_order by_number = {.output = 0};
    const dbk_value from = {.kind = DBK_VALUE_INT, .number = number};
    const dbk_filter filter = {.column = "number", .op = DBK_OP_GE, .values = &from, .values_count = 1};
    dbk_query query = {.table = "closures",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .filters = &filter,
                       .filters_count = 1,
                       .fields = fields,
                       .fields_count = DBK_COUNT(fields),
                       .order = &by_number,
                       .order_count = 1};
    return dbk_query_run(g->snapshot, g->tenant, &query, out, err);
}

// Those since the last one that is known, which must still be the one that it was.
static dbk_status read_closed(dbk_pos_book *book, const dbk_pos_gathering *g, dbk_error *err)
{
    dbk_result *rows;
    DBK_TRY(query_closures(g, book->number, &rows, err));
    bool is_known =
        book->number == 0 ||
        (dbk_result_rows(rows) > 0 && dbk_result_int(rows, 0, 0) == book->number &&
         dbk_result_int(rows, 0, 1) == book->from_ms && dbk_result_int(rows, 0, 2) == book->at_ms);
    if (!is_known) {
        dbk_result_free(rows);
        forget_closed(book);
        DBK_TRY(query_closures(g, 0, &rows, err));
    }
    dbk_status status = DBK_OK;
    for (size_t row = 0; row < dbk_result_rows(rows) && status == DBK_OK; row++) {
        int64_t number = dbk_result_int(rows, row, 0);
        if (number == book->number)
            continue;
        book->number = number;
        book->from_ms = dbk_result_int(rows, row, 1);
        book->at_ms = dbk_result_int(rows, row, 2);
        if (!add_period(book, book->from_ms, book->at_ms))
            status = no_memory(err);
    }
    dbk_result_free(rows);
    if (status != DBK_OK)
        forget_closed(book);
    return status;
}

dbk_status dbk_pos_book_gather(dbk_pos_book *book, dbk_pos_ledger *ledger, const dbk_pos_gathering *g,
                               dbk_error *err)
{
    const dbk_value period[] = {{.kind = DBK_VALUE_INT, .number = g->from_ms},
                                {.kind = DBK_VALUE_INT, .number = g->to_ms}};
    DBK_TRY(set_currency(book, g->currency, err));
    DBK_TRY(read_closed(book, g, err));
    DBK_TRY(
        dbk_pos_gather_kept(ledger, DBK_POS_BEFORE, g, &book->before, book->closed, book->closed_count, err));
    return dbk_pos_gather_kept(ledger, DBK_POS_PERIOD, g, &book->period, period,
                               g->from_ms <= g->to_ms ? 2 : 0, err);
}
