// SPDX-License-Identifier: Apache-2.0
// Requests to Distribu's routes for the company `acme`, as its operator.
#include "tests/support/distribu_client.h"

#include <stdio.h>
#include <string.h>

int test_sales(test_app *app, const char *query)
{
    char target[512];
    snprintf(target, sizeof(target), "/admin/report/sales?tenant=acme%s%s", query[0] ? "&" : "", query);
    return test_ask(app, "GET", target, true, NULL, NULL);
}

int test_customers(test_app *app, const char *query)
{
    char target[512];
    snprintf(target, sizeof(target), "/admin/report/customers?tenant=acme%s%s", query[0] ? "&" : "", query);
    return test_ask(app, "GET", target, true, NULL, NULL);
}

int test_products(test_app *app, const char *rest)
{
    char target[512];
    snprintf(target, sizeof(target), "/api/v1/products%s%stenant=acme", rest, strchr(rest, '?') ? "&" : "?");
    return test_ask(app, "GET", target, true, NULL, NULL);
}

int test_settings(test_app *app, const char *json)
{
    return test_ask(app, "PUT", "/admin/settings?tenant=acme", true, NULL, json);
}

void test_load_seed_month(test_app *app)
{
    static const struct {
        const char *status;
        int orders;
        int64_t cents;
    } groups[] = {{"SUBMITTED", 2, 41000},
                  {"CONFIRMED", 5, 210050},
                  {"SHIPPED", 10, 450000},
                  {"DELIVERED", 23, 1053300},
                  {"CANCELLED", 2, 120000}};
    dbk_buffer csv = {0};
    dbk_buffer_format(&csv, "id,created_at,status,customer_id,total\n");
    int id = 0;
    for (size_t g = 0; g < DBK_COUNT(groups); g++) {
        int64_t left = groups[g].cents;
        for (int i = 0; i < groups[g].orders; i++, id++) {
            int64_t cents = i + 1 == groups[g].orders ? left : groups[g].cents / groups[g].orders;
            left -= cents;
            dbk_buffer_format(&csv, "o%d,2026-04-%02dT10:00:00Z,%s,c%d,%lld.%02lld\n", id, id % 17 + 1,
                              groups[g].status, id % 5, (long long)(cents / 100), (long long)(cents % 100));
        }
    }
    dbk_buffer_u8(&csv, 0);
    test_load(app, "acme", "orders", (const char *)csv.data);
    dbk_buffer_dispose(&csv);
}
