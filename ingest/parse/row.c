// SPDX-License-Identifier: Apache-2.0
// Building batches row by row. Integers are written to their column at once and simply overwritten when the
// row fails; texts and codes wait until the row is known to be good, since a text takes room in the arena and
// a code a word in the batch's dictionary.
#include "ingest/parse/row.h"

#include "engine/base/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// The first sizes of what grows with a batch; a batch of few rows begins smaller.
enum { SLOTS_FEW = 16, SLOTS_MANY = 256, WORDS_MANY = 64, ROW_TEXT_BYTES = 64, TEXT_CHUNK = 1 << 16 };

// Open addressing over the words of one column; a word's hash is kept so that growing and most mismatches
// need no look at the words.
typedef struct word_slot {
    uint32_t hash, code; // code 0 = free
} word_slot;

typedef struct word_table {
    word_slot *slots;
    uint32_t slots_count; // a power of two
    uint32_t words_capacity;
    uint32_t last_code; // of the row before: runs of equal words are the rule
} word_table;

struct dbk_rows {
    dbk_rows_options options;
    uint32_t capacity;      // rows of a batch
    uint64_t required_mask; // columns that a row must set
    dbk_batch *batch;       // NULL until a row begins
    uint64_t open_mask;     // columns that the batch has
    uint64_t set_mask;      // columns with a value in the row at hand
    dbk_text pending[DBK_COLUMNS_MAX + 1];
    word_table words[DBK_COLUMNS_MAX];
    char *chunk; // of the batch's arena, where texts go
    size_t chunk_left;
    dbk_rows *categories; // of products: the categories that rows name
    int category_column;
};

static bool needs_value(const dbk_table_def *table, int column)
{
    return (table->columns[column].flags & DBK_REQUIRED) != 0;
}

dbk_rows *dbk_rows_create(const dbk_rows_options *options)
{
    dbk_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        return NULL;
    rows->options = *options;
    rows->capacity = options->batch_rows ? options->batch_rows : DBK_SEGMENT_ROWS;
    assert(rows->capacity <= DBK_SEGMENT_ROWS);
    for (int i = 0; i < options->table->columns_count; i++)
        rows->required_mask |= (uint64_t)needs_value(options->table, i) << i;
    if (options->table->id == DBK_PRODUCTS) {
        dbk_rows_options categories = *options;
        categories.table = dbk_table_def_by_id(DBK_CATEGORIES);
        rows->categories = dbk_rows_create(&categories);
        rows->category_column = dbk_column_find(options->table, DBK_TEXT("category_id"));
        if (!rows->categories) {
            free(rows);
            return NULL;
        }
    }
    return rows;
}

static void drop_batch(dbk_rows *rows)
{
    if (rows->batch) {
        dbk_arena_dispose(&rows->batch->arena);
        free(rows->batch);
        rows->batch = NULL;
    }
}

void dbk_rows_destroy(dbk_rows *rows)
{
    if (!rows)
        return;
    dbk_rows_destroy(rows->categories);
    drop_batch(rows);
    for (int i = 0; i < DBK_COLUMNS_MAX; i++)
        free(rows->words[i].slots);
    free(rows);
}

int dbk_rows_column(const dbk_table_def *table, dbk_text name)
{
    int found = -1;
    if (table->id == DBK_PRODUCTS && name.length == strlen("category") &&
        strncasecmp(name.data, "category", name.length) == 0)
        return DBK_ROW_CATEGORY;
    for (int i = 0; i < table->columns_count; i++) {
        const dbk_column_def *column = &table->columns[i];
        if ((column->flags & DBK_HIDDEN) || strlen(column->name) != name.length)
            continue;
        if (memcmp(column->name, name.data, name.length) == 0)
            return i;
        if (strncasecmp(column->name, name.data, name.length) == 0)
            found = i;
    }
    return found;
}

void dbk_rows_column_list(const dbk_table_def *table, char *out, size_t size)
{
    size_t at = 0;
    out[0] = '\0';
    for (int i = 0; i <= table->columns_count; i++) {
        bool virtual = i == table->columns_count;
        if (virtual ? table->id != DBK_PRODUCTS : (table->columns[i].flags & DBK_HIDDEN) != 0)
            continue;
        const char *name = virtual ? "category" : table->columns[i].name;
        size_t length = strlen(name) + (at ? 2 : 0);
        if (at + length + 1 > size)
            return;
        memcpy(out + at, ", ", at ? 2 : 0);
        memcpy(out + at + (at ? 2 : 0), name, strlen(name) + 1);
        at += length;
    }
}

void dbk_rows_begin(dbk_rows *rows)
{
    rows->set_mask = 0;
}

static const dbk_column_def *column_def(const dbk_rows *rows, int column)
{
    return &rows->options.table->columns[column];
}

// ---- Memory of the batch ----

static dbk_status no_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "out of memory for a batch of rows");
}

static dbk_status open_batch(dbk_rows *rows, dbk_error *err)
{
    dbk_batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        return no_memory(err);
    batch->table = rows->options.table;
    batch->lines = dbk_arena_alloc(&batch->arena, rows->capacity * sizeof *batch->lines);
    if (!batch->lines) {
        dbk_arena_dispose(&batch->arena);
        free(batch);
        return no_memory(err);
    }
    rows->batch = batch;
    rows->open_mask = 0;
    rows->chunk = NULL;
    rows->chunk_left = 0;
    return DBK_OK;
}

static bool open_words(dbk_rows *rows, int index)
{
    word_table *table = &rows->words[index];
    dbk_batch_column *column = &rows->batch->columns[index];
    if (!table->slots) {
        uint32_t count = rows->capacity < WORDS_MANY ? SLOTS_FEW : SLOTS_MANY;
        table->slots = malloc(count * sizeof *table->slots);
        if (!table->slots)
            return false;
        table->slots_count = count;
    }
    memset(table->slots, 0, table->slots_count * sizeof *table->slots);
    table->words_capacity = rows->capacity < WORDS_MANY ? rows->capacity + 1 : WORDS_MANY;
    table->last_code = 0;
    column->words = dbk_arena_zalloc(&rows->batch->arena, table->words_capacity * sizeof *column->words);
    column->words_count = 1;
    column->codes = dbk_arena_alloc(&rows->batch->arena, rows->capacity * sizeof *column->codes);
    if (!column->words || !column->codes)
        return false;
    memset(column->codes, 0, rows->batch->rows * sizeof *column->codes);
    return true;
}

// A column comes into being with its first value; the rows before have none.
static bool open_column(dbk_rows *rows, int index)
{
    dbk_batch_column *column = &rows->batch->columns[index];
    dbk_arena *arena = &rows->batch->arena;
    switch (column_def(rows, index)->type) {
    case DBK_CODE:
        return column->codes || open_words(rows, index);
    case DBK_TEXT:
        if (!column->texts) {
            column->texts = dbk_arena_alloc(arena, rows->capacity * sizeof *column->texts);
            if (!column->texts)
                return false;
            memset(column->texts, 0, rows->batch->rows * sizeof *column->texts);
        }
        return true;
    default:
        if (!column->ints) {
            column->ints = dbk_arena_alloc(arena, rows->capacity * sizeof *column->ints);
            if (!column->ints)
                return false;
            for (uint32_t i = 0; i < rows->batch->rows; i++)
                column->ints[i] = DBK_NULL;
        }
        return true;
    }
}

static bool keep_text(dbk_rows *rows, dbk_text text, dbk_text *out)
{
    if (text.length > rows->chunk_left) {
        size_t chunk = (size_t)rows->capacity * ROW_TEXT_BYTES;
        chunk = chunk < TEXT_CHUNK ? chunk : TEXT_CHUNK;
        if (text.length > chunk / 4) {
            out->data = dbk_arena_copy(&rows->batch->arena, text.data, text.length);
            out->length = text.length;
            return out->data != NULL;
        }
        rows->chunk = dbk_arena_alloc(&rows->batch->arena, chunk);
        rows->chunk_left = rows->chunk ? chunk : 0;
        if (!rows->chunk)
            return false;
    }
    memcpy(rows->chunk, text.data, text.length);
    *out = (dbk_text){rows->chunk, text.length};
    rows->chunk += text.length;
    rows->chunk_left -= text.length;
    return true;
}

// ---- Words ----

static inline uint64_t load_word(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

// Most words have 8 to 16 bytes: two loads that may overlap, and no call.
static inline bool same_text(dbk_text a, dbk_text b)
{
    if (a.length != b.length)
        return false;
    if (a.length < 8 || a.length > 16)
        return memcmp(a.data, b.data, a.length) == 0;
    uint32_t last = a.length - 8;
    return ((load_word(a.data) ^ load_word(b.data)) |
            (load_word(a.data + last) ^ load_word(b.data + last))) == 0;
}

static bool grow_slots(word_table *table)
{
    uint32_t count = table->slots_count * 2;
    word_slot *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < table->slots_count; i++) {
        word_slot slot = table->slots[i];
        uint32_t at = slot.hash & (count - 1);
        if (!slot.code)
            continue;
        while (slots[at].code)
            at = (at + 1) & (count - 1);
        slots[at] = slot;
    }
    free(table->slots);
    table->slots = slots;
    table->slots_count = count;
    return true;
}

static bool add_word(dbk_rows *rows, int index, dbk_text word)
{
    word_table *table = &rows->words[index];
    dbk_batch_column *column = &rows->batch->columns[index];
    if (column->words_count == table->words_capacity) {
        dbk_text *words = dbk_arena_alloc(&rows->batch->arena, 2 * table->words_capacity * sizeof *words);
        if (!words)
            return false;
        memcpy(words, column->words, column->words_count * sizeof *words);
        column->words = words;
        table->words_capacity *= 2;
    }
    if (!keep_text(rows, word, &column->words[column->words_count]))
        return false;
    column->words_count++;
    return true;
}

// The word's code in the batch's dictionary, a new one if need be. 0: memory is out.
static uint32_t intern(dbk_rows *rows, int index, dbk_text word)
{
    word_table *table = &rows->words[index];
    const dbk_batch_column *column = &rows->batch->columns[index];
    if (table->last_code && same_text(column->words[table->last_code], word))
        return table->last_code;
    uint32_t hash = (uint32_t)dbk_hash_bytes(word.data, word.length);
    uint32_t at = hash & (table->slots_count - 1);
    for (; table->slots[at].code; at = (at + 1) & (table->slots_count - 1)) {
        word_slot slot = table->slots[at];
        if (slot.hash == hash && same_text(column->words[slot.code], word))
            return table->last_code = slot.code;
    }
    if (!add_word(rows, index, word))
        return 0;
    uint32_t code = column->words_count - 1;
    table->slots[at] = (word_slot){hash, code};
    if (column->words_count * 2 > table->slots_count && !grow_slots(table))
        return 0;
    return table->last_code = code;
}

// ---- Rows ----

const char *dbk_rows_set(dbk_rows *rows, int column, dbk_text text)
{
    if (column == DBK_ROW_CATEGORY) {
        text = dbk_text_trim(text);
        if (text.length == 0)
            return NULL;
        const char *reason = dbk_value_check(column_def(rows->categories, 1), text);
        rows->pending[column] = text;
        rows->set_mask |= (uint64_t)1 << column;
        return reason;
    }
    const dbk_column_def *def = column_def(rows, column);
    if (dbk_type_is_int(def->type)) {
        int64_t value;
        const char *reason = dbk_value_parse(def, rows->options.zone, text, &value);
        if (reason)
            return reason;
        dbk_rows_set_int(rows, column, value);
        return NULL;
    }
    if (text.length == 0 || ((uint8_t)text.data[0] <= ' ' && dbk_text_blank(text)))
        return NULL;
    if (text.length > DBK_ID_BYTES_MAX || def->values) {
        const char *reason = dbk_value_check(def, text);
        if (reason)
            return reason;
    }
    rows->pending[column] = text;
    rows->set_mask |= (uint64_t)1 << column;
    return NULL;
}

// The value waits as bytes of the pending text, so that nothing is allocated before the row is good.
void dbk_rows_set_int(dbk_rows *rows, int column, int64_t value)
{
    if (value == DBK_NULL)
        return;
    dbk_batch *batch = rows->batch;
    if (batch && batch->columns[column].ints)
        batch->columns[column].ints[batch->rows] = value;
    else
        memcpy(&rows->pending[column], &value, sizeof value);
    rows->set_mask |= (uint64_t)1 << column;
}

const char *dbk_rows_check(const dbk_rows *rows, int *column)
{
    uint64_t missing = rows->required_mask & ~rows->set_mask;
    if (missing) {
        *column = __builtin_ctzll(missing);
        return "required, but empty";
    }
    bool names_category = (rows->set_mask >> DBK_ROW_CATEGORY) & 1;
    if (names_category && !((rows->set_mask >> rows->category_column) & 1) &&
        rows->pending[DBK_ROW_CATEGORY].length > DBK_ID_BYTES_MAX) {
        // The name is to be the id.
        *column = DBK_ROW_CATEGORY;
        return "longer than 64 bytes";
    }
    return NULL;
}

// Rows of categories are unique within a batch, so that the code of the id is the row; the last name wins.
static dbk_status commit_category(dbk_rows *rows, uint64_t line, dbk_error *err)
{
    dbk_rows *categories = rows->categories;
    dbk_text name = rows->pending[DBK_ROW_CATEGORY];
    if (!((rows->set_mask >> rows->category_column) & 1)) {
        rows->pending[rows->category_column] = name;
        rows->set_mask |= (uint64_t)1 << rows->category_column;
    }
    dbk_text id = rows->pending[rows->category_column];
    dbk_batch *batch = categories->batch;
    if (batch && batch->columns[0].codes) {
        uint32_t words = batch->columns[0].words_count;
        uint32_t code = intern(categories, 0, id);
        if (code == 0)
            return no_memory(err);
        if (code < words) {
            dbk_text *kept = &batch->columns[1].texts[code - 1];
            return same_text(*kept, name) || keep_text(categories, name, kept) ? DBK_OK : no_memory(err);
        }
    }
    dbk_rows_begin(categories);
    dbk_rows_set(categories, 0, id);
    dbk_rows_set(categories, 1, name);
    // Never full before the products are: at most one category a product.
    return dbk_rows_commit(categories, line, err);
}

// "eur" and "EUR" are one currency: ISO 4217 codes are kept in capitals. Anything but three letters stays as
// it is.
static dbk_text as_currency(dbk_text word, char capitals[3])
{
    if (word.length != 3)
        return word;
    for (int i = 0; i < 3; i++) {
        char c = word.data[i] & ~0x20;
        if (c < 'A' || c > 'Z')
            return word;
        capitals[i] = c;
    }
    return (dbk_text){capitals, 3};
}

static dbk_status store_value(dbk_rows *rows, int index, bool fresh, dbk_error *err)
{
    dbk_batch *batch = rows->batch;
    dbk_batch_column *column = &batch->columns[index];
    dbk_text word = rows->pending[index];
    char capitals[3];
    switch (column_def(rows, index)->type) {
    case DBK_CODE:
        if (column_def(rows, index)->domain == DBK_DOMAIN_CURRENCY)
            word = as_currency(word, capitals);
        column->codes[batch->rows] = intern(rows, index, word);
        return column->codes[batch->rows] ? DBK_OK : no_memory(err);
    case DBK_TEXT:
        return keep_text(rows, rows->pending[index], &column->texts[batch->rows]) ? DBK_OK : no_memory(err);
    default:
        if (fresh)
            memcpy(&column->ints[batch->rows], &rows->pending[index], sizeof *column->ints);
        return DBK_OK;
    }
}

static void store_nothing(dbk_rows *rows, int index)
{
    dbk_batch_column *column = &rows->batch->columns[index];
    if (column->ints)
        column->ints[rows->batch->rows] = DBK_NULL;
    else if (column->codes)
        column->codes[rows->batch->rows] = 0;
    else if (column->texts)
        column->texts[rows->batch->rows] = (dbk_text){NULL, 0};
}

dbk_status dbk_rows_commit(dbk_rows *rows, uint64_t line, dbk_error *err)
{
    if ((rows->set_mask >> DBK_ROW_CATEGORY) & 1)
        DBK_TRY(commit_category(rows, line, err));
    if (!rows->batch)
        DBK_TRY(open_batch(rows, err));
    dbk_batch *batch = rows->batch;
    uint64_t set = rows->set_mask & (((uint64_t)1 << DBK_COLUMNS_MAX) - 1);
    uint64_t fresh = set & ~rows->open_mask;
    for (uint64_t left = rows->open_mask & ~set; left; left &= left - 1)
        store_nothing(rows, __builtin_ctzll(left));
    for (uint64_t left = fresh; left; left &= left - 1) {
        if (!open_column(rows, __builtin_ctzll(left)))
            return no_memory(err);
    }
    rows->open_mask |= fresh;
    for (uint64_t left = set; left; left &= left - 1) {
        int i = __builtin_ctzll(left);
        DBK_TRY(store_value(rows, i, (fresh >> i) & 1, err));
    }
    batch->lines[batch->rows++] = line > UINT32_MAX ? UINT32_MAX : (uint32_t)line;
    return batch->rows == rows->capacity ? dbk_rows_flush(rows, err) : DBK_OK;
}

dbk_status dbk_rows_flush(dbk_rows *rows, dbk_error *err)
{
    // Rows refer to categories of the same or an earlier batch: these go first.
    if (rows->categories)
        DBK_TRY(dbk_rows_flush(rows->categories, err));
    dbk_batch *batch = rows->batch;
    if (!batch || batch->rows == 0)
        return DBK_OK;
    rows->batch = NULL;
    return rows->options.on_batch(rows->options.user, batch, err);
}
