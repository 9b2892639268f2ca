// SPDX-License-Identifier: Apache-2.0
// Writing and reading the audit log.
#include "http/app/audit.h"

#include "engine/base/clock.h"
#include "http/app/system_row.h"
#include "http/auth/random_id.h"

#include <stdatomic.h>
#include <string.h>

// Entries of one millisecond keep the order in which they were made: an id begins with the clock's
// nanoseconds, pushed on where two calls meet the same one. Its end is random, so that a clock set back
// repeats no id.
static dbk_status entry_id(char id[DBK_RANDOM_ID_MAX + 1], dbk_error *err)
{
    static _Atomic uint64_t last;
    uint64_t at = (uint64_t)dbk_clock_ns(CLOCK_REALTIME);
    uint64_t before = atomic_load(&last);
    do
        at = at > before ? at : before + 1;
    while (!atomic_compare_exchange_weak(&last, &before, at));
    DBK_TRY(dbk_random_id("aud_", id, err));
    char *digits = id + strlen("aud_");
    for (int i = 15; i >= 0; i--, at >>= 4)
        digits[i] = "0123456789abcdef"[at & 15];
    return DBK_OK;
}

dbk_status dbk_audit_build(dbk_batch *batch, const dbk_audit_entry *entry, dbk_error *err)
{
    char id[DBK_RANDOM_ID_MAX + 1];
    DBK_TRY(entry_id(id, err));
    bool keeps_details = entry->details.length <= DBK_AUDIT_DETAILS_MAX;
    dbk_system_field fields[] = {
        {.column = "id", .text = dbk_text_from(id)},
        {.column = "created_at", .number = entry->at_ms},
        {.column = "actor", .text = entry->actor},
        {.column = "creator", .text = entry->creator},
        {.column = "action", .text = dbk_text_from(entry->action)},
        {.column = "entity_type", .text = dbk_text_from(entry->entity_type)},
        {.column = "entity_id", .text = entry->entity_id},
        {.column = "details", .text = keeps_details ? entry->details : (dbk_text){NULL, 0}},
    };
    return dbk_system_row_build(batch, DBK_AUDIT_LOG, fields, DBK_COUNT(fields), false, err);
}

// ---- Reading ----

enum { ID, AT, ACTOR, CREATOR, ACTION, ENTITY_TYPE, ENTITY_ID, DETAILS };
static const char *const columns[] = {"id",     "created_at",  "actor",     "creator",
                                      "action", "entity_type", "entity_id", "details"};
static const dbk_order newest_first[] = {{.output = AT, .descending = true},
                                         {.output = ID, .descending = true}};

static dbk_query audit_query(void)
{
    return (dbk_query){.table = "audit_log",
                       .from_ms = DBK_TIME_OPEN_FROM,
                       .to_ms = DBK_TIME_OPEN_TO,
                       .fields = columns,
                       .fields_count = DBK_COUNT(columns)};
}

static dbk_status find_cursor(const dbk_snapshot *snapshot, dbk_text tenant, dbk_text id, dbk_value after[2],
                              dbk_error *err)
{
    dbk_value value = {.kind = DBK_VALUE_TEXT, .text = id};
    dbk_filter filter = {.column = "id", .op = DBK_OP_EQ, .values = &value, .values_count = 1};
    dbk_query query = audit_query();
    query.filters = &filter;
    query.filters_count = 1;
    dbk_result *row;
    DBK_TRY(dbk_query_run(snapshot, tenant, &query, &row, err));
    bool is_known = dbk_result_rows(row) > 0;
    if (is_known)
        after[0] = (dbk_value){.kind = DBK_VALUE_INT, .number = dbk_result_int(row, 0, AT)};
    after[1] = value;
    dbk_result_free(row);
    return is_known ? DBK_OK : dbk_fail(err, DBK_NOT_FOUND, "Invalid cursor.");
}

static void write_entry(const dbk_result *rows, size_t row, dbk_out *out)
{
    dbk_text details = dbk_result_text(rows, row, DETAILS);
    dbk_out_object(out);
    dbk_out_key(out, "id");
    dbk_out_text(out, dbk_result_text(rows, row, ID));
    dbk_out_key(out, "createdAt");
    dbk_out_time(out, dbk_result_int(rows, row, AT));
    dbk_out_key(out, "actorType");
    dbk_out_string(out, dbk_result_is_null(rows, row, ACTOR) ? "SYSTEM" : "USER");
    dbk_out_key(out, "actor");
    dbk_out_text_or_null(out, dbk_result_text(rows, row, ACTOR));
    dbk_out_key(out, "creator");
    dbk_out_text_or_null(out, dbk_result_text(rows, row, CREATOR));
    dbk_out_key(out, "action");
    dbk_out_text(out, dbk_result_text(rows, row, ACTION));
    dbk_out_key(out, "entityType");
    dbk_out_text_or_null(out, dbk_result_text(rows, row, ENTITY_TYPE));
    dbk_out_key(out, "entityId");
    dbk_out_text_or_null(out, dbk_result_text(rows, row, ENTITY_ID));
    dbk_out_key(out, "details");
    if (details.length == 0) {
        dbk_out_null(out);
    } else {
        // Stored JSON goes out as it stands; a value of no bytes keeps the writer's commas right.
        dbk_out_raw(out, "");
        dbk_buffer_append(out->out, details.data, details.length);
    }
    dbk_out_object_end(out);
}

static void write_page(const dbk_result *rows, int64_t limit, dbk_out *out)
{
    size_t count = dbk_result_rows(rows);
    bool has_more = count > (size_t)limit;
    size_t shown = has_more ? (size_t)limit : count;
    dbk_out_object(out);
    dbk_out_key(out, "data");
    dbk_out_array(out);
    for (size_t row = 0; row < shown; row++)
        write_entry(rows, row, out);
    dbk_out_array_end(out);
    dbk_out_key(out, "pagination");
    dbk_out_object(out);
    dbk_out_key(out, "hasMore");
    dbk_out_bool(out, has_more);
    dbk_out_key(out, "nextCursor");
    dbk_out_text_or_null(out, has_more ? dbk_result_text(rows, shown - 1, ID) : (dbk_text){NULL, 0});
    dbk_out_object_end(out);
    dbk_out_object_end(out);
}

// Keys and tokens act for users, and what has no actor is the system's: nothing here is done by a customer.
static int filter_actor_type(dbk_text wanted, dbk_filter out[2])
{
    bool is_user = dbk_text_equal(wanted, DBK_TEXT("USER")),
         is_system = dbk_text_equal(wanted, DBK_TEXT("SYSTEM"));
    int count = 0;
    if (!is_system)
        out[count++] = (dbk_filter){.column = "actor", .op = DBK_OP_NOT_NULL};
    if (!is_user)
        out[count++] = (dbk_filter){.column = "actor", .op = DBK_OP_NULL};
    return count;
}

dbk_status dbk_audit_write(const dbk_snapshot *snapshot, dbk_text tenant, const dbk_audit_search *search,
                           dbk_out *out, dbk_error *err)
{
    dbk_value after[2], actor = {.kind = DBK_VALUE_TEXT, .text = search->actor},
                        entity = {.kind = DBK_VALUE_TEXT, .text = search->entity_type};
    dbk_filter filters[4];
    dbk_query query = audit_query();
    if (search->from_ms != DBK_NULL)
        query.from_ms = search->from_ms;
    if (search->to_ms != DBK_NULL && search->to_ms < INT64_MAX)
        query.to_ms = search->to_ms + 1;
    if (search->actor.length > 0)
        filters[query.filters_count++] =
            (dbk_filter){.column = "actor", .op = DBK_OP_EQ, .values = &actor, .values_count = 1};
    if (search->entity_type.length > 0)
        filters[query.filters_count++] =
            (dbk_filter){.column = "entity_type", .op = DBK_OP_EQ, .values = &entity, .values_count = 1};
    if (search->actor_type.length > 0)
        query.filters_count += filter_actor_type(search->actor_type, filters + query.filters_count);
    query.filters = filters;
    if (search->cursor.length > 0) {
        DBK_TRY(find_cursor(snapshot, tenant, search->cursor, after, err));
        query.after = after;
        query.after_count = 2;
    }
    query.order = newest_first;
    query.order_count = DBK_COUNT(newest_first);
    query.limit = search->limit + 1;
    dbk_result *rows;
    DBK_TRY(dbk_query_run(snapshot, tenant, &query, &rows, err));
    write_page(rows, search->limit, out);
    dbk_result_free(rows);
    return DBK_OK;
}
