// SPDX-License-Identifier: Apache-2.0
// Writing reports.
#include "http/pos/report.h"

#include "engine/base/decimal.h"

static void write_money(dbk_out *out, const char *name, dbk_i128 value, int digits)
{
    dbk_out_key(out, name);
    dbk_out_money(out, value, 1, digits);
}

static void write_id(dbk_out *out, const char *name, const dbk_pos_id *id)
{
    dbk_out_key(out, name);
    dbk_out_string(out, id->text);
}

static void write_name(dbk_out *out, const char *name, dbk_text value)
{
    dbk_out_key(out, name);
    dbk_out_text(out, value);
}

// What has no name is called by its id.
static dbk_text name_or_id(dbk_text name, dbk_text id)
{
    return name.length > 0 ? name : id;
}

static void write_foods(dbk_out *out, const dbk_pos_category *category, const dbk_pos_id *id, int digits)
{
    dbk_out_key(out, "foodStats");
    dbk_out_array(out);
    for (size_t i = 0; i < category->foods_count; i++) {
        const dbk_pos_food *food = &category->foods[i];
        dbk_pos_id food_id = dbk_pos_id_inside(id, "food", food->id);
        dbk_out_object(out);
        write_id(out, "id", &food_id);
        write_id(out, "categoryStatsId", id);
        write_name(out, "foodId", food->id);
        write_name(out, "foodName", name_or_id(food->name, food->id));
        write_money(out, "revenue", food->revenue, digits);
        dbk_out_key(out, "quantity");
        dbk_out_wide(out, food->quantity);
        dbk_out_object_end(out);
    }
    dbk_out_array_end(out);
}

static void write_categories(dbk_out *out, const dbk_pos_report *report)
{
    const dbk_pos_window *window = report->window;
    dbk_out_key(out, "categoryStats");
    dbk_out_array(out);
    for (size_t i = 0; window != NULL && i < window->categories_count; i++) {
        const dbk_pos_category *category = &window->categories[i];
        dbk_pos_id id = dbk_pos_id_inside(&report->id, "category", category->id);
        dbk_out_object(out);
        write_id(out, "id", &id);
        write_id(out, "reportId", &report->id);
        write_name(out, "categoryId", category->id);
        write_name(out, "categoryName", name_or_id(category->name, category->id));
        write_money(out, "revenue", category->revenue, report->digits);
        dbk_out_key(out, "quantity");
        dbk_out_wide(out, category->quantity);
        write_foods(out, category, &id, report->digits);
        dbk_out_object_end(out);
    }
    dbk_out_array_end(out);
}

static void write_registers(dbk_out *out, const dbk_pos_report *report)
{
    const dbk_pos_window *window = report->window;
    dbk_out_key(out, "cashRegisterStats");
    dbk_out_array(out);
    for (size_t i = 0; window != NULL && i < window->registers_count; i++) {
        const dbk_pos_register *r = &window->registers[i];
        if (r->id.length == 0)
            continue; // a ticket may belong to none
        dbk_pos_id id = dbk_pos_id_inside(&report->id, "register", r->id);
        dbk_out_object(out);
        write_id(out, "id", &id);
        write_id(out, "reportId", &report->id);
        write_name(out, "cashRegisterId", r->id);
        write_name(out, "cashRegisterName", name_or_id(r->name, r->id));
        write_money(out, "totalRevenue", r->revenue, report->digits);
        write_money(out, "totalCardRevenue", r->card, report->digits);
        write_money(out, "totalCashRevenue", r->cash, report->digits);
        dbk_out_object_end(out);
    }
    dbk_out_array_end(out);
}

static void write_totals(dbk_out *out, const dbk_pos_window *window, int digits)
{
    static const dbk_pos_window nothing;
    const dbk_pos_window *w = window != NULL ? window : &nothing;
    write_money(out, "totalRevenue", w->revenue, digits);
    write_money(out, "totalCashRevenue", w->cash, digits);
    write_money(out, "totalCardRevenue", w->card, digits);
    dbk_out_key(out, "totalOrders");
    dbk_out_int(out, w->orders);
}

static void write_average(dbk_out *out, const dbk_pos_report *report)
{
    dbk_out_key(out, "averageCompletitionTime"); // the contract's spelling
    const dbk_pos_window *window = report->window;
    if (report->hides_average || window == NULL || window->completed == 0)
        dbk_out_null(out);
    else
        dbk_out_wide(out, dbk_decimal_round(window->completion_ms, 0, window->completed * DBK_MS_MINUTE, 0));
}

void dbk_pos_report_write(dbk_out *out, const dbk_pos_report *report)
{
    dbk_out_object(out);
    write_id(out, "id", &report->id);
    dbk_out_key(out, "timestamp");
    dbk_out_time_seconds(out, report->timestamp_ms);
    dbk_out_key(out, "intervalInMinutes");
    dbk_out_wide(out, dbk_decimal_round(report->interval_ms, 0, DBK_MS_MINUTE, 0));
    write_totals(out, report->window, report->digits);
    write_average(out, report);
    write_categories(out, report);
    write_registers(out, report);
    if (report->adjustment != NULL) {
        dbk_out_key(out, "adjustment");
        dbk_out_object(out);
        write_totals(out, report->adjustment, report->digits);
        dbk_out_object_end(out);
    }
    dbk_out_object_end(out);
}

void dbk_pos_report_not_found(dbk_call *call)
{
    dbk_call_fail(call, 404, "Report not found");
}

const dbk_bucket *dbk_pos_bucket(dbk_pos_grouping grouping, const dbk_zone *zone, dbk_bucket *room)
{
    static const int hours[] = {[DBK_POS_1H] = 1, [DBK_POS_4H] = 4, [DBK_POS_12H] = 12};
    if (grouping == DBK_POS_ALL)
        return NULL;
    if (grouping == DBK_POS_DAY)
        *room = (dbk_bucket){.unit = DBK_UNIT_DAY, .count = 1, .zone = zone};
    else
        *room = (dbk_bucket){.unit = DBK_UNIT_HOUR, .count = hours[grouping], .zone = zone};
    return room;
}
