// SPDX-License-Identifier: Apache-2.0
// Hashing closures, and following the hashes.
#include "ingest/store/closure_chain.h"

#include <string.h>

const char dbk_closure_chain_start[DBK_SHA256_HEX + 1] =
    "0000000000000000000000000000000000000000000000000000000000000000";

enum { PAGE_ROWS = 256 };

dbk_status dbk_closure_hash(const dbk_closure *c, char out[DBK_SHA256_HEX], dbk_error *err)
{
    dbk_buffer bytes = {0};
    dbk_buffer_text(&bytes, c->previous_hash);
    dbk_buffer_u64(&bytes, (uint64_t)c->number);
    dbk_buffer_text(&bytes, c->id);
    dbk_buffer_u64(&bytes, (uint64_t)c->from_at);
    dbk_buffer_u64(&bytes, (uint64_t)c->created_at);
    dbk_buffer_text(&bytes, c->cash_register_id);
    dbk_buffer_text(&bytes, c->actor);
    dbk_buffer_text(&bytes, c->report);
    dbk_buffer_text(&bytes, c->totals);
    bool ok = !bytes.failed && dbk_sha256_hex(bytes.data, bytes.size, out);
    dbk_buffer_dispose(&bytes);
    return ok ? DBK_OK : dbk_fail(err, DBK_NO_MEMORY, "no memory to hash a closure");
}

// ---- Following ----

enum { ID, NUMBER, FROM_AT, CREATED_AT, REGISTER, REPORT, TOTALS, ACTOR, PREVIOUS, HASH, COLUMNS };
static const char *const fields[COLUMNS] = {[ID] = "id",
                                            [NUMBER] = "number",
                                            [FROM_AT] = "from_at",
                                            [CREATED_AT] = "created_at",
                                            [REGISTER] = "cash_register_id",
                                            [REPORT] = "report",
                                            [TOTALS] = "totals",
                                            [ACTOR] = "actor",
                                            [PREVIOUS] = "previous_hash",
                                            [HASH] = "hash"};

typedef struct chain {
    dbk_text tenant;
    dbk_check *check;
    int64_t number; // of the closure before
    char hash[DBK_SHA256_HEX];
} chain;

static void complain(const chain *c, int64_t number, const char *what)
{
    dbk_check_problem(c->check, "%.*s/closures: closure %lld %s; restore the directory from a backup",
                      (int)c->tenant.length, c->tenant.data, (long long)number, what);
}

static dbk_status follow(chain *c, const dbk_result *rows, size_t row, dbk_error *err)
{
    dbk_closure closure = {.id = dbk_result_text(rows, row, ID),
                           .number = dbk_result_int(rows, row, NUMBER),
                           .from_at = dbk_result_int(rows, row, FROM_AT),
                           .created_at = dbk_result_int(rows, row, CREATED_AT),
                           .cash_register_id = dbk_result_text(rows, row, REGISTER),
                           .report = dbk_result_text(rows, row, REPORT),
                           .totals = dbk_result_text(rows, row, TOTALS),
                           .actor = dbk_result_text(rows, row, ACTOR),
                           .previous_hash = dbk_result_text(rows, row, PREVIOUS)};
    dbk_text stored = dbk_result_text(rows, row, HASH);
    char hash[DBK_SHA256_HEX];
    DBK_TRY(dbk_closure_hash(&closure, hash, err));
    if (closure.number != c->number + 1)
        complain(c, c->number + 1, "is missing, or another has its number");
    else if (!dbk_text_equal(closure.previous_hash, (dbk_text){c->hash, DBK_SHA256_HEX}))
        complain(c, closure.number, "does not follow from the one before");
    if (!dbk_text_equal(stored, (dbk_text){hash, DBK_SHA256_HEX}))
        complain(c, closure.number, "is not what was sealed");
    c->number = closure.number;
    memset(c->hash, 0, sizeof(c->hash));
    memcpy(c->hash, stored.data, stored.length < DBK_SHA256_HEX ? stored.length : DBK_SHA256_HEX);
    return DBK_OK;
}

// A page at a time: reports are long.
dbk_status dbk_closure_chain_check(const dbk_snapshot *snapshot, dbk_text tenant, dbk_check *check,
                                   dbk_error *err)
{
    static const dbk_order order[] = {{.output = NUMBER}, {.output = ID}};
    chain c = {.tenant = tenant, .check = check};
    memcpy(c.hash, dbk_closure_chain_start, DBK_SHA256_HEX);
    dbk_value after[2] = {{.kind = DBK_VALUE_NULL}, {.kind = DBK_VALUE_NULL}};
    char after_id[DBK_ID_BYTES_MAX];
    size_t count = PAGE_ROWS;
    for (bool is_first = true; count == PAGE_ROWS; is_first = false) {
        dbk_query query = {.table = "closures",
                           .from_ms = DBK_TIME_OPEN_FROM,
                           .to_ms = DBK_TIME_OPEN_TO,
                           .fields = fields,
                           .fields_count = COLUMNS,
                           .order = order,
                           .order_count = DBK_COUNT(order),
                           .limit = PAGE_ROWS,
                           .after = after,
                           .after_count = is_first ? 0 : (int)DBK_COUNT(after)};
        dbk_result *rows;
        DBK_TRY(dbk_query_run(snapshot, tenant, &query, &rows, err));
        count = dbk_result_rows(rows);
        dbk_status status = DBK_OK;
        for (size_t row = 0; row < count && status == DBK_OK; row++)
            status = follow(&c, rows, row, err);
        if (count > 0) {
            dbk_text id = dbk_result_text(rows, count - 1, ID);
            memcpy(after_id, id.data, id.length);
            after[0] = (dbk_value){.kind = DBK_VALUE_INT, .number = c.number};
            after[1] = (dbk_value){.kind = DBK_VALUE_TEXT, .text = {after_id, id.length}};
        }
        dbk_result_free(rows);
        if (status != DBK_OK)
            return status;
    }
    return DBK_OK;
}
