// SPDX-License-Identifier: Apache-2.0
// What the reports take and give, as JSON Schemas for the description of the API.
#include "http/blocks/handlers.h"

#define STRING             "{\"type\":\"string\"}"
#define TEXT_OR_NULL       "{\"type\":[\"string\",\"null\"]}"
#define NUMBER             "{\"type\":\"number\"}"
#define COUNT              "{\"type\":\"integer\"}"
#define TIME               "{\"type\":\"string\",\"format\":\"date-time\"}"
#define TIME_OR_NULL       "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define DATE               "{\"type\":\"string\",\"format\":\"date\"}"
#define COUNTS             "{\"type\":\"object\",\"additionalProperties\":" COUNT "}"
#define OBJECT(properties) "{\"type\":\"object\",\"properties\":{" properties "}}"
#define ARRAY(properties)  "{\"type\":\"array\",\"items\":" OBJECT(properties) "}"
#define REPORT(properties)                                                                                   \
    "{\"type\":\"object\",\"required\":[\"data\"],\"properties\":{\"data\":{\"type\":\"object\","            \
    "\"required\":[\"type\",\"attributes\"],\"properties\":{\"type\":{\"const\":\"report\"},\"attributes\":" \
    "{\"type\":\"object\",\"properties\":{" properties "}}}}}}"
#define PERIOD "\"period\":" OBJECT("\"start_date\":" DATE ",\"end_date\":" DATE)
#define BUCKET "\"date\":" DATE ",\"week\":" STRING ",\"month\":" STRING

#define FIELDS                                                                                               \
    "\"start_date\":" DATE ",\"end_date\":" DATE ",\"group_by\":{\"type\":\"string\",\"enum\":[\"day\","     \
    "\"week\",\"month\",\"vendor\",\"model\"]},\"status\":" STRING ",\"currency\":{\"type\":\"string\","     \
    "\"pattern\":\"^[A-Za-z]{3}$\"},\"vendor_id\":" STRING ",\"payment_method\":" STRING                     \
    ",\"page\":{\"type\":\"integer\",\"minimum\":1},\"per_page\":{\"type\":\"integer\",\"minimum\":1,"       \
    "\"maximum\":10000},\"include\":{\"type\":\"array\",\"items\":{\"const\":\"breakdown\"}}"

const char dbk_schema_blocks_body[] = OBJECT("\"report\":" OBJECT(FIELDS));

const char dbk_schema_blocks_orders_summary[] = REPORT(
    "\"total_orders\":" COUNT ",\"total_revenue\":" NUMBER ",\"average_order_value\":" NUMBER
    ",\"total_tax\":" NUMBER ",\"total_tips\":" NUMBER ",\"currency\":" TEXT_OR_NULL "," PERIOD
    ",\"by_status\":" COUNTS ",\"breakdown\":" ARRAY(BUCKET ",\"orders\":" COUNT ",\"revenue\":" NUMBER));

const char dbk_schema_blocks_flexible_orders_summary[] =
    REPORT("\"total_orders\":" COUNT ",\"total_revenue\":" NUMBER ",\"average_order_value\":" NUMBER
           ",\"currency\":" TEXT_OR_NULL "," PERIOD ",\"by_status\":" COUNTS
           ",\"breakdown\":" ARRAY(BUCKET ",\"orders\":" COUNT ",\"revenue\":" NUMBER));

const char dbk_schema_blocks_orders_list[] = REPORT("\"records\":" ARRAY(
    "\"order_id\":" STRING ",\"user_id\":" TEXT_OR_NULL ",\"total\":" NUMBER
    ",\"subtotal\":{\"type\":[\"number\",\"null\"]},\"tax\":{\"type\":["
    "\"number\",\"null\"]},\"status\":" STRING ",\"payment_method\":" TEXT_OR_NULL ",\"created_at\":" TIME
    ",\"delivered_at\":" TIME_OR_NULL) ",\"total_records\":" COUNT ",\"total_revenue\":" NUMBER);

const char dbk_schema_blocks_providers_list[] = REPORT("\"records\":" ARRAY(
    "\"provider_id\":" STRING ",\"vendor_id\":" TEXT_OR_NULL ",\"vendor_name\":" TEXT_OR_NULL
    ",\"order_id\":" TEXT_OR_NULL ",\"detail_id\":" TEXT_OR_NULL ",\"commission_rate\":{\"type\":[\"number\","
    "\"null\"]},\"amount\":" NUMBER ",\"status\":" STRING) ",\"total_records\":" COUNT);

const char dbk_schema_blocks_providers_summary[] =
    REPORT("\"total_assignments\":" COUNT ",\"total_provider_amount\":" NUMBER ",\"total_commission\":" NUMBER
           ",\"currency\":" TEXT_OR_NULL ",\"by_vendor\":" ARRAY(
               "\"vendor_id\":" TEXT_OR_NULL ",\"vendor_name\":" TEXT_OR_NULL ",\"assignments\":" COUNT
               ",\"total_amount\":" NUMBER ",\"avg_commission_rate\":" NUMBER));

const char dbk_schema_blocks_payments_list[] = REPORT("\"records\":" ARRAY(
    "\"payment_id\":" STRING ",\"order_id\":" TEXT_OR_NULL ",\"user_id\":" TEXT_OR_NULL ",\"amount\":" NUMBER
    ",\"currency\":" TEXT_OR_NULL ",\"status\":" STRING ",\"payment_method\":" TEXT_OR_NULL
    ",\"created_at\":" TIME) ",\"total_records\":" COUNT ",\"total_amount\":" NUMBER);

const char dbk_schema_blocks_payments_summary[] = REPORT(
    "\"total_payments\":" COUNT ",\"total_amount\":" NUMBER ",\"confirmed_amount\":" NUMBER
    ",\"pending_amount\":" NUMBER ",\"failed_amount\":" NUMBER ",\"currency\":" TEXT_OR_NULL
    ",\"by_method\":{\"type\":\"object\",\"additionalProperties\":" OBJECT(
        "\"count\":" COUNT
        ",\"amount\":" NUMBER) "}," PERIOD
                               ",\"breakdown\":" ARRAY(BUCKET ",\"payments\":" COUNT ",\"amount\":" NUMBER));

const char dbk_schema_blocks_vendor_payments_list[] = REPORT("\"records\":" ARRAY(
    "\"payment_id\":" STRING ",\"vendor_id\":" STRING ",\"vendor_name\":" TEXT_OR_NULL
    ",\"order_id\":" TEXT_OR_NULL ",\"amount\":" NUMBER ",\"status\":" STRING
    ",\"paid_at\":" TIME_OR_NULL) ",\"total_records\":" COUNT ",\"total_amount\":" NUMBER);

const char dbk_schema_blocks_vendor_payments_summary[] = REPORT(
    "\"total_payments\":" COUNT ",\"total_amount\":" NUMBER ",\"paid_amount\":" NUMBER
    ",\"pending_amount\":" NUMBER ",\"currency\":" TEXT_OR_NULL
    ",\"by_vendor\":" ARRAY("\"vendor_id\":" STRING ",\"vendor_name\":" TEXT_OR_NULL ",\"payments\":" COUNT
                            ",\"total_amount\":" NUMBER ",\"paid_amount\":" NUMBER));

const char dbk_schema_blocks_subscriptions_list[] = REPORT("\"records\":" ARRAY(
    "\"user_id\":" STRING ",\"subscription_id\":" STRING ",\"model_name\":" STRING ",\"status\":" STRING
    ",\"price\":" NUMBER ",\"started_at\":" TIME) ",\"total_records\":" COUNT);

const char dbk_schema_blocks_subscriptions_summary[] = REPORT(
    "\"total_subscriptions\":" COUNT ",\"active_subscriptions\":" COUNT ",\"cancelled_subscriptions\":" COUNT
    ",\"new_subscriptions\":" COUNT ",\"churned_subscriptions\":" COUNT ",\"mrr\":" NUMBER
    ",\"currency\":" TEXT_OR_NULL ",\"by_model\":" ARRAY("\"model_name\":" STRING ",\"subscribers\":" COUNT
                                                         ",\"revenue\":" NUMBER) ",\"churn_rate\":" NUMBER);
