// SPDX-License-Identifier: Apache-2.0
// Names of files, and the few ways in which whole files are read and written.
#include "ingest/store/files.h"

#include "engine/segment/segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const prefixes[DBK_FILE_KINDS] = {
    [DBK_FILE_MANIFEST] = "manifest-", [DBK_FILE_LOG] = "log-",     [DBK_FILE_SEGMENT] = "seg-",
    [DBK_FILE_WORDS] = "words-",       [DBK_FILE_STATE] = "state-", [DBK_FILE_CLOSED] = "closed-",
};

dbk_file_name dbk_file_name_make(dbk_file_kind kind, uint64_t number)
{
    dbk_file_name name;
    snprintf(name.text, sizeof(name.text), "%s%016" PRIx64, prefixes[kind], number);
    return name;
}

bool dbk_file_name_parse(const char *name, dbk_file_kind *kind, uint64_t *number)
{
    for (int k = 0; k < DBK_FILE_KINDS; k++) {
        size_t prefix = strlen(prefixes[k]);
        if (strncmp(name, prefixes[k], prefix) != 0)
            continue;
        const char *digits = name + prefix;
        uint64_t value = 0;
        size_t count = 0;
        for (; digits[count]; count++) {
            char c = digits[count];
            int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
            if (digit < 0 || count == 16)
                return false;
            value = value << 4 | (uint64_t)digit;
        }
        if (count != 16)
            return false;
        *kind = (dbk_file_kind)k;
        *number = value;
        return true;
    }
    return false;
}

static void collect(void *user, const char *name)
{
    dbk_file_list *list = user;
    dbk_file_kind kind;
    uint64_t number;
    if (list->failed || !dbk_file_name_parse(name, &kind, &number))
        return;
    if (list->counts[kind] == list->capacities[kind]) {
        size_t capacity = list->capacities[kind] ? 2 * list->capacities[kind] : 8;
        uint64_t *grown = realloc(list->numbers[kind], capacity * sizeof(*grown));
        if (!grown) {
            list->failed = true;
            return;
        }
        list->numbers[kind] = grown;
        list->capacities[kind] = capacity;
    }
    list->numbers[kind][list->counts[kind]++] = number;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

dbk_status dbk_file_list_read(dbk_file_list *list, dbk_io *io, dbk_error *err)
{
    memset(list, 0, sizeof(*list));
    dbk_status status = io->backend->list(io, collect, list, err);
    if (status == DBK_OK && list->failed)
        status = dbk_fail(err, DBK_NO_MEMORY, "out of memory listing the data directory");
    if (status != DBK_OK) {
        dbk_file_list_dispose(list);
        return status;
    }
    for (int k = 0; k < DBK_FILE_KINDS; k++)
        if (list->counts[k])
            qsort(list->numbers[k], list->counts[k], sizeof(uint64_t), by_number);
    return DBK_OK;
}

void dbk_file_list_dispose(dbk_file_list *list)
{
    for (int k = 0; k < DBK_FILE_KINDS; k++)
        free(list->numbers[k]);
    memset(list, 0, sizeof(*list));
}

bool dbk_file_list_has(const dbk_file_list *list, dbk_file_kind kind, uint64_t number)
{
    return list->counts[kind] &&
           bsearch(&number, list->numbers[kind], list->counts[kind], sizeof(uint64_t), by_number) != NULL;
}

dbk_status dbk_file_blame(dbk_file_kind kind, uint64_t number, dbk_status status, dbk_error *err)
{
    if (err) {
        char story[sizeof(err->message)];
        memcpy(story, err->message, sizeof(story));
        dbk_file_name name = dbk_file_name_make(kind, number);
        snprintf(err->message, sizeof(err->message), "%s: %.470s", name.text, story);
        err->status = status;
    }
    return status;
}

dbk_open_mode dbk_file_mode(dbk_file_kind kind, size_t size)
{
    return kind == DBK_FILE_SEGMENT && size >= DBK_SEGMENT_LARGE ? DBK_OPEN_CREATE_ONCE : DBK_OPEN_CREATE;
}

dbk_status dbk_file_write_new(dbk_io *io, dbk_file_kind kind, uint64_t number, const void *data, size_t size,
                              bool again, dbk_error *err)
{
    dbk_file_name name = dbk_file_name_make(kind, number);
    if (again)
        (void)io->backend->remove(io, name.text, NULL);
    dbk_status status = dbk_io_write_file(io, name.text, dbk_file_mode(kind, size), data, size, err);
    if (status == DBK_OK)
        return DBK_OK;
    (void)io->backend->remove(io, name.text, NULL);
    return dbk_file_blame(kind, number, status, err);
}

static dbk_status read_outcome(dbk_file_kind kind, uint64_t number, dbk_status status, dbk_error *err)
{
    if (status == DBK_OK)
        return DBK_OK;
    if (status == DBK_NOT_FOUND)
        return dbk_fail(
            err, DBK_CORRUPT,
            "%s is missing though the directory needs it; restore it or the whole directory from a "
            "backup",
            dbk_file_name_make(kind, number).text);
    return dbk_file_blame(kind, number, status, err);
}

dbk_status dbk_file_read_named(dbk_io *io, dbk_file_kind kind, uint64_t number, size_t slack, void **out,
                               size_t *size, dbk_error *err)
{
    dbk_file_name name = dbk_file_name_make(kind, number);
    return read_outcome(kind, number, dbk_io_read_file(io, name.text, slack, out, size, err), err);
}

dbk_status dbk_file_read_pieces(dbk_io *io, dbk_file_kind kind, uint64_t number, size_t length,
                                const dbk_io_window *window, dbk_io_piece piece, void *user, size_t *size,
                                dbk_error *err)
{
    dbk_file_name name = dbk_file_name_make(kind, number);
    return read_outcome(kind, number,
                        dbk_io_read_pieces(io, name.text, length, window, piece, user, size, err), err);
}

dbk_status dbk_file_sync_existing(dbk_io *io, dbk_file_kind kind, uint64_t number, dbk_error *err)
{
    dbk_file_name name = dbk_file_name_make(kind, number);
    dbk_file file;
    DBK_TRY(io->backend->open(io, name.text, DBK_OPEN_WRITE, &file, err));
    dbk_status status = dbk_io_sync(io, file, err);
    io->backend->close(io, file);
    return status == DBK_OK ? DBK_OK : dbk_file_blame(kind, number, status, err);
}
