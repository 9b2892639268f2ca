// SPDX-License-Identifier: Apache-2.0
// The routes of 23blocks: who answers them, and the JSON Schemas of what they answer.
#ifndef DBK_BLOCKS_HANDLERS_H
#define DBK_BLOCKS_HANDLERS_H

#include "http/app/route.h"

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

extern const char dbk_schema_blocks_flexible_orders_summary[], dbk_schema_blocks_orders_list[],
    dbk_schema_blocks_orders_summary[], dbk_schema_blocks_payments_list[],
    dbk_schema_blocks_payments_summary[], dbk_schema_blocks_providers_list[],
    dbk_schema_blocks_providers_summary[], dbk_schema_blocks_subscriptions_list[],
    dbk_schema_blocks_subscriptions_summary[], dbk_schema_blocks_vendor_payments_list[],
    dbk_schema_blocks_vendor_payments_summary[], dbk_schema_blocks_body[];

#endif
