// SPDX-License-Identifier: Apache-2.0
// A run of rows, a column at a time: numbers and times first, and what may be wrong with words and texts;
// then it is known how many rows are good, and their words and texts are kept, so that a row that is not
// leaves no trace.
//
// Each loop knows the shapes that files are full of; any other text goes the way that a single one goes
// (row_value.c).
#include "ingest/parse/row_run.h"

#include "engine/base/calendar.h"
#include "ingest/parse/row_state.h"

#include <stdlib.h>

enum { DATES = 64, ALLOWED = 8, CACHED_SLOTS = 4096, AHEAD = 16 };

// A date as it is written, and its day. Files are mostly sorted by time, but not all their times are.
typedef struct known_date {
    uint64_t low;
    uint16_t high;
    int32_t day;
} known_date;

struct dbk_run_room {
    int64_t ints[DBK_RUN_ROWS]; // of a column that the batch does not have yet
    known_date dates[DATES];
    // Of columns that allow some values only: those that were met.
    dbk_word_key allowed[DBK_COLUMNS_MAX][ALLOWED];
    int allowed_count[DBK_COLUMNS_MAX];
};

void dbk_run_room_free(dbk_run_room *room)
{
    free(room);
}

static inline dbk_text field_at(const dbk_run *run, uint32_t row, uint32_t field)
{
    const uint32_t at = row * run->fields + field;
    const uint32_t from = at ? run->ends[at - 1] + 1 : run->start;
    uint32_t to = run->ends[at];
    if (field + 1 == run->fields && to > from && run->text[to - 1] == '\r')
        to--;
    return (dbk_text){run->text + from, to - from};
}

// ---- Numbers and times ----

// Digits where `digits` has 0xf0, exactly the pattern's bytes where it has 0xff; *out are the values of the
// digits.
static inline bool match_digits(uint64_t word, uint64_t pattern, uint64_t digits, uint64_t *out)
{
    const uint64_t values = word ^ pattern;
    // More than nine is more than fifteen with six added, which is done where a digit stands.
    const uint64_t six = UINT64_C(0x0606060606060606) & ~digits;
    *out = values;
    return ((values & digits) | ((values + six) & digits & UINT64_C(0xf0f0f0f0f0f0f0f0))) == 0;
}

static inline bool take_date(dbk_run_room *room, const char *at, int32_t *day)
{
    uint64_t low = dbk_load_8(at);
    uint16_t high;
    memcpy(&high, at + 8, sizeof high);
    known_date *known = &room->dates[(low >> 56 ^ (uint64_t)high >> 8 ^ low >> 37) % DATES];
    if (known->low != low || known->high != high) {
        if (!dbk_date_parse(at, 10, day))
            return false;
        *known = (known_date){low, high, *day};
    }
    *day = known->day;
    return true;
}

// "2026-04-01T12:30:00Z", "… 12:30:00.123Z" and the same without Z when that is UTC too.
static inline bool take_time(dbk_run_room *room, const dbk_zone *zone, dbk_text text, int64_t *out)
{
    const char *at = text.data;
    uint32_t length = text.length;
    int32_t day, ms = 0;
    uint64_t clock;
    if (length < 19)
        return false;
    if (at[length - 1] == 'Z')
        length--;
    else if (zone)
        return false;
    if ((length != 19 && length != 23) || (at[10] != 'T' && at[10] != ' '))
        return false;
    // "12:30:00", the first byte lowest
    if (!match_digits(dbk_load_8(at + 11), UINT64_C(0x30303a30303a3030), UINT64_C(0xf0f0fff0f0fff0f0),
                      &clock))
        return false;
    clock = clock * 10 + (clock >> 8);
    const uint32_t hour = clock & 0xff, minute = clock >> 24 & 0xff, second = clock >> 48 & 0xff;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    if (length == 23) {
        const unsigned a = (unsigned)(at[20] - '0'), b = (unsigned)(at[21] - '0'),
                       c = (unsigned)(at[22] - '0');
        if (at[19] != '.' || a > 9 || b > 9 || c > 9)
            return false;
        ms = (int32_t)(a * 100 + b * 10 + c);
    }
    if (!take_date(room, at, &day))
        return false;
    *out = (int64_t)day * DBK_MS_DAY + (int64_t)(hour * 3600 + minute * 60 + second) * DBK_MS_SECOND + ms;
    return true;
}

// "0.00" to "99999.99": at most eight bytes, of which the last two are decimals.
static inline bool take_cents(dbk_text text, int64_t *out)
{
    if (text.length < 4 || text.length > 8)
        return false;
    const int missing = 8 * (8 - (int)text.length);
    // The last byte highest; nothing but zeros stands before the first.
    const uint64_t word = dbk_load_8(text.data) << missing;
    const uint64_t all = UINT64_MAX << missing;
    uint64_t digits;
    if (!match_digits(word, UINT64_C(0x30302e3030303030) & all, UINT64_C(0xf0f0fff0f0f0f0f0) & all, &digits))
        return false;
    // The point goes: what is before it moves up.
    digits = (digits & UINT64_C(0xffff000000000000)) | (digits & UINT64_C(0x000000ffffffffff)) << 8;
    // Eight digits: pairs, then fours, then all.
    digits = (digits * 10 + (digits >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    digits = (digits * 100 + (digits >> 16)) & UINT64_C(0x0000ffff0000ffff);
    digits = (digits * 10000 + (digits >> 32)) & UINT64_C(0x00000000ffffffff);
    *out = (int64_t)digits * 100;
    return true;
}

static inline __attribute__((always_inline)) uint32_t ints_take(dbk_rows *rows, const dbk_run *run,
                                                                uint32_t field, uint32_t limit, int64_t *out,
                                                                bool *any, const dbk_type type)
{
    const dbk_column_def *def = dbk_rows_column_def(rows, run->columns[field]);
    const bool required = def->flags & DBK_REQUIRED;
    bool has_any = false;
    for (uint32_t r = 0; r < limit; r++) {
        const dbk_text text = field_at(run, r, field);
        int64_t value = DBK_NULL;
        if (text.length) {
            bool taken = type == DBK_TIME    ? take_time(rows->room, rows->options.zone, text, &value)
                         : type == DBK_MONEY ? take_cents(text, &value)
                                             : false;
            if (!taken && dbk_value_parse(def, rows->options.zone, text, &value)) {
                limit = r;
                break;
            }
        }
        if (required && value == DBK_NULL) {
            limit = r;
            break;
        }
        has_any |= value != DBK_NULL;
        out[r] = value;
    }
    *any = has_any;
    return limit;
}

static dbk_status ints_add(dbk_rows *rows, const dbk_run *run, uint32_t field, uint32_t *limit,
                           dbk_error *err)
{
    const int column = run->columns[field];
    dbk_batch_column *to = &rows->batch->columns[column];
    const bool is_open = to->ints;
    int64_t *out = is_open ? to->ints + rows->batch->rows : rows->room->ints;
    bool any;
    switch (dbk_rows_column_def(rows, column)->type) {
    case DBK_TIME:
        *limit = ints_take(rows, run, field, *limit, out, &any, DBK_TIME);
        break;
    case DBK_MONEY:
        *limit = ints_take(rows, run, field, *limit, out, &any, DBK_MONEY);
        break;
    default:
        *limit = ints_take(rows, run, field, *limit, out, &any, DBK_INT);
    }
    if (!any || is_open)
        return DBK_OK;
    if (!dbk_rows_open_column(rows, column))
        return dbk_rows_no_memory(err);
    rows->open_mask |= (uint64_t)1 << column;
    memcpy(to->ints + rows->batch->rows, out, *limit * sizeof *out);
    return DBK_OK;
}

// ---- Words and texts: what may be wrong with them ----

static bool is_allowed(dbk_run_room *room, const dbk_column_def *def, int column, dbk_text text)
{
    if (text.length > DBK_WORD_KEY_BYTES)
        return !dbk_value_check(def, text);
    const dbk_word_key key = dbk_word_key_of(text.data, text.length);
    int count = room->allowed_count[column];
    for (int i = 0; i < count; i++) {
        if (room->allowed[column][i].low == key.low && room->allowed[column][i].high == key.high)
            return true;
    }
    if (dbk_value_check(def, text))
        return false;
    if (count < ALLOWED) {
        room->allowed[column][count] = key;
        room->allowed_count[column]++;
    }
    return true;
}

// Ends at a row that is wrong or blank. *bytes: of the texts before it.
static uint32_t texts_check(dbk_rows *rows, const dbk_run *run, uint32_t field, uint32_t limit, size_t *bytes)
{
    const int column = run->columns[field];
    const dbk_column_def *def = dbk_rows_column_def(rows, column);
    const bool required = def->flags & DBK_REQUIRED;
    *bytes = 0;
    for (uint32_t r = 0; r < limit; r++) {
        const dbk_text text = field_at(run, r, field);
        if (text.length == 0 ? required
                             : (uint8_t)text.data[0] <= ' ' || text.length > DBK_ID_BYTES_MAX ||
                                   (def->values && !is_allowed(rows->room, def, column, text)))
            return r;
        *bytes += text.length;
    }
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

// For columns of few words: those in a row are often the same.
static bool codes_take_few(dbk_rows *rows, const dbk_run *run, uint32_t field, uint32_t rows_count)
{
    const int column = run->columns[field];
    uint32_t *out = rows->batch->columns[column].codes + rows->batch->rows;
    const bool is_currency = dbk_rows_column_def(rows, column)->domain == DBK_DOMAIN_CURRENCY;
    dbk_word_key last = {0};
    uint32_t last_code = 0;
    for (uint32_t r = 0; r < rows_count; r++) {
        const dbk_text text = field_at(run, r, field);
        if (text.length == 0) {
            out[r] = 0;
            continue;
        }
        if (text.length > DBK_WORD_KEY_BYTES) {
            out[r] = intern(rows, column, text);
            if (!out[r])
                return false;
            continue;
        }
        const dbk_word_key key = dbk_word_key_of(text.data, text.length);
        if (key.low != last.low || key.high != last.high) {
            last_code = is_currency ? intern(rows, column, text)
                                    : dbk_words_intern_short(rows, column, key, text.length);
            if (!last_code)
                return false;
            last = key;
        }
        out[r] = last_code;
    }
    return true;
}

// For columns of many words: their places are asked for ahead.
static bool codes_take_many(dbk_rows *rows, const dbk_run *run, uint32_t field, uint32_t rows_count)
{
    const int column = run->columns[field];
    uint32_t *out = rows->batch->columns[column].codes + rows->batch->rows;
    for (uint32_t from = 0; from < rows_count; from += AHEAD) {
        const uint32_t count = rows_count - from < AHEAD ? rows_count - from : AHEAD;
        dbk_word_key keys[AHEAD];
        for (uint32_t i = 0; i < count; i++) {
            const dbk_text text = field_at(run, from + i, field);
            keys[i] = dbk_word_key_of(text.data, text.length > DBK_WORD_KEY_BYTES || !text.length
                                                     ? DBK_WORD_KEY_BYTES
                                                     : text.length);
            dbk_words_expect_short(rows, column, keys[i]);
        }
        for (uint32_t i = 0; i < count; i++) {
            const dbk_text text = field_at(run, from + i, field);
            out[from + i] = text.length == 0 ? 0
                            : text.length > DBK_WORD_KEY_BYTES
                                ? intern(rows, column, text)
                                : dbk_words_intern_short(rows, column, keys[i], text.length);
            if (text.length && !out[from + i])
                return false;
        }
    }
    return true;
}

static dbk_status codes_add(dbk_rows *rows, const dbk_run *run, uint32_t field, uint32_t rows_count,
                            dbk_error *err)
{
    const int column = run->columns[field];
    if (!rows->batch->columns[column].codes && !dbk_rows_open_column(rows, column))
        return dbk_rows_no_memory(err);
    rows->open_mask |= (uint64_t)1 << column;
    const bool is_currency = dbk_rows_column_def(rows, column)->domain == DBK_DOMAIN_CURRENCY;
    const bool many = rows->words[column].shorts_count > CACHED_SLOTS && !is_currency;
    const bool ok =
        many ? codes_take_many(rows, run, field, rows_count) : codes_take_few(rows, run, field, rows_count);
    return ok ? DBK_OK : dbk_rows_no_memory(err);
}

// ---- Texts ----

// Copies 32 bytes at a time, more than there are.
static inline char *copy_text(char *to, dbk_text text)
{
    for (uint32_t at = 0; at < text.length; at += DBK_RUN_SLACK)
        memcpy(to + at, text.data + at, DBK_RUN_SLACK);
    return to + text.length;
}

static dbk_status texts_add(dbk_rows *rows, const dbk_run *run, uint32_t field, uint32_t rows_count,
                            size_t bytes, dbk_error *err)
{
    const int column = run->columns[field];
    dbk_batch *batch = rows->batch;
    if (!batch->columns[column].texts && !dbk_rows_open_column(rows, column))
        return dbk_rows_no_memory(err);
    rows->open_mask |= (uint64_t)1 << column;
    dbk_text *out = batch->columns[column].texts + batch->rows;
    const bool at_once = dbk_rows_reserve_text(rows, bytes + DBK_RUN_SLACK);
    char *to = rows->chunk;
    for (uint32_t r = 0; r < rows_count; r++) {
        const dbk_text text = field_at(run, r, field);
        if (text.length == 0) {
            out[r] = (dbk_text){NULL, 0};
        } else if (at_once) {
            out[r] = (dbk_text){to, text.length};
            to = copy_text(to, text);
        } else if (!dbk_rows_keep_text(rows, text, &out[r])) {
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

dbk_status dbk_rows_add_run(dbk_rows *rows, const dbk_run *run, uint32_t *taken, dbk_error *err)
{
    *taken = 0;
    if (rows->categories)
        return DBK_OK;
    if (!rows->room && !(rows->room = calloc(1, sizeof *rows->room)))
        return dbk_rows_no_memory(err);
    if (!rows->batch)
        DBK_TRY(dbk_rows_open_batch(rows, err));
    dbk_batch *batch = rows->batch;
    const uint32_t left = rows->capacity - batch->rows;
    uint32_t limit = run->rows < left ? run->rows : left;
    size_t bytes[DBK_COLUMNS_MAX] = {0};
    for (uint32_t f = 0; f < run->fields && limit > 0; f++) {
        const int column = run->columns[f];
        if (column < 0)
            continue;
        if (dbk_type_is_int(dbk_rows_column_def(rows, column)->type))
            DBK_TRY(ints_add(rows, run, f, &limit, err));
        else
            limit = texts_check(rows, run, f, limit, &bytes[column]);
    }
    for (uint32_t f = 0; f < run->fields && limit > 0; f++) {
        const int column = run->columns[f];
        const bool is_absent = column < 0 || dbk_type_is_int(dbk_rows_column_def(rows, column)->type) ||
                               (bytes[column] == 0 && !(rows->open_mask >> column & 1));
        if (is_absent)
            continue;
        if (dbk_rows_column_def(rows, column)->type == DBK_CODE)
            DBK_TRY(codes_add(rows, run, f, limit, err));
        else
            DBK_TRY(texts_add(rows, run, f, limit, bytes[column], err));
    }
    for (uint32_t r = 0; r < limit; r++)
        batch->lines[batch->rows + r] = run->line + r > UINT32_MAX ? UINT32_MAX : (uint32_t)(run->line + r);
    batch->rows += limit;
    *taken = limit;
    return batch->rows == rows->capacity ? dbk_rows_flush(rows, err) : DBK_OK;
}
