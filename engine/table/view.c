// SPDX-License-Identifier: Apache-2.0
// Reading a snapshot: tenants, words, parts and their values.
#include "engine/table/state.h"

#include <string.h>

// ---- Tenants and words ----

const dbk_tenant_view *dbk_snapshot_tenant(const dbk_snapshot *snapshot, dbk_text tenant)
{
    uint32_t code = dbk_dict_find(&snapshot->db->names, tenant, snapshot->tenants_count);
    return code ? snapshot->tenants[code - 1] : NULL;
}

const dbk_table_view *dbk_tenant_table(const dbk_tenant_view *tenant, dbk_table_id table)
{
    return tenant->tables[table];
}

uint32_t dbk_tenant_words(const dbk_tenant_view *tenant, dbk_domain domain)
{
    return tenant->words[domain];
}

dbk_text dbk_tenant_word(const dbk_tenant_view *tenant, dbk_domain domain, uint32_t code)
{
    return code ? dbk_dict_word(tenant->tenant->dicts[domain], code) : (dbk_text){NULL, 0};
}

void dbk_tenant_words_of(const dbk_tenant_view *tenant, dbk_domain domain, const uint32_t *codes,
                         uint32_t count, dbk_text *out)
{
    for (uint32_t i = 0; i < count; i++)
        if (codes[i])
            dbk_dict_expect_place(tenant->tenant->dicts[domain], codes[i]);
    for (uint32_t i = 0; i < count; i++)
        if (codes[i])
            dbk_dict_expect_word(tenant->tenant->dicts[domain], codes[i]);
    for (uint32_t i = 0; i < count; i++)
        out[i] = dbk_tenant_word(tenant, domain, codes[i]);
}

uint32_t dbk_tenant_code(const dbk_tenant_view *tenant, dbk_domain domain, dbk_text word)
{
    uint32_t bound = tenant->words[domain];
    return bound ? dbk_dict_find(tenant->tenant->dicts[domain], word, bound) : 0;
}

dbk_status dbk_snapshot_hold(const dbk_snapshot *snapshot, dbk_text tenant, dbk_error *err)
{
    if (__builtin_expect(dbk_db_hold(snapshot->db, NULL) == DBK_OK, 1))
        return DBK_OK;
    const dbk_tenant_view *view = dbk_snapshot_tenant(snapshot, tenant);
    return view ? dbk_proofs_hold(&view->tenant->proofs, err) : DBK_OK;
}

bool dbk_snapshot_is_unproved(const dbk_snapshot *snapshot)
{
    return atomic_load_explicit(&snapshot->db->is_unproved, memory_order_relaxed);
}

uint64_t dbk_snapshot_number(const dbk_snapshot *snapshot)
{
    return snapshot->number;
}

uint64_t dbk_snapshot_tenant_number(const dbk_snapshot *snapshot, dbk_text tenant)
{
    const dbk_tenant_view *view = dbk_snapshot_tenant(snapshot, tenant);
    return view ? view->number : 0;
}

uint64_t dbk_snapshot_tenant_data_number(const dbk_snapshot *snapshot, dbk_text tenant)
{
    const dbk_tenant_view *view = dbk_snapshot_tenant(snapshot, tenant);
    return view ? view->data_number : 0;
}

size_t dbk_snapshot_tenants(const dbk_snapshot *snapshot)
{
    return snapshot->tenants_count;
}

dbk_text dbk_snapshot_tenant_name(const dbk_snapshot *snapshot, size_t index)
{
    return dbk_dict_word(&snapshot->db->names, (uint32_t)index + 1);
}

uint64_t dbk_snapshot_rows(const dbk_snapshot *snapshot, dbk_text tenant, dbk_table_id table)
{
    const dbk_tenant_view *view = dbk_snapshot_tenant(snapshot, tenant);
    return view && view->tables[table] ? view->tables[table]->rows : 0;
}

// ---- Parts ----

uint64_t dbk_view_rows(const dbk_table_view *view)
{
    return view->rows;
}

size_t dbk_view_parts(const dbk_table_view *view)
{
    return view->slots;
}

const dbk_part *dbk_view_part(const dbk_table_view *view, size_t index)
{
    return &view->pages[index / DBK_PAGE_PARTS]->parts[index % DBK_PAGE_PARTS];
}

uint32_t dbk_part_rows(const dbk_part *part)
{
    return part->rows;
}

uint32_t dbk_part_dead_rows(const dbk_part *part)
{
    return part->dead_rows;
}

dbk_part_state dbk_part_state_of(const dbk_part *part)
{
    return (dbk_part_state){part->edition, part->rows, part->dead_rows};
}

// A slot's rows only grow while it has the same edition, and are fewer than one edition counts.
uint64_t dbk_view_age(const dbk_table_view *view)
{
    uint64_t age = 0;
    for (uint32_t i = 0; i < view->slots; i++) {
        const dbk_part *part = dbk_view_part(view, i);
        age += ((uint64_t)part->edition << (DBK_PLACE_ROW_BITS + 1)) + part->rows;
    }
    return age;
}

const uint64_t *dbk_part_dead(const dbk_part *part, uint32_t vector)
{
    if (!part->dead || vector >= part->dead->vectors)
        return NULL;
    const uint64_t *words = &part->dead->words[vector * DBK_VECTOR_WORDS];
    uint64_t any = 0;
    for (int i = 0; i < DBK_VECTOR_WORDS; i++)
        any |= words[i];
    return any ? words : NULL;
}

bool dbk_part_zone_map(const dbk_part *part, int column, dbk_zone_map *out)
{
    if (!part->sealed)
        return false;
    dbk_segment_zone_map(part->sealed->segment, column, out);
    return true;
}

bool dbk_part_vector_zone_map(const dbk_part *part, int column, uint32_t vector, dbk_zone_map *out)
{
    if (!part->sealed)
        return false;
    dbk_segment_vector_zone_map(part->sealed->segment, column, vector, out);
    return true;
}

bool dbk_part_is_sorted(const dbk_part *part)
{
    return part->sorted;
}

// ---- Values ----
// A delta of one small chunk has less than a vector of room, and callers may look at all of a vector.

const int64_t *dbk_part_ints(const dbk_part *part, int column, uint32_t vector,
                             int64_t scratch[DBK_VECTOR_ROWS])
{
    if (part->sealed) {
        dbk_segment_ints(part->sealed->segment, column, vector, scratch);
        return scratch;
    }
    const int64_t *values = dbk_delta_column(part->delta, column, vector);
    if (part->delta->chunk_rows == DBK_VECTOR_ROWS)
        return values;
    memcpy(scratch, values, part->rows * sizeof *values);
    return scratch;
}

const uint32_t *dbk_part_codes(const dbk_part *part, int column, uint32_t vector,
                               uint32_t scratch[DBK_VECTOR_ROWS])
{
    if (part->sealed) {
        dbk_segment_codes(part->sealed->segment, column, vector, scratch);
        return scratch;
    }
    const uint32_t *values = dbk_delta_column(part->delta, column, vector);
    if (part->delta->chunk_rows == DBK_VECTOR_ROWS)
        return values;
    memcpy(scratch, values, part->rows * sizeof *values);
    return scratch;
}

bool dbk_part_packed(const dbk_part *part, int column, uint32_t vector, uint32_t out[DBK_VECTOR_ROWS],
                     dbk_line *line)
{
    return part->sealed && dbk_segment_packed(part->sealed->segment, column, vector, out, line);
}

bool dbk_part_between(const dbk_part *part, int column, uint32_t vector, int64_t lo, int64_t hi,
                      uint64_t mask[DBK_MASK_WORDS])
{
    return part->sealed && dbk_segment_between(part->sealed->segment, column, vector, lo, hi, mask);
}

dbk_status dbk_part_texts(const dbk_part *part, int column, uint32_t vector, dbk_text_scratch *scratch,
                          const dbk_text **out)
{
    *out = scratch->texts;
    if (part->sealed)
        return dbk_segment_texts(part->sealed->segment, column, vector, scratch);
    const dbk_text *texts = dbk_delta_column(part->delta, column, vector);
    if (part->delta->chunk_rows == DBK_VECTOR_ROWS)
        *out = texts;
    else
        memcpy(scratch->texts, texts, part->rows * sizeof *texts);
    return DBK_OK;
}

int64_t dbk_part_int_at(const dbk_part *part, int column, uint32_t row)
{
    return part->sealed ? dbk_segment_int_at(part->sealed->segment, column, row)
                        : dbk_delta_int(part->delta, column, row);
}

uint32_t dbk_part_code_at(const dbk_part *part, int column, uint32_t row)
{
    return part->sealed ? dbk_segment_code_at(part->sealed->segment, column, row)
                        : dbk_delta_code(part->delta, column, row);
}

dbk_status dbk_part_text_at(const dbk_part *part, int column, uint32_t row, dbk_text_cursor *cursor,
                            dbk_text *out)
{
    if (part->sealed)
        return dbk_segment_text_at(part->sealed->segment, column, row, cursor, out);
    *out = dbk_delta_text(part->delta, column, row);
    return DBK_OK;
}
