// SPDX-License-Identifier: Apache-2.0
// A run of rows, a column at a time: numbers and times first, and what may be wrong with words and texts;
// then it is known how many rows are good, and their words and texts are kept, so that a row that is not
// leaves no trace.
//
// Each loop knows the shapes that files are full of; any other text goes the way that a single one goes
// (row_value.c).
#include "ingest/parse/row_run.h"

#include "ingest/parse/row_state.h"
#include "ingest/parse/run_fields.h"
#include "ingest/parse/run_values.h"
#include "ingest/parse/run_words.h"

#include <stdlib.h>

enum { AHEAD = 16 };

// Fields whose words have no code yet, or none that is known without looking for it.
typedef struct new_words {
    uint32_t count;
    uint32_t from[DBK_RUN_ROWS], length[DBK_RUN_ROWS];
    uint8_t row[DBK_RUN_ROWS];
} new_words;

struct dbk_run_room {
    dbk_run_ends ends;
    dbk_run_fields fields;
    union {
        int64_t ints[DBK_RUN_ROWS + DBK_RUN_LANES];
        uint32_t codes[DBK_RUN_ROWS + DBK_RUN_LANES];
    };
    uint8_t misses[DBK_RUN_ROWS + DBK_RUN_LANES];
    dbk_run_dates dates;
    // Of columns of codes, in the batch at hand.
    uint64_t batch;        // its number
    uint64_t known_mask;   // columns that have words known
    uint64_t various_mask; // columns of too many words for that
    dbk_run_words known[DBK_COLUMNS_MAX];
    new_words found[DBK_COLUMNS_MAX];
};

void dbk_run_room_free(dbk_run_room *room)
{
    if (room)
        dbk_run_ends_dispose(&room->ends);
    free(room);
}

// ---- Numbers and times ----

static dbk_status ints_add(dbk_rows *rows, const dbk_run *run, uint32_t field, uint32_t *limit,
                           dbk_error *err)
{
    const int column = run->columns[field];
    const dbk_column_def *def = dbk_rows_column_def(rows, column);
    dbk_batch_column *to = &rows->batch->columns[column];
    dbk_run_room *room = rows->room;
    dbk_run_fields *fields = &room->fields;
    uint32_t blank;
    dbk_run_fields_find(run, &rows->room->ends, field, *limit, fields);
    if (def->flags & DBK_REQUIRED)
        *limit = dbk_run_fields_absent(fields, *limit);
    const uint32_t read =
        dbk_run_values_read(def, rows->options.zone, &room->dates, run, fields, room->ints, &blank);
    if (read < fields->count && fields->row[read] < *limit)
        *limit = fields->row[read];
    if (!to->ints && read > blank) {
        if (!dbk_rows_open_column(rows, column))
            return dbk_rows_no_memory(err);
        rows->open_mask |= (uint64_t)1 << column;
    }
    if (to->ints)
        dbk_run_fields_spread64(fields, *limit, room->ints, DBK_NULL, to->ints + rows->batch->rows);
    return DBK_OK;
}

// ---- Words and texts: what may be wrong with them ----

// Whether a text is one that the column may have, for sure.
static inline bool is_good(const dbk_column_def *def, dbk_text text)
{
    return (uint8_t)text.data[0] > ' ' && text.length <= DBK_ID_BYTES_MAX &&
           (!def->values || !dbk_value_check(def, text));
}

// Ends at a row that is wrong or blank. *bytes: of the texts before it.
static uint32_t texts_check(dbk_rows *rows, const dbk_run *run, uint32_t field, uint32_t limit, size_t *bytes)
{
    const dbk_column_def *def = dbk_rows_column_def(rows, run->columns[field]);
    dbk_run_fields *fields = &rows->room->fields;
    *bytes = 0;
    dbk_run_fields_find(run, &rows->room->ends, field, limit, fields);
    if (def->flags & DBK_REQUIRED)
        limit = dbk_run_fields_absent(fields, limit);
    for (uint32_t i = 0; i < fields->count; i++) {
        if (!is_good(def, dbk_run_field(run, fields, i)))
            return fields->row[i] < limit ? fields->row[i] : limit;
        *bytes += fields->length[i];
    }
    return limit;
}

// The same for words, which are checked when they are met first; those known get their codes, which count
// for nothing unless the row does.
static uint32_t words_check(dbk_rows *rows, const dbk_run *run, uint32_t field, uint32_t limit)
{
    const int column = run->columns[field];
    const dbk_column_def *def = dbk_rows_column_def(rows, column);
    dbk_run_room *room = rows->room;
    dbk_run_fields *fields = &room->fields;
    new_words *found = &room->found[column];
    const dbk_batch_column *to = &rows->batch->columns[column];
    dbk_run_fields_find(run, &rows->room->ends, field, limit, fields);
    if (def->flags & DBK_REQUIRED)
        limit = dbk_run_fields_absent(fields, limit);
    const bool is_various = room->various_mask >> column & 1;
    uint32_t count = fields->count;
    if (!is_various)
        count = dbk_run_words_find(&room->known[column], run, fields, room->codes, room->misses);
    found->count = 0;
    for (uint32_t m = 0; m < count; m++) {
        const uint32_t i = is_various ? m : room->misses[m];
        if (!is_good(def, dbk_run_field(run, fields, i))) {
            limit = fields->row[i] < limit ? fields->row[i] : limit;
            break;
        }
        found->from[m] = fields->from[i];
        found->length[m] = fields->length[i];
        found->row[m] = fields->row[i];
        found->count++;
    }
    if (room->known[column].is_full && count > fields->count / 4)
        room->various_mask |= (uint64_t)1 << column;
    if (!to->codes)
        return limit;
    if (is_various)
        memset(to->codes + rows->batch->rows, 0, limit * sizeof *to->codes);
    else
        dbk_run_fields_spread32(fields, limit, room->codes, 0, to->codes + rows->batch->rows);
    return limit;
}

// ---- Words ----

static uint32_t intern(dbk_rows *rows, int column, dbk_text word)
{
    char capitals[3];
    if (dbk_rows_column_def(rows, column)->domain == DBK_DOMAIN_CURRENCY)
        word = dbk_word_as_currency(word, capitals);
    return dbk_words_intern(rows, column, word);
}

// For columns of few words: they will be known from now on.
static bool codes_take_few(dbk_rows *rows, const dbk_run *run, int column, const new_words *found,
                           uint32_t count)
{
    dbk_run_room *room = rows->room;
    uint32_t *out = rows->batch->columns[column].codes + rows->batch->rows;
    for (uint32_t m = 0; m < count; m++) {
        const dbk_text word = {run->text + found->from[m], found->length[m]};
        const uint32_t code = intern(rows, column, word);
        if (!code)
            return false;
        out[found->row[m]] = code;
        if (word.length <= DBK_WORD_KEY_BYTES)
            dbk_run_words_add(&room->known[column], dbk_word_key_of(word.data, word.length), code);
    }
    return true;
}

// For columns of many words: their places are asked for ahead.
static bool codes_take_various(dbk_rows *rows, const dbk_run *run, int column, const new_words *found,
                               uint32_t count)
{
    const dbk_word_table *table = &rows->words[column];
    uint32_t *out = rows->batch->columns[column].codes + rows->batch->rows;
    for (uint32_t from = 0; from < count; from += AHEAD) {
        const uint32_t step = count - from < AHEAD ? count - from : AHEAD;
        dbk_word_key keys[AHEAD];
        uint32_t hashes[AHEAD];
        for (uint32_t i = 0; i < step; i++) {
            const uint32_t length = found->length[from + i];
            keys[i] = dbk_word_key_of(run->text + found->from[from + i],
                                      length > DBK_WORD_KEY_BYTES ? DBK_WORD_KEY_BYTES : length);
            hashes[i] = dbk_word_hash(rows, keys[i], length);
            dbk_words_expect_slot(table, hashes[i]);
        }
        for (uint32_t i = 0; i < step; i++)
            dbk_words_expect_key(table, hashes[i]);
        for (uint32_t i = 0; i < step; i++) {
            const dbk_text word = {run->text + found->from[from + i], found->length[from + i]};
            const uint32_t code = word.length > DBK_WORD_KEY_BYTES
                                      ? intern(rows, column, word)
                                      : dbk_words_intern_short(rows, column, keys[i], hashes[i], word.length);
            if (!code)
                return false;
            out[found->row[from + i]] = code;
        }
    }
    return true;
}

static dbk_status codes_add(dbk_rows *rows, const dbk_run *run, int column, uint32_t rows_count,
                            dbk_error *err)
{
    dbk_run_room *room = rows->room;
    const new_words *found = &room->found[column];
    uint32_t count = found->count;
    while (count > 0 && found->row[count - 1] >= rows_count)
        count--;
    if (count == 0)
        return DBK_OK;
    dbk_batch_column *to = &rows->batch->columns[column];
    if (!to->codes) {
        if (!dbk_rows_open_column(rows, column))
            return dbk_rows_no_memory(err);
        memset(to->codes + rows->batch->rows, 0, rows_count * sizeof *to->codes);
    }
    rows->open_mask |= (uint64_t)1 << column;
    const bool is_various =
        room->various_mask >> column & 1 && dbk_rows_column_def(rows, column)->domain != DBK_DOMAIN_CURRENCY;
    room->known_mask |= (uint64_t)1 << column;
    const bool ok = is_various ? codes_take_various(rows, run, column, found, count)
                               : codes_take_few(rows, run, column, found, count);
    return ok ? DBK_OK : dbk_rows_no_memory(err);
}

// ---- Texts ----

// Copies 32 bytes at a time, more than there are.
static inline char *copy_text(char *to, dbk_text text)
{
    memcpy(to, text.data, DBK_RUN_SLACK);
    for (uint32_t at = DBK_RUN_SLACK; at < text.length; at += DBK_RUN_SLACK)
        memcpy(to + at, text.data + at, DBK_RUN_SLACK);
    return to + text.length;
}

static dbk_status texts_add(dbk_rows *rows, const dbk_run *run, uint32_t field, uint32_t rows_count,
                            size_t bytes, dbk_error *err)
{
    const int column = run->columns[field];
    dbk_batch *batch = rows->batch;
    const dbk_run_fields *fields = &rows->room->fields;
    if (!batch->columns[column].texts && !dbk_rows_open_column(rows, column))
        return dbk_rows_no_memory(err);
    rows->open_mask |= (uint64_t)1 << column;
    dbk_text *out = batch->columns[column].texts + batch->rows;
    const bool at_once = dbk_rows_reserve_text(rows, bytes + DBK_RUN_SLACK);
    char *to = rows->chunk;
    dbk_run_fields_find(run, &rows->room->ends, field, rows_count, &rows->room->fields);
    if (fields->count < rows_count)
        memset(out, 0, rows_count * sizeof *out);
    for (uint32_t i = 0; i < fields->count; i++) {
        const dbk_text text = dbk_run_field(run, fields, i);
        if (at_once) {
            out[fields->row[i]] = (dbk_text){to, text.length};
            to = copy_text(to, text);
        } else if (!dbk_rows_keep_text(rows, text, &out[fields->row[i]])) {
            return dbk_rows_no_memory(err);
        }
    }
    if (at_once) {
        rows->chunk_left -= (size_t)(to - rows->chunk);
        rows->chunk = to;
    }
    return DBK_OK;
}

// ---- The run ----

// Another batch has codes of its own.
static void forget_words(dbk_run_room *room, uint64_t batch)
{
    for (; room->known_mask; room->known_mask &= room->known_mask - 1)
        room->known[__builtin_ctzll(room->known_mask)] = (dbk_run_words){0};
    room->various_mask = 0;
    room->batch = batch;
}

static void lines_add(dbk_batch *batch, uint64_t line, uint32_t rows)
{
    uint32_t *out = batch->lines + batch->rows;
    for (uint32_t r = 0; r < rows; r++)
        out[r] = line + r > UINT32_MAX ? UINT32_MAX : (uint32_t)(line + r);
}

dbk_status dbk_rows_add_run(dbk_rows *rows, const dbk_run *run, uint32_t *taken, dbk_error *err)
{
    *taken = 0;
    if (rows->categories)
        return DBK_OK;
    if (!rows->room && !(rows->room = calloc(1, sizeof *rows->room)))
        return dbk_rows_no_memory(err);
    if (!rows->batch)
        DBK_TRY(dbk_rows_open_batch(rows, err));
    if (!dbk_run_ends_turn(&rows->room->ends, run))
        return dbk_rows_no_memory(err);
    if (rows->room->batch != rows->batches)
        forget_words(rows->room, rows->batches);
    dbk_batch *batch = rows->batch;
    const uint32_t left = rows->capacity - batch->rows;
    uint32_t limit = run->rows < left ? run->rows : left;
    size_t bytes[DBK_COLUMNS_MAX] = {0};
    for (uint32_t f = 0; f < run->fields && limit > 0; f++) {
        const int column = run->columns[f];
        if (column < 0)
            continue;
        const dbk_type type = dbk_rows_column_def(rows, column)->type;
        if (dbk_type_is_int(type))
            DBK_TRY(ints_add(rows, run, f, &limit, err));
        else if (type == DBK_CODE)
            limit = words_check(rows, run, f, limit);
        else
            limit = texts_check(rows, run, f, limit, &bytes[column]);
    }
    for (uint32_t f = 0; f < run->fields && limit > 0; f++) {
        const int column = run->columns[f];
        if (column < 0 || dbk_type_is_int(dbk_rows_column_def(rows, column)->type))
            continue;
        if (dbk_rows_column_def(rows, column)->type == DBK_CODE)
            DBK_TRY(codes_add(rows, run, column, limit, err));
        else if (bytes[column] > 0 || rows->batch->columns[column].texts)
            DBK_TRY(texts_add(rows, run, f, limit, bytes[column], err));
    }
    lines_add(batch, run->line, limit);
    batch->rows += limit;
    *taken = limit;
    return batch->rows == rows->capacity ? dbk_rows_flush(rows, err) : DBK_OK;
}
