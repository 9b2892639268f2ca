// SPDX-License-Identifier: Apache-2.0
// A customer as Distribu shows it.
#ifndef DBK_DISTRIBU_CUSTOMER_H
#define DBK_DISTRIBU_CUSTOMER_H

#include "http/app/call.h"

typedef struct dbk_customer {
    dbk_text id, email, name, status, notes;
    int64_t credit_limit, tax_rate_override; // DBK_NULL = none
    int64_t email_verified, created_at, updated_at;
} dbk_customer;

void dbk_customer_write(dbk_out *out, const dbk_customer *customer, int digits);

#endif
