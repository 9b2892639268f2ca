// SPDX-License-Identifier: Apache-2.0
// Every handler of the route table, and the JSON Schemas of what they answer.
#ifndef DBK_HANDLERS_H
#define DBK_HANDLERS_H

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

void dbk_stoq_catalogue(dbk_call *call);
void dbk_stoq_help(dbk_call *call);
void dbk_stoq_skill(dbk_call *call);
void dbk_stoq_llms(dbk_call *call);
void dbk_stoq_report_get(dbk_call *call);
void dbk_stoq_describe_reads(dbk_out *paths);
void dbk_stoq_export_create(dbk_call *call);
void dbk_stoq_export_status(dbk_call *call);
void dbk_stoq_export_list(dbk_call *call);
void dbk_stoq_export_cancel(dbk_call *call);
void dbk_export_download(dbk_call *call);
void dbk_blocks_orders_summary(dbk_call *call);
void dbk_blocks_orders_list(dbk_call *call);
void dbk_blocks_providers_list(dbk_call *call);
void dbk_blocks_providers_summary(dbk_call *call);
void dbk_blocks_flexible_orders_summary(dbk_call *call);
void dbk_blocks_payments_list(dbk_call *call);
void dbk_blocks_payments_summary(dbk_call *call);
void dbk_blocks_vendor_payments_list(dbk_call *call);
void dbk_blocks_vendor_payments_summary(dbk_call *call);
void dbk_blocks_subscriptions_list(dbk_call *call);
void dbk_blocks_subscriptions_summary(dbk_call *call);
void dbk_pos_events_handle(dbk_call *call);
void dbk_pos_event_ticket(dbk_call *call);
void dbk_pos_reports(dbk_call *call);
void dbk_pos_report_get(dbk_call *call);
void dbk_pos_closure_create(dbk_call *call);
void dbk_admin_closure_list(dbk_call *call);
void dbk_admin_closure_get(dbk_call *call);
void dbk_admin_pos_hours(dbk_call *call);

void dbk_ingest_handle(dbk_call *call);

void dbk_health_handle(dbk_call *call);
void dbk_ready_handle(dbk_call *call);
void dbk_metrics_handle(dbk_call *call);
void dbk_openapi_handle(dbk_call *call);

void dbk_admin_key_create(dbk_call *call);
void dbk_admin_key_list(dbk_call *call);
void dbk_admin_key_revoke(dbk_call *call);
void dbk_admin_settings_get(dbk_call *call);
void dbk_admin_settings_put(dbk_call *call);
void dbk_admin_checkpoint(dbk_call *call);

extern const char dbk_schema_sales[], dbk_schema_customers[], dbk_schema_inventory[], dbk_schema_products[],
    dbk_schema_product[], dbk_schema_ingest[], dbk_schema_customer_list[], dbk_schema_customer[],
    dbk_schema_orders[], dbk_schema_order[];
extern const char dbk_schema_event_ticket[];
extern const char dbk_schema_webhooks[], dbk_schema_webhook[], dbk_schema_deliveries[],
    dbk_schema_audit_log[], dbk_schema_top_products[];
// … of the 23blocks dialect, and of its bodies.
extern const char dbk_schema_blocks_flexible_orders_summary[], dbk_schema_blocks_orders_list[],
    dbk_schema_blocks_orders_summary[], dbk_schema_blocks_payments_list[],
    dbk_schema_blocks_payments_summary[], dbk_schema_blocks_providers_list[],
    dbk_schema_blocks_providers_summary[], dbk_schema_blocks_subscriptions_list[],
    dbk_schema_blocks_subscriptions_summary[], dbk_schema_blocks_vendor_payments_list[],
    dbk_schema_blocks_vendor_payments_summary[];
extern const char dbk_schema_blocks_body[];
extern const char dbk_schema_pos_report[], dbk_schema_pos_reports[];

extern const char dbk_schema_export_accepted[], dbk_schema_export_job[], dbk_schema_export_list[];

#endif
