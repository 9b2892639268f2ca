// SPDX-License-Identifier: Apache-2.0
// Reading maps. libinih takes the lines apart; this file knows what they mean.
#include "ingest/parse/map_plan.h"

#include "engine/base/bytes.h"
#include "engine/base/utf8.h"
#include "ingest/parse/row.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { MAP_FILE_MAX = 1 << 20 };

typedef struct map_reader {
    dbk_map *map;
    const char *name; // of the file
    const char *at, *end;
    int line;
    bool too_long;
    dbk_status status;
    dbk_error *err;
} map_reader;

static bool fail(map_reader *r, const char *format, const char *what)
{
    char reason[600];
    snprintf(reason, sizeof reason, format, what);
    if (r->status == DBK_OK)
        r->status = dbk_fail(r->err, DBK_INVALID, "%s:%d: %s", r->name, r->line, reason);
    return false;
}

static bool fail_memory(map_reader *r)
{
    if (r->status == DBK_OK)
        r->status = dbk_fail(r->err, DBK_NO_MEMORY, "out of memory for the map %s", r->name);
    return false;
}

static dbk_text text_of(const char *from, const char *to)
{
    return dbk_text_trim((dbk_text){from, (uint32_t)(to - from)});
}

static bool starts_with(dbk_text text, const char *word)
{
    size_t length = strlen(word);
    return text.length >= length && memcmp(text.data, word, length) == 0;
}

static bool is_word(dbk_text text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.data, word, text.length) == 0;
}

static dbk_text skip(dbk_text text, size_t count)
{
    return dbk_text_trim((dbk_text){text.data + count, text.length - (uint32_t)count});
}

static bool keep(map_reader *r, dbk_text text, dbk_text *out)
{
    out->data = dbk_arena_copy(&r->map->arena, text.data, text.length);
    out->length = text.length;
    return out->data || fail_memory(r);
}

// The number of the file's column of that name, a new one if need be; braces around it are dropped. -1 on
// failure.
static int take_source(map_reader *r, dbk_text name)
{
    dbk_map *map = r->map;
    name = dbk_text_trim(name);
    if (name.length >= 2 && name.data[0] == '{' && name.data[name.length - 1] == '}')
        name = dbk_text_trim((dbk_text){name.data + 1, name.length - 2});
    if (name.length == 0 || memchr(name.data, '"', name.length)) {
        fail(r, "%s", "a column of the file is expected; texts stand in quotes");
        return -1;
    }
    for (int i = 0; i < map->sources_count; i++) {
        if (dbk_text_equal(map->sources[i].name, name))
            return i;
    }
    if (map->sources_count == MAP_SOURCES_MAX) {
        fail(r, "%s", "a map can use at most 64 columns of a file");
        return -1;
    }
    map_source *source = &map->sources[map->sources_count];
    *source = (map_source){0};
    return keep(r, name, &source->name) ? map->sources_count++ : -1;
}

static map_part *add_part(map_reader *r, map_term *term)
{
    if (term->parts_count == MAP_PARTS_MAX) {
        fail(r, "%s", "a text has at most 8 parts");
        return NULL;
    }
    return &term->parts[term->parts_count++];
}

// "Customer {CustomerID}", without its quotes.
static bool take_template(map_reader *r, dbk_text text, map_term *term)
{
    const char *at = text.data, *end = at + text.length;
    while (at < end) {
        const char *brace = memchr(at, '{', (size_t)(end - at));
        const char *stop = brace ? brace : end;
        map_part *part = add_part(r, term);
        if (!part)
            return false;
        if (stop > at) {
            part->kind = MAP_LITERAL;
            if (!keep(r, (dbk_text){at, (uint32_t)(stop - at)}, &part->literal))
                return false;
            at = stop;
            continue;
        }
        const char *close = memchr(at, '}', (size_t)(end - at));
        if (!close)
            return fail(r, "%s", "a brace is left open");
        bool number = at[1] == '#';
        part->kind = number ? MAP_NUMBER : MAP_SOURCE;
        part->source = take_source(r, text_of(at + 1 + number, close));
        if (part->source < 0)
            return false;
        r->map->sources[part->source].counted |= number;
        at = close + 1;
    }
    return true;
}

static bool take_term(map_reader *r, dbk_text text, map_term *term)
{
    if (text.length >= 2 && text.data[0] == '"' && text.data[text.length - 1] == '"')
        return take_template(r, (dbk_text){text.data + 1, text.length - 2}, term);
    term->parts_count = 1;
    term->parts[0].kind = MAP_SOURCE;
    term->parts[0].source = take_source(r, text);
    return term->parts[0].source >= 0;
}

// The next `mark` outside quotes and braces, or the end.
static const char *find_mark(const char *at, const char *end, char mark)
{
    bool quoted = false, braced = false;
    for (; at < end; at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (!quoted && (*at == '{' || *at == '}'))
            braced = *at == '{';
        else if (*at == mark && !quoted && !braced)
            return at;
    }
    return end;
}

static dbk_text take_pick(dbk_text text, map_choice *choice, bool *picked)
{
    static const struct {
        const char *word;
        map_pick pick;
    } picks[] = {{"first ", MAP_FIRST},    {"last ", MAP_LAST},         {"earliest ", MAP_SMALLEST},
                 {"latest ", MAP_LARGEST}, {"smallest ", MAP_SMALLEST}, {"largest ", MAP_LARGEST},
                 {"sum ", MAP_SUM}};
    *picked = false;
    for (size_t i = 0; i < DBK_COUNT(picks); i++) {
        if (starts_with(text, picks[i].word)) {
            choice->pick = picks[i].pick;
            *picked = true;
            return skip(text, strlen(picks[i].word));
        }
    }
    return text;
}

// first A | sum B * C
static bool take_choice(map_reader *r, const map_section *section, dbk_text text, map_choice *choice)
{
    bool picked;
    text = take_pick(text, choice, &picked);
    if (picked && section->group < 0)
        return fail(
            r, "%s",
            "first, last, earliest, latest, smallest, largest and sum need `one row per = COLUMN` first");
    const char *at = text.data, *end = at + text.length;
    while (at <= end) {
        const char *stop = find_mark(at, end, '*');
        if (choice->terms_count == (int)DBK_COUNT(choice->terms))
            return fail(r, "%s", "a product has at most 4 factors");
        if (!take_term(r, text_of(at, stop), &choice->terms[choice->terms_count++]))
            return false;
        at = stop + 1;
    }
    return true;
}

static bool take_condition(map_reader *r, dbk_text text, map_choice *choice)
{
    // Longer ones first, since " is " begins others.
    static const struct {
        const char *word;
        map_test test;
        bool takes_text;
    } tests[] = {
        {" is not blank", MAP_IS_NOT_BLANK, false},
        {" is blank", MAP_IS_BLANK, false},
        {" is negative", MAP_IS_NEGATIVE, false},
        {" is not ", MAP_IS_NOT, true},
        {" is ", MAP_IS, true},
        {" starts with ", MAP_STARTS_WITH, true},
        {" ends with ", MAP_ENDS_WITH, true},
        {" contains ", MAP_CONTAINS, true},
    };
    for (size_t i = 0; i < DBK_COUNT(tests); i++) {
        size_t length = strlen(tests[i].word);
        const char *found = memmem(text.data, text.length, tests[i].word, length);
        const char *end = text.data + text.length;
        if (!found || (!tests[i].takes_text && found + length != end))
            continue;
        choice->test = tests[i].test;
        choice->test_source = take_source(r, text_of(text.data, found));
        dbk_text value = text_of(found + length, end);
        if (value.length >= 2 && value.data[0] == '"' && value.data[value.length - 1] == '"')
            value = (dbk_text){value.data + 1, value.length - 2};
        return choice->test_source >= 0 && keep(r, value, &choice->test_text);
    }
    return fail(
        r, "%s",
        "a condition is COLUMN is TEXT, is not TEXT, is blank, is not blank, is negative, starts with "
        "TEXT, ends with TEXT or contains TEXT");
}

static map_column *find_column(map_section *section, int column)
{
    for (int i = 0; i < section->columns_count; i++) {
        if (section->columns[i].column == column)
            return &section->columns[i];
    }
    map_column *added = &section->columns[section->columns_count++];
    *added = (map_column){.column = column};
    return added;
}

static bool take_column(map_reader *r, map_section *section, dbk_text key, dbk_text value)
{
    static const char when[] = " when ";
    const char *found = memmem(key.data, key.length, when, sizeof when - 1);
    dbk_text name = found ? text_of(key.data, found) : key;
    int column = dbk_rows_column(section->table, name);
    if (column < 0) {
        char known[200], what[290];
        dbk_rows_column_list(section->table, known, sizeof known);
        snprintf(what, sizeof what, "%.*s\"; its columns are %s", name.length < 40 ? (int)name.length : 40,
                 name.data, known);
        return fail(r, "the table has no column \"%s", what);
    }
    map_column *filled = find_column(section, column);
    if (filled->choices_count > 0 && filled->choices[filled->choices_count - 1].test == MAP_ALWAYS)
        return fail(r, "%s", "the column is filled already (rules with `when` come before)");
    const char *at = value.data, *end = at + value.length;
    while (at <= end) {
        const char *stop = find_mark(at, end, '|');
        if (filled->choices_count == MAP_CHOICES_MAX)
            return fail(r, "%s", "a column has at most 8 choices");
        map_choice *choice = &filled->choices[filled->choices_count++];
        *choice = (map_choice){0};
        if (found && !take_condition(r, text_of(found + sizeof when - 1, key.data + key.length), choice))
            return false;
        if (!take_choice(r, section, text_of(at, stop), choice))
            return false;
        at = stop + 1;
    }
    dbk_type type = column == DBK_ROW_CATEGORY ? DBK_TEXT : section->table->columns[column].type;
    for (int i = 0; i < filled->choices_count; i++) {
        const map_choice *choice = &filled->choices[i];
        bool counts = choice->pick == MAP_SUM || choice->terms_count > 1;
        if (counts && type != DBK_MONEY && type != DBK_INT)
            return fail(r, "%s", "only amounts and whole numbers can be added or multiplied");
        if ((choice->pick == MAP_SMALLEST || choice->pick == MAP_LARGEST) && !dbk_type_is_int(type))
            return fail(r, "%s", "texts have no smallest or largest: use first or last");
    }
    return true;
}

static bool take_table_line(map_reader *r, dbk_text table_name, dbk_text key, dbk_text value)
{
    dbk_map *map = r->map;
    const dbk_table_def *table = dbk_table_def_by_name(table_name);
    if (!table || table->system)
        return fail(r, "%s", "a section is [input], [times] or the name of a table");
    map_section *section = NULL;
    for (int i = 0; i < map->sections_count; i++) {
        if (map->sections[i].table == table)
            section = &map->sections[i];
    }
    if (!section) {
        if (map->sections_count == MAP_SECTIONS_MAX)
            return fail(r, "%s", "a map fills at most 16 tables");
        section = &map->sections[map->sections_count++];
        *section = (map_section){.table = table, .group = -1};
    }
    if (!is_word(key, "one row per"))
        return take_column(r, section, key, value);
    if (section->columns_count > 0 || section->group >= 0)
        return fail(r, "%s", "`one row per` stands once, before the columns");
    if (is_word(value, "line"))
        return true;
    section->group = take_source(r, value);
    return section->group >= 0;
}

static bool take_pattern(map_reader *r, dbk_text value, const char **out)
{
    dbk_text kept;
    if (!keep(r, value, &kept))
        return false;
    const char *fault = dbk_map_time_check(kept.data);
    *out = kept.data;
    return !fault || fail(r, "%s", fault);
}

static bool take_input_line(map_reader *r, dbk_text key, dbk_text value)
{
    if (is_word(key, "time_format"))
        return take_pattern(r, value, &r->map->time_pattern);
    if (!is_word(key, "time_zone"))
        return fail(r, "%s", "[input] knows time_format and time_zone");
    char name[80];
    dbk_error why;
    snprintf(name, sizeof name, "%.*s", value.length < 79 ? (int)value.length : 79, value.data);
    if (dbk_zone_load(name, &r->map->zone, &why) != DBK_OK)
        return fail(r, "%s", why.message);
    return true;
}

static int on_line(void *user, const char *section, const char *name, const char *value)
{
    map_reader *r = user;
    if (r->status != DBK_OK)
        return 1;
    if (r->too_long)
        return fail(r, "%s", "the line is longer than 190 bytes");
    dbk_text place = dbk_text_from(section), key = dbk_text_trim(dbk_text_from(name));
    dbk_text text = dbk_text_trim(dbk_text_from(value));
    if (text.length == 0)
        return fail(r, "%s", "the value is missing");
    if (is_word(place, "input"))
        return take_input_line(r, key, text);
    if (is_word(place, "times")) {
        int source = take_source(r, key);
        return source >= 0 && take_pattern(r, text, &r->map->sources[source].time_pattern);
    }
    return take_table_line(r, place, key, text);
}

// libinih asks for a line at a time: here it gets each without the spaces before it, which it would take for
// the continuation of the line before, and the line's number is known to on_line.
static char *next_line(char *out, int size, void *user)
{
    map_reader *r = user;
    if (r->at == r->end)
        return NULL;
    const char *feed = memchr(r->at, '\n', (size_t)(r->end - r->at));
    const char *stop = feed ? feed : r->end;
    dbk_text line = text_of(r->at, stop);
    r->too_long = line.length > 190 || line.length + 2 > (uint32_t)size;
    if (r->too_long)
        line.length = 190 < size - 2 ? 190 : (uint32_t)size - 2;
    memcpy(out, line.data, line.length);
    out[line.length] = '\n';
    out[line.length + 1] = '\0';
    r->line++;
    r->at = feed ? feed + 1 : r->end;
    return out;
}

// What only the whole map can tell.
static bool check_sections(map_reader *r)
{
    const dbk_map *map = r->map;
    if (map->sections_count == 0)
        return fail(r, "%s", "the map fills no table");
    for (int s = 0; s < map->sections_count; s++) {
        const map_section *section = &map->sections[s];
        for (int c = 0; c < section->table->columns_count; c++) {
            bool filled = false;
            for (int i = 0; i < section->columns_count; i++)
                filled |= section->columns[i].column == c;
            if ((section->table->columns[c].flags & DBK_REQUIRED) && !filled) {
                char what[120];
                snprintf(what, sizeof what, "[%s] does not fill %s", section->table->name,
                         section->table->columns[c].name);
                return fail(r, "%s, which is required", what);
            }
        }
    }
    return true;
}

dbk_status dbk_map_parse(dbk_map **out, const char *text, size_t size, const char *name, dbk_error *err)
{
    *out = NULL;
    dbk_map *map = calloc(1, sizeof *map);
    if (!map)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory for the map %s", name);
    map_reader r = {.map = map, .name = name, .at = text, .end = text + size, .err = err};
    if (size > MAP_FILE_MAX || (size && memchr(text, 0, size)) || dbk_utf8_invalid_at(text, size) < size)
        r.status = dbk_fail(err, DBK_INVALID, "%s is no map: maps are texts in UTF-8 of at most 1 MiB", name);
    if (r.status == DBK_OK) {
        int line = ini_parse_stream(next_line, &r, on_line, &r);
        if (line != 0 && r.status == DBK_OK) {
            r.line = line > 0 ? line : r.line;
            fail(&r, "%s", "neither [section] nor name = value");
        }
        if (r.status == DBK_OK)
            check_sections(&r);
    }
    if (r.status != DBK_OK) {
        dbk_map_destroy(map);
        return r.status;
    }
    for (int i = 0; i < map->sources_count; i++) {
        if (!map->sources[i].time_pattern)
            map->sources[i].time_pattern = map->time_pattern;
    }
    *out = map;
    return DBK_OK;
}

dbk_status dbk_map_load(dbk_map **out, const char *path, dbk_error *err)
{
    *out = NULL;
    dbk_buffer text = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return dbk_fail(err, errno == ENOENT ? DBK_NOT_FOUND : DBK_IO, "cannot open the map %s: %s", path,
                        strerror(errno));
    dbk_status status = DBK_OK;
    for (;;) {
        uint8_t *room = text.size <= MAP_FILE_MAX ? dbk_buffer_reserve(&text, 65536) : NULL;
        ssize_t got = room ? read(fd, room, 65536) : 0;
        if (got < 0)
            status = dbk_fail(err, DBK_IO, "cannot read the map %s: %s", path, strerror(errno));
        if (got <= 0)
            break;
        text.size += (size_t)got;
    }
    close(fd);
    if (status == DBK_OK && text.failed)
        status = dbk_fail(err, DBK_NO_MEMORY, "out of memory for the map %s", path);
    if (status == DBK_OK)
        status = dbk_map_parse(out, (const char *)text.data, text.size, path, err);
    dbk_buffer_dispose(&text);
    return status;
}

void dbk_map_destroy(dbk_map *map)
{
    if (!map)
        return;
    dbk_arena_dispose(&map->arena);
    free(map);
}
