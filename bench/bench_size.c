// SPDX-License-Identifier: Apache-2.0
// What is a data directory made of, and what does it cost to make its segments? Reads every segment file of a
// directory that nobody changes meanwhile and answers, as one line of JSON, the bytes of each column by its
// encoding. With a number of rounds, it also takes the rows out of each segment, builds it again and opens
// it, and tells the least processor time of both for a row, having compared the bytes with those of the first
// build.
//
//     bench_size DIR [ROUNDS]
#include "engine/base/clock.h"
#include "engine/segment/format.h"
#include "engine/segment/segment.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ENCODINGS_MAX = 32 };

typedef struct column_sizes {
    uint64_t bytes[ENCODINGS_MAX]; // blocks by encoding
} column_sizes;

typedef struct table_sizes {
    uint64_t rows, segments, size, memory, directory, padding;
    column_sizes columns[DBK_COLUMNS_MAX];
    double build_ns, open_ns;
} table_sizes;

static table_sizes tables[DBK_TABLE_END];

static void die(const char *what)
{
    fprintf(stderr, "bench_size: %s\n", what);
    exit(1);
}

static void *room(size_t size)
{
    void *memory = malloc(size + 1);
    if (!memory)
        die("out of memory");
    return memory;
}

static double now_ns(void)
{
    return (double)dbk_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static uint8_t *file_room(size_t size)
{
    uint8_t *bytes = aligned_alloc(DBK_SEGMENT_ALIGN, dbk_segment_align(size + DBK_SEGMENT_SLACK));
    if (!bytes)
        die("out of memory");
    return bytes;
}

static uint8_t *read_file(const char *path, size_t *size)
{
    struct stat s;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &s) != 0)
        die(path);
    *size = (size_t)s.st_size;
    uint8_t *bytes = file_room(*size);
    if (fread(bytes, 1, *size, file) != *size)
        die(path);
    fclose(file);
    return bytes;
}

static dbk_segment *open_bytes(uint8_t *bytes, size_t size)
{
    dbk_segment *segment;
    dbk_error err;
    if (dbk_segment_open(bytes, size, &segment, &err) != DBK_OK)
        die(err.message);
    return segment;
}

// ---- Sizes ----

static void count_bytes(table_sizes *t, const uint8_t *bytes)
{
    dbk_segment_header header;
    memcpy(&header, bytes, sizeof header);
    uint64_t used = sizeof header + header.columns * sizeof(dbk_segment_entry);
    t->directory += used;
    for (uint32_t c = 0; c < header.columns; c++) {
        dbk_segment_entry entry;
        memcpy(&entry, bytes + sizeof header + c * sizeof entry, sizeof entry);
        t->columns[c].bytes[entry.encoding] += entry.size;
        used += entry.size;
    }
    t->padding += header.size - used;
}

// ---- Making segments anew ----

static dbk_text *take_texts(const dbk_segment *segment, int column, dbk_arena *arena)
{
    const uint32_t rows = dbk_segment_rows(segment);
    dbk_text *texts = dbk_arena_alloc(arena, rows * sizeof *texts);
    dbk_text_scratch *scratch = calloc(1, sizeof *scratch);
    for (uint32_t v = 0; v < dbk_vectors(rows); v++) {
        if (!texts || !scratch || dbk_segment_texts(segment, column, v, scratch) != DBK_OK)
            die("out of memory");
        for (uint32_t i = 0; i < dbk_vector_rows(rows, v); i++) {
            const dbk_text text = scratch->texts[i];
            texts[v * DBK_VECTOR_ROWS + i] =
                (dbk_text){dbk_arena_copy(arena, text.data, text.length), text.length};
        }
    }
    dbk_text_scratch_dispose(scratch);
    free(scratch);
    return texts;
}

static dbk_segment_input take_rows(const dbk_segment *segment, dbk_arena *arena)
{
    const uint32_t rows = dbk_segment_rows(segment), room_rows = dbk_vectors(rows) * DBK_VECTOR_ROWS;
    dbk_segment_input input = {
        .table = dbk_segment_table(segment), .id = dbk_segment_id(segment), .rows = rows};
    for (int c = 0; c < input.table->columns_count; c++) {
        const dbk_type type = input.table->columns[c].type;
        int64_t *ints = dbk_type_is_int(type) ? dbk_arena_alloc(arena, room_rows * sizeof *ints) : NULL;
        uint32_t *codes = type == DBK_CODE ? dbk_arena_alloc(arena, room_rows * sizeof *codes) : NULL;
        for (uint32_t v = 0; v < dbk_vectors(rows); v++) {
            if (ints)
                dbk_segment_ints(segment, c, v, ints + v * DBK_VECTOR_ROWS);
            if (codes)
                dbk_segment_codes(segment, c, v, codes + v * DBK_VECTOR_ROWS);
        }
        input.ints[c] = ints;
        input.codes[c] = codes;
        input.texts[c] = type == DBK_TEXT ? take_texts(segment, c, arena) : NULL;
    }
    return input;
}

static void build_again(table_sizes *t, const dbk_segment *segment, int rounds)
{
    dbk_arena arena = {0};
    const dbk_segment_input input = take_rows(segment, &arena);
    dbk_segment *first = NULL;
    double build = 1e18, open = 1e18;
    for (int i = 0; i < rounds; i++) {
        dbk_segment *built;
        dbk_error err;
        double start = now_ns();
        if (dbk_segment_build(&input, &built, &err) != DBK_OK)
            die(err.message);
        double took = now_ns() - start;
        build = took < build ? took : build;

        size_t size;
        const void *bytes = dbk_segment_bytes(built, &size);
        uint8_t *copy = file_room(size);
        memcpy(copy, bytes, size);
        start = now_ns();
        dbk_segment_free(open_bytes(copy, size));
        took = now_ns() - start;
        open = took < open ? took : open;

        size_t first_size = size;
        if (first && (memcmp(dbk_segment_bytes(first, &first_size), bytes, size) != 0 || first_size != size))
            die("two builds of the same rows differ");
        if (first)
            dbk_segment_free(built);
        else
            first = built;
    }
    t->build_ns += build;
    t->open_ns += open;
    dbk_segment_free(first);
    dbk_arena_dispose(&arena);
}

static void look_at(const char *path, int rounds)
{
    size_t size;
    uint8_t *bytes = read_file(path, &size);
    dbk_segment *segment = open_bytes(bytes, size);
    table_sizes *t = &tables[dbk_segment_table(segment)->id];
    t->rows += dbk_segment_rows(segment);
    t->segments++;
    t->size += size;
    t->memory += dbk_segment_memory(segment);
    count_bytes(t, bytes);
    if (rounds > 0)
        build_again(t, segment, rounds);
    dbk_segment_free(segment);
}

// ---- The answer ----

static const char *encoding_name(int encoding)
{
    static const char *const names[] = {
        [DBK_ENCODING_ABSENT] = "absent",   [DBK_ENCODING_CONSTANT] = "constant",
        [DBK_ENCODING_PACKED] = "packed",   [DBK_ENCODING_RADIX] = "radix",
        [DBK_ENCODING_DECIMAL] = "decimal", [DBK_ENCODING_FRAMES] = "frames",
        [DBK_ENCODING_DERIVED] = "derived", [DBK_ENCODING_ASCENDING] = "ascending",
        [DBK_ENCODING_SPLIT] = "split"};
    return encoding < (int)DBK_COUNT(names) && names[encoding] ? names[encoding] : "other";
}

static void print_column(const dbk_table_def *def, int c, const column_sizes *sizes)
{
    uint64_t sum = 0;
    for (int e = 0; e < ENCODINGS_MAX; e++)
        sum += sizes->bytes[e];
    printf("%s{\"column\":\"%s\",\"bytes\":%llu,\"encodings\":{", c ? "," : "", def->columns[c].name,
           (unsigned long long)sum);
    const char *comma = "";
    for (int e = 0; e < ENCODINGS_MAX; e++) {
        if (sizes->bytes[e] == 0)
            continue;
        printf("%s\"%s\":%llu", comma, encoding_name(e), (unsigned long long)sizes->bytes[e]);
        comma = ",";
    }
    printf("}}");
}

static void print_table(int id, const char *comma)
{
    const table_sizes *t = &tables[id];
    const dbk_table_def *def = dbk_table_def_by_id(id);
    printf("%s{\"table\":\"%s\",\"rows\":%llu,\"segments\":%llu,\"bytes\":%llu,\"memory\":%llu,"
           "\"directories\":%llu,\"padding\":%llu,",
           comma, def->name, (unsigned long long)t->rows, (unsigned long long)t->segments,
           (unsigned long long)t->size, (unsigned long long)t->memory, (unsigned long long)t->directory,
           (unsigned long long)t->padding);
    if (t->build_ns > 0)
        printf("\"buildNsPerRow\":%.1f,\"openNsPerRow\":%.1f,", t->build_ns / (double)t->rows,
               t->open_ns / (double)t->rows);
    printf("\"columns\":[");
    for (int c = 0; c < def->columns_count; c++)
        print_column(def, c, &t->columns[c]);
    printf("]}");
}

int main(int argc, char **argv)
{
    DIR *directory = argc > 1 ? opendir(argv[1]) : NULL;
    if (!directory) {
        fprintf(stderr, "usage: bench_size DIR [ROUNDS]\n");
        return 2;
    }
    const int rounds = argc > 2 ? atoi(argv[2]) : 0;
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        if (strncmp(entry->d_name, "seg-", 4) != 0)
            continue;
        const size_t length = strlen(argv[1]) + strlen(entry->d_name) + 2;
        char *path = room(length);
        snprintf(path, length, "%s/%s", argv[1], entry->d_name);
        look_at(path, rounds);
        free(path);
    }
    closedir(directory);
    printf("[");
    const char *comma = "";
    for (int id = 1; id < DBK_TABLE_END; id++) {
        if (tables[id].rows == 0)
            continue;
        print_table(id, comma);
        comma = ",";
    }
    printf("]\n");
    return 0;
}
