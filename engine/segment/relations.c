// SPDX-License-Identifier: Apache-2.0
// What usually follows from what in an order: constant data, found by the names of its columns.
#include "engine/segment/relations.h"

#include <assert.h>
#include <string.h>

typedef struct known_relation {
    dbk_table_id table;
    const char *column;
    bool is_share;
    const char *terms[DBK_DERIVED_TERMS_MAX]; // '+' or '-', and the column
} known_relation;

// An order's total is what reports add up: it stays as it is, and its parts follow from it.
static const known_relation known[] = {
    {DBK_ORDERS, "tax", true, {"+total", "-tip"}},
    {DBK_ORDERS, "subtotal", false, {"+total", "-tax", "-shipping", "-tip", "+discount"}},
    {DBK_ORDERS, "subtotal", false, {"+total", "-shipping", "-tip", "+discount"}}, // prices hold their tax
    {DBK_ORDER_LINES, "deposit", true, {"+total"}},
    {DBK_ORDER_LINES, "balance", false, {"+total", "-deposit"}},
    {DBK_ORDER_LINES, "refunded", false, {"+total"}},
};

static bool is_of(const known_relation *k, const dbk_table_def *table, int column)
{
    return k->table == table->id && strcmp(k->column, table->columns[column].name) == 0;
}

static dbk_relation bind(const known_relation *k, const dbk_table_def *table)
{
    dbk_relation out = {.is_share = k->is_share};
    for (int i = 0; i < DBK_DERIVED_TERMS_MAX && k->terms[i]; i++) {
        const int column = dbk_column_find(table, dbk_text_from(k->terms[i] + 1));
        assert(column >= 0);
        out.columns[i] = (uint8_t)column;
        out.signs[i] = k->terms[i][0] == '-' ? -1 : 1;
        out.terms++;
    }
    return out;
}

int dbk_relations_of(const dbk_table_def *table, int column, dbk_relation out[DBK_RELATIONS_MAX])
{
    int count = 0;
    // What happens to a row happens after it was made.
    if (table->time_column >= 0 && column != table->time_column && table->columns[column].type == DBK_TIME)
        out[count++] = (dbk_relation){.terms = 1, .columns = {(uint8_t)table->time_column}, .signs = {1}};
    for (size_t i = 0; i < DBK_COUNT(known); i++) {
        if (is_of(&known[i], table, column)) {
            assert(count < DBK_RELATIONS_MAX);
            out[count++] = bind(&known[i], table);
        }
    }
    return count;
}
