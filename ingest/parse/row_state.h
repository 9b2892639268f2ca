// SPDX-License-Identifier: Apache-2.0
// What dbk_rows is made of; shared by the way in row by row (row.c), the one in runs of rows (row_run.c) and
// the words (row_words.c).
#ifndef DBK_PARSE_ROW_STATE_H
#define DBK_PARSE_ROW_STATE_H

#include "ingest/parse/row.h"

#include <string.h>

// A word of at most 16 bytes is its own key, filled up with NUL bytes.
enum { DBK_WORD_KEY_BYTES = 16 };
typedef struct dbk_word_key {
    uint64_t low, high;
} dbk_word_key;

// Open addressing over the words of one column, for the short and for the long. Growing and most mismatches
// need no look at the words.
typedef struct dbk_word_slot {
    uint32_t hash, code; // code 0 = free
} dbk_word_slot;

enum { DBK_SLOTS_FEW = 16, DBK_KEYS_FEW = 8 };
typedef struct dbk_word_table {
    dbk_word_slot *shorts;
    uint32_t shorts_count, shorts_used; // places, a power of two; words
    dbk_word_key *keys;                 // of short words, by their codes
    uint32_t keys_count;                // that there is room for
    dbk_word_slot *longs;               // NULL until there is a long word
    uint32_t longs_count, longs_used;
    uint32_t words_capacity;
    uint32_t last_code; // of the row before: runs of equal words are the rule
    // Where `shorts` and `keys` of a batch of few rows begin.
    dbk_word_slot few_slots[DBK_SLOTS_FEW];
    dbk_word_key few_keys[DBK_KEYS_FEW];
} dbk_word_table;

struct dbk_rows {
    dbk_rows_options options;
    uint32_t capacity;      // rows of a batch
    uint64_t required_mask; // columns that a row must set
    dbk_batch *batch;       // NULL until a row begins
    uint64_t batches;       // begun so far
    uint64_t open_mask;     // columns that the batch has
    uint64_t set_mask;      // columns with a value in the row at hand
    uint64_t word_seed;     // of this process, so that nobody outside can choose words that collide
    char *chunk;            // of the batch's arena, where texts go
    size_t chunk_left;
    dbk_rows *categories; // of products: the categories that rows name
    int category_column;
    struct dbk_run_room *room; // of row_run.c; NULL until there is a run
    uint64_t words_mask;       // columns whose words were begun
    // Last: a body of one row comes and goes with all this, and what it does not use is not cleared.
    dbk_text pending[DBK_COLUMNS_MAX + 1]; // of the columns of set_mask
    dbk_word_table words[DBK_COLUMNS_MAX]; // of those of words_mask
};

static inline const dbk_column_def *dbk_rows_column_def(const dbk_rows *rows, int column)
{
    return &rows->options.table->columns[column];
}

// ---- row.c ----

// The batch that the next row goes to.
dbk_status dbk_rows_open_batch(dbk_rows *rows, dbk_error *err);
// A column comes into being with its first value; the rows before have none. false: no memory.
bool dbk_rows_open_column(dbk_rows *rows, int index);
// A copy of the text in the batch's memory. false: no memory.
bool dbk_rows_keep_text(dbk_rows *rows, dbk_text text, dbk_text *out);
// Room for so many bytes of text at rows->chunk, so that they need only be written and counted; false: there
// is none, texts must be kept one by one.
bool dbk_rows_reserve_text(dbk_rows *rows, size_t size);
dbk_status dbk_rows_no_memory(dbk_error *err);

// ---- row_words.c ----

static inline uint64_t dbk_load_8(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

// "eur" and "EUR" are one currency: ISO 4217 codes are kept in capitals. Anything but three letters stays as
// it is.
dbk_text dbk_word_as_currency(dbk_text word, char capitals[3]);
// Begins a column's words, in a batch that has none yet; false: no memory.
bool dbk_words_open(dbk_rows *rows, int index);
// The word's code in the batch's dictionary, a new one if need be. 0: memory is out.
uint32_t dbk_words_intern(dbk_rows *rows, int index, dbk_text word);
// The same for a word of 1 to 16 bytes whose key and hash are known.
uint32_t dbk_words_intern_short(dbk_rows *rows, int index, dbk_word_key key, uint32_t hash, uint32_t length);
void dbk_words_dispose(dbk_word_table *table);

// The key of a word of 1 to 16 bytes, of which 16 may be read.
static inline dbk_word_key dbk_word_key_of(const char *at, uint32_t length)
{
    const uint64_t low = dbk_load_8(at), high = dbk_load_8(at + 8);
    const uint64_t all = UINT64_MAX;
    return (dbk_word_key){.low = length >= 8 ? low : low & ~(all << 8 * length),
                          .high = length <= 8    ? 0
                                  : length == 16 ? high
                                                 : high & ~(all << 8 * (length - 8))};
}

// A 128-bit product folded in two. Words of one key and different lengths have different hashes.
static inline uint32_t dbk_word_hash(const dbk_rows *rows, dbk_word_key key, uint32_t length)
{
    const dbk_u128 product = (dbk_u128)(key.low ^ rows->word_seed) *
                             (key.high ^ UINT64_C(0x9e3779b97f4a7c15) ^ rows->word_seed << 1);
    return (uint32_t)((uint64_t)product ^ (uint64_t)(product >> 64)) + length;
}

// The word of this hash will be asked for soon; and once its place is here, too.
static inline void dbk_words_expect_slot(const dbk_word_table *table, uint32_t hash)
{
    __builtin_prefetch(&table->shorts[hash & (table->shorts_count - 1)]);
}
static inline void dbk_words_expect_key(const dbk_word_table *table, uint32_t hash)
{
    __builtin_prefetch(&table->keys[table->shorts[hash & (table->shorts_count - 1)].code]);
}

#endif
