// SPDX-License-Identifier: Apache-2.0
// The rollups that there are: what the reports ask for, narrow ones first.
#include "engine/rollup.h"

static const dbk_rollup_def orders[] = {
    {.name = "orders by status",
     .time = "created_at",
     .dims = {"status", "currency"},
     .measures = {"total"},
     .grains = {true, true, true}},
    {.name = "orders by status and kind",
     .time = "created_at",
     .dims = {"status", "currency", "kind"},
     .measures = {"total", "subtotal", "discount", "shipping", "tax", "tip"},
     .grains = {false, true, true}},
    {.name = "orders by status, kind and payment method",
     .time = "created_at",
     .dims = {"status", "currency", "kind", "payment_method"},
     .measures = {"total"},
     .grains = {false, true, true}},
};

static const dbk_rollup_def payments[] = {
    {.name = "payments by status and method",
     .time = "created_at",
     .dims = {"status", "currency", "kind", "method"},
     .measures = {"amount"},
     .grains = {false, true, true}},
};

_Static_assert(DBK_COUNT(orders) <= DBK_ROLLUPS_PER_TABLE, "orders have too many rollups");
_Static_assert(DBK_COUNT(payments) <= DBK_ROLLUPS_PER_TABLE, "payments have too many rollups");

const dbk_rollup_def *dbk_rollup_defs(dbk_table_id table, int *count)
{
    switch (table) {
    case DBK_ORDERS:
        *count = DBK_COUNT(orders);
        return orders;
    case DBK_PAYMENTS:
        *count = DBK_COUNT(payments);
        return payments;
    default:
        *count = 0;
        return NULL;
    }
}

static const dbk_roster_def orders_by_customer = {.name = "orders by customer",
                                                  .time = "created_at",
                                                  .who = "customer_id",
                                                  .dim = "currency",
                                                  .measure = "total"};

const dbk_roster_def *dbk_roster_def_of(dbk_table_id table)
{
    return table == DBK_ORDERS ? &orders_by_customer : NULL;
}
