// SPDX-License-Identifier: Apache-2.0
// Two files beside the input: the rows as they were, and why; made when the first reject comes.
#include "ingest/load_rejects.h"

#include "ingest/parse/csv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *shown_name(const dbk_load_rejects *rejects)
{
    return strcmp(rejects->path, "-") == 0 ? "stdin" : rejects->path;
}

static void *open_beside(dbk_load_rejects *rejects, const char *suffix)
{
    char path[4200];
    int length = snprintf(path, sizeof path, "%s%s", shown_name(rejects), suffix);
    FILE *file = length < (int)sizeof path ? fopen(path, "we") : NULL;
    rejects->failed |= !file;
    return file;
}

static void open_files(dbk_load_rejects *rejects)
{
    rejects->rows = open_beside(rejects, ".rejects");
    rejects->reasons = open_beside(rejects, ".rejects.txt");
    const dbk_buffer *header = &rejects->plan->header;
    if (rejects->rows && header->size > 0) {
        fwrite(header->data, 1, header->size, rejects->rows);
        if (header->data[header->size - 1] != '\n')
            fputc('\n', rejects->rows);
    }
}

void dbk_load_rejects_add(dbk_load_rejects *rejects, const dbk_reject *reject, dbk_text row)
{
    char line[1024];
    const char *name = reject->column_name ? reject->column_name : "";
    const char *colon = *name ? ": " : "";
    unsigned long long at = reject->line;
    if (rejects->options->on_reject) {
        snprintf(line, sizeof line, "%s:%llu:%u: %s%s%s", shown_name(rejects), at, reject->column, name,
                 colon, reject->reason);
        rejects->options->on_reject(rejects->options->user, line);
    }
    rejects->count++;
    if (!rejects->options->write_rejects || rejects->options->dry_run || rejects->failed)
        return;
    if (!rejects->rows)
        open_files(rejects);
    if (rejects->failed)
        return;
    if (row.data) {
        fwrite(row.data, 1, row.length, rejects->rows);
        fputc('\n', rejects->rows);
    }
    fprintf(rejects->reasons, "%llu:%u: %s%s%s\n", at, reject->column, name, colon, reject->reason);
}

typedef struct search {
    dbk_load_rejects *rejects;
    const dbk_reject *next, *end;
} search;

static void take_row(search *s, uint64_t line, dbk_text row)
{
    if (s->next < s->end && s->next->line == line) {
        dbk_load_rejects_add(s->rejects, s->next, row);
        s->next++;
    }
}

static dbk_status on_csv_row(void *user, const dbk_csv_row *row, dbk_error *err)
{
    (void)err;
    take_row(user, row->line, row->raw);
    return DBK_OK;
}

typedef struct line_search {
    search *rows;
    dbk_buffer begun; // a line whose end has not come yet
    uint64_t line;
} line_search;

// NDJSON has no quotes over lines; a quote in its strings is escaped in a way that CSV would misread.
static dbk_status feed_lines(line_search *s, const char *at, size_t size, dbk_error *err)
{
    const char *end = at + size;
    while (at < end) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        dbk_buffer_append(&s->begun, at, (size_t)((feed ? feed : end) - at));
        if (s->begun.failed)
            return dbk_fail(err, DBK_NO_MEMORY, "out of memory for writing rejects");
        if (!feed)
            return DBK_OK;
        take_row(s->rows, s->line++, (dbk_text){(const char *)s->begun.data, (uint32_t)s->begun.size});
        s->begun.size = 0;
        at = feed + 1;
    }
    return DBK_OK;
}

dbk_status dbk_load_rejects_find(dbk_load_rejects *rejects, dbk_input *input, const dbk_reject *found,
                                 size_t count, dbk_error *err)
{
    enum { BLOCK = 1 << 18 };
    search s = {rejects, found, found + count};
    line_search lines = {.rows = &s, .line = 1};
    dbk_csv *csv = dbk_csv_create(1, on_csv_row, &s);
    char *block = malloc(BLOCK);
    dbk_status status = dbk_input_rewind(input, err);
    if (!csv || !block)
        status = dbk_fail(err, DBK_NO_MEMORY, "out of memory for writing rejects");
    size_t got = 1;
    while (status == DBK_OK && got > 0 && s.next < s.end) {
        status = dbk_input_read(input, block, BLOCK, &got, err);
        if (status == DBK_OK && rejects->plan->format == DBK_FORMAT_NDJSON)
            status = feed_lines(&lines, got ? block : "\n", got ? got : 1, err);
        else if (status == DBK_OK)
            status = got ? dbk_csv_feed(csv, block, got, err) : dbk_csv_finish(csv, err);
    }
    // What the file no longer has is reported all the same.
    while (status == DBK_OK && s.next < s.end)
        take_row(&s, s.next->line, (dbk_text){NULL, 0});
    dbk_csv_destroy(csv);
    dbk_buffer_dispose(&lines.begun);
    free(block);
    return status;
}

dbk_status dbk_load_rejects_close(dbk_load_rejects *rejects, dbk_error *err)
{
    FILE *files[] = {rejects->rows, rejects->reasons};
    for (int i = 0; i < 2; i++) {
        if (files[i])
            rejects->failed |= fclose(files[i]) != 0;
    }
    rejects->rows = rejects->reasons = NULL;
    return rejects->failed
               ? dbk_fail(err, DBK_IO, "cannot write %s.rejects: %s", shown_name(rejects), strerror(errno))
               : DBK_OK;
}

void dbk_load_rejects_drop(dbk_load_rejects *rejects)
{
    static const char *const suffixes[] = {".rejects", ".rejects.txt"};
    const bool has_files = rejects->rows || rejects->reasons;
    (void)dbk_load_rejects_close(rejects, NULL);
    for (int i = 0; i < 2 && has_files; i++) {
        char path[4200];
        if (snprintf(path, sizeof path, "%s%s", shown_name(rejects), suffixes[i]) < (int)sizeof path)
            (void)remove(path);
    }
}
