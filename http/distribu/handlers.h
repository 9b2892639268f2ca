// SPDX-License-Identifier: Apache-2.0
// Distribu's routes: who answers them, and the JSON Schemas of what they answer.
#ifndef DBK_DISTRIBU_HANDLERS_H
#define DBK_DISTRIBU_HANDLERS_H

#include "http/app/route.h"

void dbk_distribu_sales(dbk_call *call);
void dbk_distribu_customers(dbk_call *call);
void dbk_distribu_inventory(dbk_call *call);
void dbk_distribu_top_products(dbk_call *call);
void dbk_distribu_products(dbk_call *call);
void dbk_distribu_product(dbk_call *call);
void dbk_distribu_orders(dbk_call *call);
void dbk_distribu_orders_export(dbk_call *call);
void dbk_distribu_order(dbk_call *call);
void dbk_distribu_order_create(dbk_call *call);
void dbk_distribu_order_update(dbk_call *call);
void dbk_distribu_customer_list(dbk_call *call);
void dbk_distribu_customer(dbk_call *call);
void dbk_distribu_customer_create(dbk_call *call);
void dbk_distribu_customer_update(dbk_call *call);
void dbk_distribu_webhooks(dbk_call *call);
void dbk_distribu_webhook(dbk_call *call);
void dbk_distribu_webhook_create(dbk_call *call);
void dbk_distribu_webhook_update(dbk_call *call);
void dbk_distribu_webhook_delete(dbk_call *call);
void dbk_distribu_webhook_deliveries(dbk_call *call);
void dbk_distribu_audit_log(dbk_call *call);
void dbk_admin_webhook_rotate(dbk_call *call);

extern const char dbk_schema_sales[], dbk_schema_customers[], dbk_schema_inventory[], dbk_schema_products[],
    dbk_schema_product[], dbk_schema_customer_list[], dbk_schema_customer[], dbk_schema_orders[],
    dbk_schema_order[], dbk_schema_webhooks[], dbk_schema_webhook[], dbk_schema_deliveries[],
    dbk_schema_audit_log[], dbk_schema_top_products[];

#endif
