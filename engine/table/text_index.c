// SPDX-License-Identifier: Apache-2.0
// A chained hash table. Many rows may have the same text: a new entry goes to the front of its chain, so that
// adding costs the same however long that is.
#include "engine/table/text_index.h"

#include "engine/base/hash.h"

#include <assert.h>
#include <stdlib.h>

enum { CAPACITY_FIRST = 64, HASHED_BYTES = 256, LOOK_BACK = 8 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

// Longer texts are told apart by their rows.
static uint32_t hash_of(dbk_text text)
{
    char folded[HASHED_BYTES];
    uint32_t length = text.length < HASHED_BYTES ? text.length : HASHED_BYTES;
    for (uint32_t i = 0; i < length; i++)
        folded[i] = lower(text.data[i]);
    return (uint32_t)dbk_hash_bytes(folded, length);
}

bool dbk_text_is_alike(dbk_text a, dbk_text b)
{
    if (a.length != b.length)
        return false;
    for (uint32_t i = 0; i < a.length; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

// ---- Room ----

static size_t bytes_of(uint32_t capacity)
{
    return capacity * (sizeof(dbk_text_entry) + sizeof(uint32_t));
}

static void index_free(dbk_table *table, dbk_text_index *index)
{
    dbk_memory_subtract(&dbk_table_versions(table)->memory, sizeof *index + bytes_of(index->capacity));
    free(index->entries);
    free(index->buckets);
    free(index);
}

static void link_entry(dbk_text_index *index, uint32_t at)
{
    uint32_t *bucket = &index->buckets[index->entries[at].hash & (index->capacity - 1)];
    index->entries[at].next = *bucket;
    *bucket = at + 1;
}

// Makes room for `count` entries.
static bool reserve(dbk_table *table, dbk_text_index *index, uint64_t count)
{
    uint32_t capacity = index->capacity ? index->capacity : CAPACITY_FIRST;
    while (capacity < count && capacity <= UINT32_MAX / 2)
        capacity *= 2;
    if (capacity == index->capacity)
        return count <= capacity;
    uint32_t *buckets = calloc(capacity, sizeof *buckets);
    dbk_text_entry *entries = buckets ? realloc(index->entries, capacity * sizeof *entries) : NULL;
    if (!entries) {
        free(buckets);
        return false;
    }
    dbk_memory_add(&dbk_table_versions(table)->memory, bytes_of(capacity) - bytes_of(index->capacity));
    free(index->buckets);
    index->buckets = buckets;
    index->entries = entries;
    index->capacity = capacity;
    for (uint32_t i = 0; i < index->count; i++)
        link_entry(index, i);
    return true;
}

// A row that is stored again with the text that it has needs no second entry. The newest few of a chain are
// looked at, not all: many rows may have the same text.
static bool is_there(const dbk_text_index *index, uint32_t hash, uint32_t code)
{
    uint32_t place = index->capacity ? index->buckets[hash & (index->capacity - 1)] : 0;
    for (int i = 0; place && i < LOOK_BACK; i++, place = index->entries[place - 1].next)
        if (index->entries[place - 1].hash == hash && index->entries[place - 1].code == code)
            return true;
    return false;
}

static bool add(dbk_table *table, dbk_text_index *index, dbk_text text, uint32_t code)
{
    if (text.length == 0)
        return true;
    uint32_t hash = hash_of(text);
    if (is_there(index, hash, code))
        return true;
    if (!reserve(table, index, (uint64_t)index->count + 1))
        return false;
    index->entries[index->count] = (dbk_text_entry){.hash = hash, .code = code};
    link_entry(index, index->count++);
    return true;
}

// ---- From the rows ----

typedef struct vector_scratch {
    uint32_t codes[DBK_VECTOR_ROWS];
    dbk_text_scratch texts;
} vector_scratch;

static dbk_status add_vector(dbk_table *table, dbk_text_index *index, const dbk_part *part, uint32_t vector,
                             vector_scratch *scratch)
{
    const dbk_text *texts;
    const uint32_t *codes = dbk_part_codes(part, table->def->key_column, vector, scratch->codes);
    DBK_TRY(dbk_part_texts(part, index->column, vector, &scratch->texts, &texts));
    uint32_t first = vector * DBK_VECTOR_ROWS;
    for (uint32_t i = 0; i < DBK_VECTOR_ROWS && first + i < part->rows; i++)
        if (!dbk_part_is_dead(part, first + i) && !add(table, index, texts[i], codes[i]))
            return DBK_NO_MEMORY;
    return DBK_OK;
}

static dbk_status add_rows(dbk_table *table, dbk_text_index *index)
{
    vector_scratch *scratch = calloc(1, sizeof *scratch);
    if (!scratch)
        return DBK_NO_MEMORY;
    dbk_status status = DBK_OK;
    for (uint32_t slot = 0; slot < table->slots && status == DBK_OK; slot++) {
        const dbk_part *part = dbk_table_part(table, slot);
        for (uint32_t v = 0; v * DBK_VECTOR_ROWS < part->rows && status == DBK_OK; v++)
            status = add_vector(table, index, part, v, scratch);
    }
    dbk_text_scratch_dispose(&scratch->texts);
    free(scratch);
    return status;
}

// ---- The table's ----

static dbk_text_index **place_of(dbk_table *table, int column)
{
    dbk_text_index **at = &table->text_indexes;
    while (*at && (*at)->column != column)
        at = &(*at)->next;
    return at;
}

static void give_up(dbk_table *table, dbk_text_index **at)
{
    dbk_text_index *index = *at;
    *at = index->next;
    index_free(table, index);
}

// Room for as many texts of the past as there are rows, and for some more in a small table.
static bool is_mostly_past(const dbk_table *table, const dbk_text_index *index)
{
    return index->count > 2 * table->rows + 4096;
}

// The table's index of a text column, made when there is none. DBK_NO_MEMORY, or what reading a row failed
// with.
static dbk_status obtain(dbk_table *table, int column, dbk_text_index **out)
{
    dbk_text_index **at = place_of(table, column);
    if (*at && is_mostly_past(table, *at))
        give_up(table, at);
    at = place_of(table, column);
    if (!*at) {
        dbk_text_index *index = calloc(1, sizeof *index);
        if (!index)
            return DBK_NO_MEMORY;
        index->column = column;
        dbk_memory_add(&dbk_table_versions(table)->memory, sizeof *index);
        dbk_status status = reserve(table, index, table->rows) ? add_rows(table, index) : DBK_NO_MEMORY;
        if (status != DBK_OK) {
            index_free(table, index);
            return status;
        }
        *at = index;
    }
    *out = *at;
    return DBK_OK;
}

void dbk_text_index_follow(dbk_table *table, const dbk_delta_input *rows, uint32_t count)
{
    for (dbk_text_index **at = &table->text_indexes; *at;) {
        const dbk_text *texts = rows->texts[(*at)->column];
        const uint32_t *codes = rows->codes[table->def->key_column];
        bool is_whole = !is_mostly_past(table, *at);
        for (uint32_t i = 0; texts && is_whole && i < count; i++) {
            uint32_t row = rows->rows ? rows->rows[i] : i;
            is_whole = add(table, *at, texts[row], codes[row]);
        }
        if (is_whole)
            at = &(*at)->next;
        else
            give_up(table, at);
    }
}

void dbk_text_index_dispose(dbk_table *table)
{
    while (table->text_indexes)
        give_up(table, &table->text_indexes);
}

// ---- Asking ----

static const dbk_text_entry *entry_at(const dbk_text_index *index, uint32_t place, uint32_t hash)
{
    while (place && index->entries[place - 1].hash != hash)
        place = index->entries[place - 1].next;
    return place ? &index->entries[place - 1] : NULL;
}

// The first entry that may be of this text, or the next one after `entry`; NULL = no more.
static const dbk_text_entry *first_entry(const dbk_text_index *index, dbk_text text)
{
    uint32_t hash = hash_of(text);
    return index->capacity ? entry_at(index, index->buckets[hash & (index->capacity - 1)], hash) : NULL;
}

static const dbk_text_entry *next_entry(const dbk_text_index *index, const dbk_text_entry *entry)
{
    return entry_at(index, entry->next, entry->hash);
}

static dbk_status verify(dbk_table *table, int column, uint32_t code, dbk_text text, bool *out)
{
    uint64_t value = dbk_locator_map_get(&table->map, code);
    *out = false;
    if (value == 0)
        return DBK_OK;
    dbk_text stored;
    DBK_TRY(dbk_table_text(table, value - 1, column, &stored));
    *out = dbk_text_is_alike(stored, text);
    return DBK_OK;
}

static dbk_status find(dbk_table *table, int column, dbk_text text, dbk_text except, bool *found)
{
    dbk_text_index *index;
    const dbk_dict *keys = dbk_tenant_dict(table->tenant, table->def->columns[table->def->key_column].domain);
    DBK_TRY(obtain(table, column, &index));
    for (const dbk_text_entry *entry = first_entry(index, text); entry && !*found;
         entry = next_entry(index, entry)) {
        bool is_right;
        DBK_TRY(verify(table, column, entry->code, text, &is_right));
        *found = is_right && !dbk_text_equal(dbk_dict_word(keys, entry->code), except);
    }
    return DBK_OK;
}

dbk_status dbk_db_find_text(dbk_db *db, dbk_text tenant, dbk_table_id id, const char *column, dbk_text text,
                            dbk_text except, bool *found, dbk_error *err)
{
    const dbk_table_def *def = dbk_table_def_by_id((int)id);
    int index = dbk_column_find(def, dbk_text_from(column));
    assert(def->kind == DBK_KEYED && index >= 0 && def->columns[index].type == DBK_TEXT);
    uint32_t code = dbk_dict_find(&db->names, tenant, db->names.count);
    dbk_table *table = code ? db->tenants[code - 1]->tables[id] : NULL;
    *found = false;
    dbk_status status = table && text.length > 0 ? find(table, index, text, except, found) : DBK_OK;
    if (status == DBK_OK)
        return DBK_OK;
    return dbk_fail(err, status, "%s cannot be searched: %s", def->name, dbk_segment_read_failure(status));
}
