// SPDX-License-Identifier: Apache-2.0
// From parameters to conditions.
#include "http/distribu/order_filters.h"

#include "http/app/js_date.h"
#include "http/distribu/order.h"

#include <ctype.h>

static bool read_status(dbk_call *call, dbk_order_filters *f)
{
    dbk_text wanted = dbk_call_param(call, "status");
    if (wanted.length == 0)
        return true;
    int status = dbk_order_status_find(wanted);
    if (status < 0 || !dbk_text_equal(wanted, dbk_text_from(dbk_order_status_names[status]))) {
        dbk_call_fail(call, 400, "Invalid order status.");
        return false;
    }
    for (int s = 0; s < DBK_STATUS_SPELLINGS; s++) {
        for (uint32_t i = 0; i < wanted.length; i++)
            f->spellings[s][i] =
                s == 0 || (s == 1 && i == 0) ? wanted.data[i] : (char)tolower((unsigned char)wanted.data[i]);
        f->statuses[s] = (dbk_value){.kind = DBK_VALUE_TEXT, .text = {f->spellings[s], wanted.length}};
    }
    f->has_status = true;
    return true;
}

static bool parse_end(dbk_call *call, const dbk_settings *settings, const char *name, int64_t *out)
{
    dbk_time_form form;
    dbk_text text = dbk_call_param(call, name);
    if (text.length == 0 || dbk_js_date_parse(text, settings->zone, out, &form))
        return true;
    dbk_call_fail(call, 400, "Invalid %s date.", name);
    return false;
}

// Both ends are inclusive, to the millisecond; a date alone is its first moment, as `until` too.
static bool read_range(dbk_call *call, const dbk_settings *settings, dbk_order_filters *f)
{
    int64_t until = DBK_TIME_OPEN_TO - 1;
    f->from_ms = DBK_TIME_OPEN_FROM;
    if (!parse_end(call, settings, "since", &f->from_ms) || !parse_end(call, settings, "until", &until))
        return false;
    f->to_ms = until + 1;
    return true;
}

bool dbk_order_filters_read(dbk_call *call, const dbk_settings *settings, dbk_order_filters *out)
{
    *out = (dbk_order_filters){0};
    dbk_text customer = dbk_call_param(call, "customerId");
    if (customer.length > 0)
        out->customer = (dbk_value){.kind = DBK_VALUE_TEXT, .text = customer};
    return read_status(call, out) && read_range(call, settings, out);
}

void dbk_order_filters_tag(dbk_call *call)
{
    static const char *const names[] = {"status", "customerId", "since", "until"};
    for (size_t i = 0; i < DBK_COUNT(names); i++) {
        dbk_text value = dbk_call_param(call, names[i]);
        dbk_call_tag(call, value.data, value.length);
    }
}

int dbk_order_filters_write(const dbk_order_filters *filters, const char *status_column,
                            const char *customer_column, dbk_filter out[DBK_ORDER_FILTERS_MAX])
{
    int n = 0;
    if (filters->has_status)
        out[n++] = (dbk_filter){.column = status_column,
                                .op = DBK_OP_IN,
                                .values = filters->statuses,
                                .values_count = DBK_STATUS_SPELLINGS};
    if (filters->customer.kind == DBK_VALUE_TEXT)
        out[n++] = (dbk_filter){
            .column = customer_column, .op = DBK_OP_EQ, .values = &filters->customer, .values_count = 1};
    return n;
}
