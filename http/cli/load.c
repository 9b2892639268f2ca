// SPDX-License-Identifier: Apache-2.0
// daybook load
#include "ingest/load.h"

#include "engine/base/pages.h"
#include "http/cli/cli.h"
#include "http/cli/options.h"
#include "http/cli/progress.h"
#include "http/cli/remote_sink.h"
#include "http/json/writer.h"
#include "ingest/parse/map.h"

#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] = "usage: daybook load --data DIR --tenant T --table TABLE FILE...\n"
                           "       daybook load --data DIR --tenant T --map MAP FILE...\n"
                           "       daybook load --url URL --key KEY (--table TABLE | --map MAP) FILE...\n\n"
                           "Loads CSV or NDJSON; \"-\" is standard input, gzip is unpacked. "
                           "A row whose id exists replaces\n"
                           "it, so loading a file again changes nothing.\n\n"
                           "  --format csv|ndjson  when the name does not say it\n"
                           "  --timezone Z         of times without an offset (default UTC)\n"
                           "  --ignore-unknown     pass over columns that the table does not have\n"
                           "  --dry-run            check and count, store nothing\n"
                           "  --threads N          that work (default: one a processor)\n"
                           "  --json               the totals as JSON on stdout\n\n"
                           "Rejected rows are reported as file:line:column: reason and kept in FILE.rejects. "
                           "Exit code 3 when there are any.\n"
                           "A file that is not CSV or NDJSON is refused whole: nothing of it is stored.\n";

enum { REJECTS_SHOWN = 20 };

typedef struct arguments {
    const char *directory, *tenant, *url, *key, *table, *map;
    bool json;
    dbk_load_options load;
} arguments;

typedef struct talk {
    dbk_progress progress;
    uint64_t rejects;
} talk;

static void on_reject(void *user, const char *line)
{
    talk *t = user;
    if (t->rejects++ == 0)
        dbk_progress_end(&t->progress);
    if (t->rejects <= REJECTS_SHOWN)
        fprintf(stderr, "%s\n", line);
    else if (t->rejects == REJECTS_SHOWN + 1)
        fprintf(stderr, "… more rejected rows; all are in the rejects file\n");
}

static void on_progress(void *user, uint64_t done, uint64_t total, uint64_t rows)
{
    dbk_progress_update(&((talk *)user)->progress, done, total, rows);
}

static int set_format(arguments *a, const char *name)
{
    if (strcmp(name, "csv") == 0)
        a->load.format = DBK_FORMAT_CSV;
    else if (strcmp(name, "ndjson") == 0)
        a->load.format = DBK_FORMAT_NDJSON;
    else
        return dbk_cli_usage_error("load", "--format is csv or ndjson, not \"%s\"", name);
    return -1;
}

static int check(arguments *a, int files)
{
    if (!a->directory == !a->url)
        return dbk_cli_usage_error("load", "--data DIR, or --url URL with --key KEY, says where to");
    if (a->url && !a->key)
        return dbk_cli_usage_error("load", "--url needs --key KEY (with the scope ingest:write)");
    if (a->directory && !a->tenant)
        return dbk_cli_usage_error("load", "--tenant T is needed with --data");
    if (!a->table == !a->map)
        return dbk_cli_usage_error("load", "one of --table TABLE and --map FILE is needed");
    if (a->table) {
        a->load.table = dbk_table_def_by_name(dbk_text_from(a->table));
        if (!a->load.table || a->load.table->system) {
            dbk_cli_fail(DBK_EXIT_USAGE, "there is no table \"%s\"; the tables are:", a->table);
            for (int id = 1; id < DBK_TABLE_END; id++)
                if (!dbk_table_def_by_id(id)->system)
                    fprintf(stderr, "  %s\n", dbk_table_def_by_id(id)->name);
            return DBK_EXIT_USAGE;
        }
    }
    if (files == 0)
        return dbk_cli_usage_error("load", "no file was named (\"-\" is standard input)");
    return -1;
}

// Negative: go on; else the exit code.
static int read_arguments(int argc, char **argv, arguments *a)
{
    const char *format = NULL, *zone = NULL, *threads = NULL;
    const dbk_cli_option options[] = {{"data", .text = &a->directory},
                                      {"tenant", .text = &a->tenant},
                                      {"table", .text = &a->table},
                                      {"map", .text = &a->map},
                                      {"url", .text = &a->url},
                                      {"key", .text = &a->key},
                                      {"format", .text = &format},
                                      {"timezone", .text = &zone},
                                      {"threads", .text = &threads},
                                      {"ignore-unknown", .flag = &a->load.ignore_unknown},
                                      {"dry-run", .flag = &a->load.dry_run},
                                      {"json", .flag = &a->json},
                                      {0}};
    int code = dbk_cli_read_options(argc, argv, help, options);
    if (code >= 0)
        return code;
    int64_t number;
    dbk_error err;
    if (format != NULL && (code = set_format(a, format)) >= 0)
        return code;
    if (zone != NULL && dbk_zone_load(zone, &a->load.zone, &err) != DBK_OK)
        return dbk_cli_usage_error("load", "%s", err.message);
    if (threads != NULL && !dbk_cli_number(threads, 1, 64, &number))
        return dbk_cli_usage_error("load", "--threads is a whole number from 1 to 64, not \"%s\"", threads);
    a->load.threads = threads != NULL ? (int)number : a->load.threads;
    return check(a, argc - optind);
}

static void print_totals_json(const char *file, const dbk_load_totals *totals)
{
    dbk_buffer text = {0};
    dbk_out out = dbk_out_init(&text);
    dbk_out_object(&out);
    dbk_out_key(&out, "file");
    dbk_out_string(&out, file);
    dbk_out_key(&out, "rows");
    dbk_out_int(&out, (int64_t)totals->rows);
    dbk_out_key(&out, "stored");
    dbk_out_int(&out, (int64_t)totals->stored);
    dbk_out_key(&out, "rejected");
    dbk_out_int(&out, (int64_t)totals->rejected);
    dbk_out_key(&out, "tables");
    dbk_out_object(&out);
    for (int id = 1; id < DBK_TABLE_END; id++)
        if (totals->stored_in[id]) {
            dbk_out_key(&out, dbk_table_def_by_id(id)->name);
            dbk_out_int(&out, (int64_t)totals->stored_in[id]);
        }
    dbk_out_object_end(&out);
    dbk_out_object_end(&out);
    printf("%.*s\n", (int)text.size, (const char *)text.data);
    dbk_buffer_dispose(&text);
}

static void print_totals(const arguments *a, const char *file, const dbk_load_totals *totals)
{
    if (a->json) {
        print_totals_json(file, totals);
        return;
    }
    printf("%s: %llu rows, %llu %s, %llu rejected", file, (unsigned long long)totals->rows,
           (unsigned long long)totals->stored, a->load.dry_run ? "good" : "stored",
           (unsigned long long)totals->rejected);
    const char *separator = " (";
    if (a->map)
        for (int id = 1; id < DBK_TABLE_END; id++)
            if (totals->stored_in[id]) {
                printf("%s%llu %s", separator, (unsigned long long)totals->stored_in[id],
                       dbk_table_def_by_id(id)->name);
                separator = ", ";
            }
    puts(strcmp(separator, ", ") == 0 ? ")" : "");
}

// What the input says names its file already; what a parser says begins with the line.
static void tell_failure(const char *file, const dbk_error *err)
{
    const char *name = strcmp(file, "-") == 0 ? "standard input" : file;
    bool is_named = strstr(err->message, name) != NULL;
    dbk_cli_fail(DBK_EXIT_FAILED, "%s%s%s", is_named ? "" : name, is_named ? "" : ": ", err->message);
}

static dbk_status open_store(void *user, dbk_store **out, dbk_error *err)
{
    return dbk_client_opened(user, out, err);
}

// False: nothing can be loaded there, whatever else was wrong.
static bool is_open(dbk_client *client, dbk_error *err)
{
    dbk_store *store;
    return !client || !dbk_client_is_loading(client) || open_store(client, &store, err) == DBK_OK;
}

static int load_files(arguments *a, dbk_client *client, const dbk_load_sink *sink, char **files, int count)
{
    int code = DBK_EXIT_OK;
    for (int i = 0; i < count; i++) {
        talk t = {.progress = dbk_progress_begin("rows")};
        a->load.user = &t;
        dbk_load_totals totals = {0};
        dbk_error err;
        dbk_status status = dbk_load_file(&a->load, files[i], sink, &totals, &err);
        dbk_progress_end(&t.progress);
        if (status != DBK_OK && !is_open(client, &err))
            return dbk_cli_fail(DBK_EXIT_FAILED, "%s", err.message);
        if (status != DBK_OK) {
            tell_failure(files[i], &err);
            if (totals.stored)
                fprintf(stderr, "daybook: %llu rows were stored before; loading again goes on from there\n",
                        (unsigned long long)totals.stored);
            return status == DBK_IO && a->url ? DBK_EXIT_UNREACHABLE : DBK_EXIT_FAILED;
        }
        print_totals(a, files[i], &totals);
        if (totals.rejected)
            code = DBK_EXIT_REJECTS;
    }
    return code;
}

static dbk_status open_client(const arguments *a, dbk_client **client, dbk_error *err)
{
    *client = NULL;
    if (a->load.dry_run)
        return DBK_OK;
    return a->url ? dbk_client_open_url(client, a->url, a->key, err)
                  : dbk_client_open_loading(client, a->directory, err);
}

// What one batch needs the next one needs, too: it stays with the process, which is over with its files, and
// is not asked of the system page by page again. The threads share it, for what one has freed may be what
// another one asks for, and its first part lies side by side on huge pages, where there are as many
// addresses.
static void keep_memory(void)
{
    enum { AT_ONCE = 256 << 20, LATER = 1 << 20 };
    mallopt(M_MMAP_THRESHOLD, 32 << 20); // the most there is
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TOP_PAD, AT_ONCE);
    // More than there is room for, so that all of it is reserved; what is not used is never given.
    char *first = malloc(LATER);
    mallopt(M_TOP_PAD, LATER);
    const char *end = sbrk(0);
    if (first && first < end && end - first <= 2 * (ptrdiff_t)AT_ONCE)
        dbk_pages_prefer_huge(first, (size_t)(end - first));
    free(first);
}

int dbk_cli_load(int argc, char **argv)
{
    arguments a = {.load = {.write_rejects = true, .on_reject = on_reject, .on_progress = on_progress}};
    int code = read_arguments(argc, argv, &a);
    if (code >= 0)
        return code;
    keep_memory();
    dbk_error err;
    dbk_map *map = NULL;
    if (a.map && dbk_map_load(&map, a.map, &err) != DBK_OK)
        return dbk_cli_fail(DBK_EXIT_FAILED, "%s", err.message);
    a.load.map = map;
    dbk_client *client;
    if (open_client(&a, &client, &err) != DBK_OK) {
        dbk_map_destroy(map);
        return dbk_cli_fail(DBK_EXIT_FAILED, "%s", err.message);
    }
    dbk_load_sink sink = {0};
    dbk_load_store local = {.tenant = dbk_text_from(a.tenant), .open = open_store};
    dbk_remote_sink remote = {.client = client, .tenant = a.url ? NULL : a.tenant};
    if (client && dbk_client_is_loading(client)) {
        local.user = client;
        sink = dbk_load_store_sink(&local);
    } else if (client) {
        sink = dbk_remote_sink_of(&remote);
    }
    code = load_files(&a, client, &sink, argv + optind, argc - optind);
    dbk_client_close(client);
    dbk_map_destroy(map);
    return code;
}
