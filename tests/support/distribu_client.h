// SPDX-License-Identifier: Apache-2.0
// Asking Distribu's routes for the company `acme`, as its operator. Each returns the status of the reply.
#ifndef DBK_TEST_DISTRIBU_CLIENT_H
#define DBK_TEST_DISTRIBU_CLIENT_H

#include "tests/support/app_client.h"

// The reports, with a query such as "preset=month" or "".
int test_sales(test_app *app, const char *query);
int test_customers(test_app *app, const char *query);
// What follows /api/v1/products: "", "/p1" or "?limit=2".
int test_products(test_app *app, const char *rest);
int test_settings(test_app *app, const char *json);

// The seed's month: 42 orders, 18743.50, with the seed's split by status. Cents are spread so that each
// status comes to its sum.
void test_load_seed_month(test_app *app);

#endif
