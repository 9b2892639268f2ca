// SPDX-License-Identifier: Apache-2.0
// A few lanes to the disk, each with files that it keeps open.
#include "ingest/store/segment_files.h"

#include <pthread.h>
#include <stdlib.h>

#include "ingest/store/files.h"

// More reads at a time than a disk has any use for, and 256 descriptors at most.
enum { LANES = 16, FILES_EACH = 16 };

typedef struct open_file {
    uint64_t segment;
    dbk_file file;
    uint64_t used; // when, in uses of the lane
} open_file;

typedef struct lane {
    dbk_io *io; // NULL until the lane is first needed
    bool is_busy;
    bool is_stale; // a file that it has open was given up meanwhile
    uint64_t uses;
    int count;
    open_file files[FILES_EACH];
} lane;

struct dbk_segment_files {
    dbk_open_io open;
    void *user;
    pthread_mutex_t lock; // of all but what is in a busy lane
    pthread_cond_t idle;
    lane lanes[LANES];

    // The checkpoint's alone: files to be removed once nobody reads them.
    uint64_t *doomed;
    size_t doomed_count, doomed_capacity;
};

// ---- Lanes ----

static void close_files(lane *l)
{
    for (int i = 0; i < l->count; i++)
        l->io->backend->close(l->io, l->files[i].file);
    l->count = 0;
    l->is_stale = false;
}

static void close_lane(lane *l)
{
    if (!l->io)
        return;
    close_files(l);
    dbk_io_close(l->io);
    l->io = NULL;
}

static bool has_open(const lane *l, uint64_t segment)
{
    for (int i = 0; i < l->count; i++)
        if (l->files[i].segment == segment)
            return true;
    return false;
}

// Under the lock: an idle lane, best one that has the file open, else one that has a dbk_io. NULL: all are
// busy.
static lane *choose(dbk_segment_files *files, uint64_t segment)
{
    lane *found = NULL;
    for (int i = 0; i < LANES; i++) {
        lane *l = &files->lanes[i];
        if (l->is_busy)
            continue;
        if (l->io && has_open(l, segment))
            return l;
        if (!found || (!found->io && l->io))
            found = l;
    }
    return found;
}

static lane *borrow(dbk_segment_files *files, uint64_t segment)
{
    lane *l;
    pthread_mutex_lock(&files->lock);
    while (!(l = choose(files, segment)))
        pthread_cond_wait(&files->idle, &files->lock);
    l->is_busy = true;
    pthread_mutex_unlock(&files->lock);
    return l;
}

static void give_back(dbk_segment_files *files, lane *l)
{
    pthread_mutex_lock(&files->lock);
    if (l->is_stale)
        close_files(l);
    l->is_busy = false;
    pthread_cond_signal(&files->idle);
    pthread_mutex_unlock(&files->lock);
}

// ---- Reading ----

static dbk_status open_file_of(lane *l, uint64_t segment, open_file *place, dbk_error *err)
{
    dbk_file_name name = dbk_file_name_make(DBK_FILE_SEGMENT, segment);
    dbk_status status = l->io->backend->open(l->io, name.text, DBK_OPEN_READ, &place->file, err);
    place->segment = segment;
    if (status == DBK_NOT_FOUND)
        return dbk_fail(
            err, DBK_CORRUPT,
            "the file is missing though the directory needs it; restore it or the whole directory "
            "from a backup");
    return status;
}

// The file, opened in the place of the one that was not used for longest when the lane has enough.
static dbk_status obtain(lane *l, uint64_t segment, open_file **out, dbk_error *err)
{
    open_file *oldest = &l->files[0];
    for (int i = 0; i < l->count; i++) {
        *out = &l->files[i];
        if ((*out)->segment == segment)
            return DBK_OK;
        if ((*out)->used < oldest->used)
            oldest = *out;
    }
    if (l->count == FILES_EACH) {
        l->io->backend->close(l->io, oldest->file);
        *oldest = l->files[--l->count];
    }
    *out = &l->files[l->count];
    DBK_TRY(open_file_of(l, segment, *out, err));
    l->count++;
    return DBK_OK;
}

static dbk_status read_through(dbk_segment_files *files, lane *l, uint64_t segment, void *to, size_t size,
                               uint64_t offset, dbk_error *err)
{
    open_file *file;
    if (!l->io)
        DBK_TRY(files->open(files->user, &l->io, err));
    DBK_TRY(obtain(l, segment, &file, err));
    file->used = ++l->uses;
    return dbk_io_read(l->io, file->file, to, size, offset, err);
}

static dbk_status read_piece(void *user, uint64_t segment, void *to, size_t size, uint64_t offset,
                             dbk_error *err)
{
    dbk_segment_files *files = user;
    lane *l = borrow(files, segment);
    dbk_status status = read_through(files, l, segment, to, size, offset, err);
    // Whatever went wrong, the next read begins anew.
    if (status != DBK_OK)
        close_lane(l);
    give_back(files, l);
    return status;
}

static void blame(void *user, uint64_t segment, dbk_error *err)
{
    (void)user;
    (void)dbk_file_blame(DBK_FILE_SEGMENT, segment, err->status, err);
}

static void gone(void *user, uint64_t segment)
{
    dbk_segment_files *files = user;
    pthread_mutex_lock(&files->lock);
    for (int i = 0; i < LANES; i++) {
        lane *l = &files->lanes[i];
        if (l->is_busy)
            l->is_stale = true; // whatever it has open
        else if (l->io && has_open(l, segment))
            close_files(l);
    }
    pthread_mutex_unlock(&files->lock);
}

// ---- Files that nothing names ----

static void remove_file(dbk_io *io, uint64_t segment)
{
    (void)io->backend->remove(io, dbk_file_name_make(DBK_FILE_SEGMENT, segment).text, NULL);
}

// False: memory is out.
static bool doom(dbk_segment_files *files, uint64_t segment)
{
    if (files->doomed_count == files->doomed_capacity) {
        size_t capacity = files->doomed_capacity ? 2 * files->doomed_capacity : 16;
        uint64_t *grown = realloc(files->doomed, capacity * sizeof *grown);
        if (!grown)
            return false;
        files->doomed = grown;
        files->doomed_capacity = capacity;
    }
    files->doomed[files->doomed_count++] = segment;
    return true;
}

void dbk_segment_files_discard(dbk_segment_files *files, dbk_cold *cold, dbk_io *io, uint64_t segment)
{
    if (!files || !cold || !dbk_cold_holds(cold, segment))
        remove_file(io, segment);
    else
        (void)doom(files, segment); // else the next opening removes it
}

void dbk_segment_files_tidy(dbk_segment_files *files, dbk_cold *cold, dbk_io *io)
{
    size_t kept = 0;
    if (!files)
        return;
    for (size_t i = 0; i < files->doomed_count; i++) {
        if (cold && dbk_cold_holds(cold, files->doomed[i]))
            files->doomed[kept++] = files->doomed[i];
        else
            remove_file(io, files->doomed[i]);
    }
    files->doomed_count = kept;
}

// ---- Made and gone ----

dbk_status dbk_segment_files_create(dbk_segment_files **out, dbk_open_io open, void *user, dbk_error *err)
{
    dbk_segment_files *files = calloc(1, sizeof *files);
    if (!files)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory");
    files->open = open;
    files->user = user;
    pthread_mutex_init(&files->lock, NULL);
    pthread_cond_init(&files->idle, NULL);
    *out = files;
    return DBK_OK;
}

void dbk_segment_files_destroy(dbk_segment_files *files)
{
    if (!files)
        return;
    for (int i = 0; i < LANES; i++)
        close_lane(&files->lanes[i]);
    pthread_cond_destroy(&files->idle);
    pthread_mutex_destroy(&files->lock);
    free(files->doomed);
    free(files);
}

dbk_segment_source dbk_segment_files_source(dbk_segment_files *files)
{
    return (dbk_segment_source){read_piece, blame, gone, files};
}
