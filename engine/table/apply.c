// SPDX-License-Identifier: Apache-2.0
// Applying a batch: its rows, and what the data dictionary promises beside them.
#include "engine/base/hash.h"
#include "engine/table/change.h"
#include "engine/table/key_make.h"

#include <stdlib.h>

static dbk_status no_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "memory is out; nothing of the batch was stored");
}

// ---- Lines without created_at ----

typedef struct line_times {
    int64_t *times; // NULL when every line has its own
    bool *is_rejected;
    uint32_t rejected;
} line_times;

static dbk_status order_time(dbk_tenant *tenant, dbk_text order, int64_t *out)
{
    dbk_table *orders = tenant->tables[DBK_ORDERS];
    dbk_place place = DBK_NO_PLACE;
    *out = DBK_NULL;
    if (!orders)
        return DBK_OK;
    DBK_TRY(dbk_table_keys_need(orders));
    DBK_TRY(dbk_table_find(orders, order, dbk_hash_bytes(order.data, order.length), &place, NULL));
    if (place != DBK_NO_PLACE)
        *out = dbk_table_int(orders, place, orders->def->time_column);
    return DBK_OK;
}

static bool lacks_times(const dbk_batch *batch)
{
    if (batch->table->id != DBK_ORDER_LINES || batch->remove)
        return false;
    const int64_t *own = batch->columns[batch->table->time_column].ints;
    for (uint32_t i = 0; own && i < batch->rows; i++) {
        if (own[i] == DBK_NULL)
            return true;
    }
    return !own;
}

static dbk_status line_times_fill(dbk_tenant *tenant, const dbk_batch *batch, line_times *out)
{
    const int64_t *own = batch->columns[batch->table->time_column].ints;
    const dbk_text *orders = batch->columns[dbk_column_find(batch->table, DBK_TEXT("order_id"))].texts;
    out->times = malloc(batch->rows * sizeof *out->times);
    out->is_rejected = calloc(batch->rows, sizeof *out->is_rejected);
    if (!out->times || !out->is_rejected)
        return DBK_NO_MEMORY;
    for (uint32_t i = 0; i < batch->rows; i++) {
        out->times[i] = own ? own[i] : DBK_NULL;
        if (out->times[i] == DBK_NULL)
            DBK_TRY(order_time(tenant, orders[i], &out->times[i]));
        out->is_rejected[i] = out->times[i] == DBK_NULL;
        out->rejected += out->is_rejected[i];
    }
    return DBK_OK;
}

static void line_times_dispose(line_times *times)
{
    free(times->times);
    free(times->is_rejected);
}

static dbk_status report_make(const dbk_batch *batch, const line_times *times, dbk_apply_report *out)
{
    *out = (dbk_apply_report){.stored = batch->rows - times->rejected};
    if (times->rejected == 0)
        return DBK_OK;
    out->rejected_rows = malloc(times->rejected * sizeof *out->rejected_rows);
    if (!out->rejected_rows)
        return DBK_NO_MEMORY;
    out->rejected_reason = "created_at is missing and its order is not known";
    for (uint32_t i = 0; i < batch->rows; i++) {
        if (times->is_rejected[i])
            out->rejected_rows[out->rejected_count++] = i;
    }
    return DBK_OK;
}

// ---- The tenant's currency ----

typedef struct setting_row {
    dbk_text words[2];
    uint32_t code;
    dbk_text value;
    dbk_batch batch;
} setting_row;

static bool has_setting(dbk_tenant *tenant, dbk_text name)
{
    const dbk_dict *dict = tenant->dicts[DBK_DOMAIN_SETTING];
    const dbk_table *settings = tenant->tables[DBK_SETTINGS];
    uint32_t code = dict && settings ? dbk_dict_find(dict, name, dict->count) : 0;
    return code && dbk_locator_map_get(&settings->map, code) != 0;
}

static dbk_text first_currency(const dbk_batch *batch, const bool *is_rejected)
{
    int c = dbk_column_find(batch->table, DBK_TEXT("currency"));
    const dbk_batch_column *column = c < 0 ? NULL : &batch->columns[c];
    for (uint32_t i = 0; column && column->codes && i < batch->rows; i++) {
        if (column->codes[i] && !(is_rejected && is_rejected[i]))
            return column->words[column->codes[i]];
    }
    return (dbk_text){NULL, 0};
}

static void setting_row_init(setting_row *row, dbk_text name, dbk_text value)
{
    const dbk_table_def *def = dbk_table_def_by_id(DBK_SETTINGS);
    row->words[0] = (dbk_text){NULL, 0};
    row->words[1] = name;
    row->code = 1;
    row->value = value;
    row->batch = (dbk_batch){.table = def, .rows = 1};
    row->batch.columns[def->key_column] =
        (dbk_batch_column){.codes = &row->code, .words = row->words, .words_count = 2};
    row->batch.columns[dbk_column_find(def, DBK_TEXT("value"))].texts = &row->value;
}

dbk_text dbk_batch_first_currency(const dbk_batch *batch)
{
    return first_currency(batch, NULL);
}

dbk_status dbk_tenant_settle_currency(dbk_tenant *tenant, dbk_text currency)
{
    if (currency.length == 0 || has_setting(tenant, DBK_TEXT("currency")))
        return DBK_OK;
    setting_row setting;
    setting_row_init(&setting, DBK_TEXT("currency"), currency);
    dbk_change change = {.batch = &setting.batch, .table = dbk_tenant_table_obtain(tenant, DBK_SETTINGS)};
    dbk_status status = change.table ? dbk_change_prepare(&change) : DBK_NO_MEMORY;
    if (status == DBK_OK) {
        dbk_change_tell(&change);
        dbk_change_commit(&change);
    }
    dbk_change_dispose(&change);
    return status;
}

// ---- Both together, for one batch or for several ----

// A batch on its way: everything that can fail is done by prepare.
typedef struct prepared {
    line_times times;
    dbk_change rows;
    bool brings_currency; // else what follows is not set
    dbk_change currency;
    setting_row setting;
} prepared;

static void begin(prepared *p)
{
    p->times = (line_times){0};
    p->rows = (dbk_change){0};
    p->brings_currency = false;
}

// Once `is_settled`, an earlier batch of the same change brings the tenant's currency.
static dbk_status prepare(prepared *p, dbk_tenant *tenant, const dbk_batch *batch, bool *is_settled,
                          dbk_apply_report *report)
{
    if (batch->rows == 0)
        return DBK_OK;
    p->rows.batch = batch;
    p->rows.table = dbk_tenant_table_obtain(tenant, batch->table->id);
    if (!p->rows.table)
        return DBK_NO_MEMORY;
    if (lacks_times(batch))
        DBK_TRY(line_times_fill(tenant, batch, &p->times));
    p->rows.times = p->times.times;
    p->rows.is_rejected = p->times.is_rejected;
    DBK_TRY(report_make(batch, &p->times, report));
    DBK_TRY(dbk_change_prepare(&p->rows));
    dbk_text currency = {NULL, 0};
    if (!*is_settled && !batch->remove && !has_setting(tenant, DBK_TEXT("currency")))
        currency = first_currency(batch, p->times.is_rejected);
    if (currency.length == 0)
        return DBK_OK;
    *is_settled = true;
    setting_row_init(&p->setting, DBK_TEXT("currency"), currency);
    p->brings_currency = true;
    p->currency =
        (dbk_change){.batch = &p->setting.batch, .table = dbk_tenant_table_obtain(tenant, DBK_SETTINGS)};
    return p->currency.table ? dbk_change_prepare(&p->currency) : DBK_NO_MEMORY;
}

static void commit(prepared *p)
{
    dbk_change *changes[] = {&p->rows, p->brings_currency ? &p->currency : NULL};
    for (int i = 0; i < 2; i++)
        if (changes[i] && changes[i]->batch) {
            dbk_change_tell(changes[i]);
            dbk_change_commit(changes[i]);
        }
}

static void dispose(prepared *p)
{
    dbk_change_dispose(&p->rows);
    if (p->brings_currency)
        dbk_change_dispose(&p->currency);
    line_times_dispose(&p->times);
}

static void seal(const prepared *p)
{
    if (p->rows.batch)
        dbk_table_seal_full(p->rows.table);
    if (p->brings_currency)
        dbk_table_seal_full(p->currency.table);
}

// All of these batches or none; they are independent of each other.
static dbk_status apply_together(dbk_tenant *tenant, const dbk_batch *const *batches, int count,
                                 dbk_apply_report *reports)
{
    enum { FEW = 5 }; // an order that is placed
    prepared few[FEW], *all = count <= FEW ? few : malloc((size_t)count * sizeof *all);
    if (!all)
        return DBK_NO_MEMORY;
    for (int i = 0; i < count; i++)
        begin(&all[i]);
    dbk_status status = DBK_OK;
    bool is_settled = false;
    for (int i = 0; i < count && status == DBK_OK; i++)
        status = prepare(&all[i], tenant, batches[i], &is_settled, &reports[i]);
    for (int i = 0; i < count && status == DBK_OK; i++)
        commit(&all[i]);
    for (int i = 0; i < count; i++)
        dispose(&all[i]);
    for (int i = 0; i < count && status == DBK_OK; i++)
        seal(&all[i]);
    if (all != few)
        free(all);
    return status;
}

// Whether no batch's preparation depends on the commit of one before it: each table stands once, lines do not
// ask for the times of orders that come with them, nothing else writes the settings that a currency goes to.
static bool are_independent(const dbk_batch *const *batches, int count)
{
    bool is_seen[DBK_TABLE_END] = {false};
    for (int i = 0; i < count; i++) {
        dbk_table_id id = batches[i]->table->id;
        if (is_seen[id] || id == DBK_SETTINGS || (is_seen[DBK_ORDERS] && lacks_times(batches[i])))
            return count == 1;
        is_seen[id] = true;
    }
    return true;
}

static void reports_reset(dbk_apply_report *reports, int count)
{
    for (int i = 0; i < count; i++) {
        free(reports[i].rejected_rows);
        reports[i] = (dbk_apply_report){0};
    }
}

dbk_status dbk_db_apply_all(dbk_db *db, dbk_text tenant_name, const dbk_batch *const *batches, int count,
                            dbk_apply_report *reports, int *applied, dbk_error *err)
{
    *applied = 0;
    for (int i = 0; i < count; i++)
        reports[i] = (dbk_apply_report){0};
    if (tenant_name.length == 0)
        return dbk_fail(err, DBK_INVALID, "a tenant needs a name");
    db->keys.failure.status = DBK_OK;
    dbk_tenant *tenant = dbk_tenant_obtain(db, tenant_name);
    if (!tenant)
        return no_memory(err);
    int step = are_independent(batches, count) ? count : 1;
    dbk_status status = DBK_OK;
    while (*applied < count && status == DBK_OK) {
        status = apply_together(tenant, batches + *applied, step, reports + *applied);
        if (status == DBK_OK)
            *applied += step;
    }
    if (status == DBK_OK)
        return DBK_OK;
    reports_reset(reports, count);
    if (status == DBK_NO_MEMORY)
        return no_memory(err);
    if (db->keys.failure.status == status) // what a key index was to be made from
        return dbk_fail(err, status, "%s", db->keys.failure.message);
    if (status == DBK_IO || status == DBK_CORRUPT) // an id to compare with does not come back from disk
        return dbk_fail(err, status, "%s: %.380s; nothing was stored", batches[*applied]->table->name,
                        dbk_segment_read_failure(status));
    return dbk_fail(err, status, "%s: the tenant has too many different values or rows; nothing was stored",
                    batches[*applied]->table->name);
}

dbk_status dbk_db_apply(dbk_db *db, dbk_text tenant, const dbk_batch *batch, dbk_apply_report *report,
                        dbk_error *err)
{
    int applied;
    return dbk_db_apply_all(db, tenant, &batch, 1, report, &applied, err);
}
