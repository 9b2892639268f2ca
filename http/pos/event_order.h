// SPDX-License-Identifier: Apache-2.0
// Which events a stored order gives, and what they say (P21, P27–P33).
#ifndef DBK_EVENT_ORDER_H
#define DBK_EVENT_ORDER_H

#include "engine/db.h"
#include "http/json/writer.h"

// Bits; an order's events are told in this order.
typedef enum dbk_order_event {
    DBK_ORDER_NEW = 1,
    DBK_ORDER_CONFIRMED = 2,
    DBK_ORDER_CHANGED = 4,
    DBK_ORDER_CANCELLED = 8,
} dbk_order_event;

// What follows from an order that was stored over what stood there before:
//   it was not there                                     new-order
//   it is CONFIRMED, COMPLETED or PICKED_UP (it counts)
//     and did not count before                           confirmed-order
//   it is CANCELLED and was not                          order-cancelled
//   its status is another one, and none of the above     order-status-update
unsigned dbk_order_events_of(const dbk_watched_row *row);

// Some orders of a tenant with their lines, as one snapshot has them.
//
// Lines are not found by their order: they are looked for among those whose created_at, which is the order's
// unless it was given, is within a day of an order's.
typedef struct dbk_event_orders {
    dbk_result *orders, *lines;
    size_t *order_places, *line_places; // by id; by order and then id
} dbk_event_orders;

dbk_status dbk_event_orders_read(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_value *ids,
                                 int ids_count, dbk_event_orders *out, dbk_error *err);
void dbk_event_orders_dispose(dbk_event_orders *orders);

typedef enum dbk_order_shape {
    DBK_SHAPE_BRIEF,   // displayCode, ticketNumber, id (P28)
    DBK_SHAPE_STATUS,  // … and status
    DBK_SHAPE_FOOD_ID, // the whole order, items with foodId (P29)
    DBK_SHAPE_FOOD,    // … with food{id,name,printerId} (P30)
} dbk_order_shape;

// One JSON object. `status` is that of the event: the order may have moved on since. An order that is not in
// the snapshot any more has neither amounts nor items.
void dbk_event_order_write(dbk_out *out, const dbk_event_orders *orders, dbk_text id, dbk_text status,
                           dbk_order_shape shape);

#endif
