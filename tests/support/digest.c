// SPDX-License-Identifier: Apache-2.0
// A number for the whole answer of a query, to compare many at once.
#include "tests/support/digest.h"

#include "engine/base/hash.h"
#include "engine/table/view.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
    return (hash ^ dbk_checksum(data, size)) * 0x9E3779B97F4A7C15ull + 0x632BE59BD9B4E019ull;
}

static uint64_t row_hash(const dbk_tenant_view *tenant, const dbk_table_def *def, const dbk_part *part,
                         uint32_t row, dbk_text_cursor *cursor)
{
    uint64_t hash = (uint64_t)def->id;
    for (int c = 0; c < def->columns_count; c++) {
        const dbk_column_def *column = &def->columns[c];
        if (dbk_type_is_int(column->type)) {
            int64_t value = dbk_part_int_at(part, c, row);
            hash = mix(hash, &value, sizeof(value));
            continue;
        }
        dbk_text text = {0};
        if (column->type == DBK_CODE)
            text = dbk_tenant_word(tenant, column->domain, dbk_part_code_at(part, c, row));
        else if (dbk_part_text_at(part, c, row, cursor, &text) != DBK_OK)
            abort();
        hash = mix(hash, text.data, text.length);
    }
    return hash;
}

static uint64_t table_digest(const dbk_tenant_view *tenant, const dbk_table_def *def)
{
    const dbk_table_view *view = dbk_tenant_table(tenant, def->id);
    uint64_t digest = 0;
    if (!view)
        return 0;
    dbk_text_cursor *cursor = calloc(1, sizeof(*cursor));
    if (!cursor)
        abort();
    for (size_t p = 0; p < dbk_view_parts(view); p++) {
        const dbk_part *part = dbk_view_part(view, p);
        for (uint32_t row = 0; row < dbk_part_rows(part); row++) {
            const uint64_t *dead = dbk_part_dead(part, row / DBK_VECTOR_ROWS);
            uint32_t in_vector = row % DBK_VECTOR_ROWS;
            if (dead && (dead[in_vector / 64] >> (in_vector % 64) & 1))
                continue;
            digest += row_hash(tenant, def, part, row, cursor);
        }
    }
    dbk_text_scratch_dispose(&cursor->scratch);
    free(cursor);
    return digest;
}

uint64_t test_digest(const dbk_snapshot *snapshot)
{
    uint64_t digest = 0;
    for (size_t t = 0; t < dbk_snapshot_tenants(snapshot); t++) {
        dbk_text name = dbk_snapshot_tenant_name(snapshot, t);
        const dbk_tenant_view *tenant = dbk_snapshot_tenant(snapshot, name);
        uint64_t of_tenant = 0;
        for (int id = 1; id < DBK_TABLE_END; id++)
            of_tenant += table_digest(tenant, dbk_table_def_by_id(id));
        // A tenant without rows is as good as none.
        if (of_tenant)
            digest += mix(of_tenant, name.data, name.length);
    }
    return digest;
}
