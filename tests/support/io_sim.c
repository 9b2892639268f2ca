// SPDX-License-Identifier: Apache-2.0
// A disk in memory that keeps what was written apart from what was synced.
#include "tests/support/io_sim.h"

#include "tests/support/scarce.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512, NAME_MAX_BYTES = 64 };

typedef struct sim_file {
    char name[NAME_MAX_BYTES];
    bool exists;         // what a program sees now
    bool exists_durable; // what a crash is sure to leave
    uint8_t *now, *durable;
    size_t now_size, durable_size, capacity;
    uint8_t *dirty; // one byte a sector: written since the last sync
} sim_file;

struct sim_disk {
    sim_file **files;
    size_t files_count, files_capacity;
    uint64_t steps;
    sim_hook hook;
    void *hook_user;
    pthread_mutex_t mutex; // over the fault: reads of several threads may meet it
    sim_fault fault;
    uint64_t fault_in;
    bool fault_forever;
};

typedef struct sim_io {
    dbk_io base;
    sim_disk *disk;
    sim_file **open; // by handle
    int open_count;
    dbk_io_op *done_first, *done_last;
} sim_io;

static void *need(void *memory)
{
    if (!memory) {
        fprintf(stderr, "simulated disk: out of memory\n");
        abort();
    }
    return memory;
}

static size_t sectors(size_t bytes)
{
    return (bytes + SECTOR - 1) / SECTOR;
}

// ---- Files ----

static void file_reserve(sim_file *file, size_t size)
{
    if (size <= file->capacity)
        return;
    size_t wanted = file->capacity ? file->capacity : 4096;
    while (wanted < size)
        wanted *= 2;
    file->now = need(scarce_spare_realloc(file->now, wanted));
    file->durable = need(scarce_spare_realloc(file->durable, wanted));
    file->dirty = need(scarce_spare_realloc(file->dirty, sectors(wanted)));
    memset(file->now + file->capacity, 0, wanted - file->capacity);
    memset(file->durable + file->capacity, 0, wanted - file->capacity);
    memset(file->dirty + sectors(file->capacity), 0, sectors(wanted) - sectors(file->capacity));
    file->capacity = wanted;
}

static void file_free(sim_file *file)
{
    free(file->now);
    free(file->durable);
    free(file->dirty);
    free(file);
}

static sim_file *find(const sim_disk *disk, const char *name)
{
    for (size_t i = 0; i < disk->files_count; i++)
        if (disk->files[i]->exists && strcmp(disk->files[i]->name, name) == 0)
            return disk->files[i];
    return NULL;
}

static sim_file *add(sim_disk *disk, const char *name)
{
    if (disk->files_count == disk->files_capacity) {
        disk->files_capacity = disk->files_capacity ? disk->files_capacity * 2 : 16;
        disk->files = need(scarce_spare_realloc(disk->files, disk->files_capacity * sizeof(*disk->files)));
    }
    sim_file *file = need(scarce_spare_calloc(1, sizeof(*file)));
    assert(strlen(name) < NAME_MAX_BYTES);
    strcpy(file->name, name);
    disk->files[disk->files_count++] = file;
    return file;
}

sim_disk *sim_disk_create(void)
{
    sim_disk *disk = need(scarce_spare_calloc(1, sizeof(*disk)));
    pthread_mutex_init(&disk->mutex, NULL);
    return disk;
}

sim_disk *sim_disk_clone(const sim_disk *disk)
{
    sim_disk *copy = sim_disk_create();
    for (size_t i = 0; i < disk->files_count; i++) {
        const sim_file *from = disk->files[i];
        if (!from->exists && !from->exists_durable)
            continue;
        sim_file *to = add(copy, from->name);
        to->exists = from->exists;
        to->exists_durable = from->exists_durable;
        size_t size = from->now_size > from->durable_size ? from->now_size : from->durable_size;
        file_reserve(to, size);
        if (size > 0) {
            memcpy(to->now, from->now, from->now_size);
            memcpy(to->durable, from->durable, from->durable_size);
            memcpy(to->dirty, from->dirty, sectors(from->now_size));
        }
        to->now_size = from->now_size;
        to->durable_size = from->durable_size;
    }
    return copy;
}

void sim_disk_destroy(sim_disk *disk)
{
    if (!disk)
        return;
    for (size_t i = 0; i < disk->files_count; i++)
        file_free(disk->files[i]);
    free(disk->files);
    pthread_mutex_destroy(&disk->mutex);
    free(disk);
}

// ---- The bad day ----

static void crash_sector(sim_file *file, size_t sector, dbk_random *random)
{
    size_t at = sector * SECTOR;
    size_t length = file->now_size - at < SECTOR ? file->now_size - at : SECTOR;
    switch (dbk_random_below(random, 8)) {
    case 0:
    case 1:
    case 2: // whole
        memcpy(file->durable + at, file->now + at, length);
        break;
    case 3: // the first part
        memcpy(file->durable + at, file->now + at, dbk_random_below(random, length + 1));
        break;
    case 4: { // the last part
        size_t from = dbk_random_below(random, length + 1);
        memcpy(file->durable + at + from, file->now + at + from, length - from);
        break;
    }
    case 5: // garbage
        for (size_t i = 0; i < length; i++)
            file->durable[at + i] = (uint8_t)dbk_random_u64(random);
        break;
    default: // lost
        break;
    }
}

static void crash_content(sim_file *file, dbk_random *random)
{
    if (file->capacity == 0)
        return;
    if (file->now_size > file->durable_size && dbk_random_below(random, 2)) {
        // The new length reached the disk, whatever became of the bytes.
        memset(file->durable + file->durable_size, 0, file->now_size - file->durable_size);
        file->durable_size = file->now_size;
    }
    size_t count = sectors(file->now_size);
    for (size_t s = 0; s < count; s++)
        if (file->dirty[s] && s * SECTOR < file->durable_size)
            crash_sector(file, s, random);
    memset(file->dirty, 0, sectors(file->capacity));
    if (file->now_size < file->durable_size)
        file_reserve(file, file->durable_size);
    memcpy(file->now, file->durable, file->durable_size);
    file->now_size = file->durable_size;
}

void sim_disk_crash(sim_disk *disk, dbk_random *random)
{
    size_t kept = 0;
    for (size_t i = 0; i < disk->files_count; i++) {
        sim_file *file = disk->files[i];
        if (file->exists != file->exists_durable)
            file->exists = dbk_random_below(random, 2);
        // A name removed and created again while unsynced can come back once only.
        if (file->exists)
            for (size_t j = 0; j < kept; j++)
                if (strcmp(disk->files[j]->name, file->name) == 0)
                    file->exists = false;
        if (!file->exists) {
            file_free(file);
            continue;
        }
        file->exists_durable = true;
        crash_content(file, random);
        disk->files[kept++] = file;
    }
    disk->files_count = kept;
}

void sim_disk_on_step(sim_disk *disk, sim_hook hook, void *user)
{
    disk->hook = hook;
    disk->hook_user = user;
}

void sim_disk_fail(sim_disk *disk, sim_fault fault, uint64_t n, bool forever)
{
    pthread_mutex_lock(&disk->mutex);
    disk->fault = fault;
    disk->fault_in = n;
    disk->fault_forever = forever;
    pthread_mutex_unlock(&disk->mutex);
}

uint8_t *sim_disk_bytes(sim_disk *disk, const char *name, size_t *size)
{
    sim_file *file = find(disk, name);
    if (!file)
        return NULL;
    *size = file->now_size;
    return file->now;
}

size_t sim_disk_files(const sim_disk *disk)
{
    size_t count = 0;
    for (size_t i = 0; i < disk->files_count; i++)
        count += disk->files[i]->exists;
    return count;
}

const char *sim_disk_file_name(const sim_disk *disk, size_t index)
{
    for (size_t i = 0; i < disk->files_count; i++)
        if (disk->files[i]->exists && index-- == 0)
            return disk->files[i]->name;
    return NULL;
}

// ---- The backend ----

static void step(sim_disk *disk)
{
    disk->steps++;
    if (disk->hook)
        disk->hook(disk->hook_user, disk, disk->steps);
}

// Whether the armed fault strikes this operation, which is of the kind the fault is about.
static bool strikes(sim_disk *disk, sim_fault kind)
{
    pthread_mutex_lock(&disk->mutex);
    bool is_of_kind = disk->fault == kind, is_struck = is_of_kind && disk->fault_in <= 1;
    if (is_of_kind && !is_struck)
        disk->fault_in--;
    if (is_struck && !disk->fault_forever)
        disk->fault = SIM_NONE;
    pthread_mutex_unlock(&disk->mutex);
    return is_struck;
}

static dbk_status sim_open(dbk_io *base, const char *name, dbk_open_mode mode, dbk_file *out, dbk_error *err)
{
    sim_io *io = (sim_io *)base;
    sim_file *file = find(io->disk, name);
    if (mode == DBK_OPEN_CREATE || mode == DBK_OPEN_CREATE_ONCE) {
        if (file)
            return dbk_fail(err, DBK_IO, "cannot create %s: it exists", name);
        step(io->disk);
        file = add(io->disk, name);
        file->exists = true;
    } else if (!file) {
        return dbk_fail(err, DBK_NOT_FOUND, "cannot open %s: no such file", name);
    }
    io->open = need(scarce_spare_realloc(io->open, (size_t)(io->open_count + 1) * sizeof(*io->open)));
    io->open[io->open_count] = file;
    *out = io->open_count++;
    return DBK_OK;
}

static void sim_close(dbk_io *base, dbk_file file)
{
    (void)base;
    (void)file;
}

static dbk_status sim_size(dbk_io *base, dbk_file file, uint64_t *out, dbk_error *err)
{
    (void)err;
    *out = ((sim_io *)base)->open[file]->now_size;
    return DBK_OK;
}

static void file_sync(sim_file *file)
{
    for (size_t s = 0; s < sectors(file->now_size); s++) {
        if (!file->dirty[s])
            continue;
        size_t at = s * SECTOR;
        size_t length = file->now_size - at < SECTOR ? file->now_size - at : SECTOR;
        memcpy(file->durable + at, file->now + at, length);
        file->dirty[s] = 0;
    }
    file->durable_size = file->now_size;
}

static void file_write(sim_file *file, const void *data, size_t size, uint64_t offset)
{
    if (size == 0)
        return;
    file_reserve(file, offset + size);
    if (offset + size > file->now_size)
        file->now_size = offset + size;
    memcpy(file->now + offset, data, size);
    for (size_t s = offset / SECTOR; s < sectors(offset + size); s++)
        file->dirty[s] = 1;
}

static dbk_status sim_allocate(dbk_io *base, dbk_file handle, uint64_t size, dbk_error *err)
{
    sim_io *io = (sim_io *)base;
    sim_file *file = io->open[handle];
    step(io->disk);
    if (strikes(io->disk, SIM_NO_SPACE))
        return dbk_fail(err, DBK_NO_SPACE, "cannot reserve space in %s: no space left", file->name);
    // First the zeros, unsynced, so that a crash can meet a half-made file; then the sync.
    size_t old = file->now_size;
    file_reserve(file, size);
    memset(file->now + old, 0, size - old);
    for (size_t s = old / SECTOR; s < sectors(size); s++)
        file->dirty[s] = 1;
    file->now_size = size;
    step(io->disk);
    file_sync(file);
    return DBK_OK;
}

static dbk_status sim_remove(dbk_io *base, const char *name, dbk_error *err)
{
    sim_io *io = (sim_io *)base;
    sim_file *file = find(io->disk, name);
    if (!file)
        return dbk_fail(err, DBK_NOT_FOUND, "cannot remove %s: no such file", name);
    step(io->disk);
    file->exists = false;
    return DBK_OK;
}

static dbk_status sim_list(dbk_io *base, void (*visit)(void *user, const char *name), void *user,
                           dbk_error *err)
{
    (void)err;
    sim_disk *disk = ((sim_io *)base)->disk;
    for (size_t i = 0; i < disk->files_count; i++)
        if (disk->files[i]->exists)
            visit(user, disk->files[i]->name);
    return DBK_OK;
}

static dbk_status sim_sync_directory(dbk_io *base, dbk_error *err)
{
    sim_disk *disk = ((sim_io *)base)->disk;
    step(disk);
    if (strikes(disk, SIM_SYNC_FORGOTTEN))
        return DBK_OK;
    if (strikes(disk, SIM_SYNC_FAILS))
        return dbk_fail(err, DBK_IO, "cannot sync the directory: simulated failure");
    for (size_t i = 0; i < disk->files_count; i++)
        disk->files[i]->exists_durable = disk->files[i]->exists;
    return DBK_OK;
}

static void finish(sim_io *io, dbk_io_op *op, dbk_status status, int error_number)
{
    op->status = status;
    op->error_number = error_number;
    op->finished = true;
    op->next = NULL;
    if (io->done_last)
        io->done_last->next = op;
    else
        io->done_first = op;
    io->done_last = op;
}

static void sim_sync(sim_io *io, sim_file *file, dbk_io_op *op)
{
    step(io->disk);
    if (strikes(io->disk, SIM_SYNC_FORGOTTEN)) {
        finish(io, op, DBK_OK, 0);
        return;
    }
    if (strikes(io->disk, SIM_SYNC_FAILS)) {
        // What the kernel does: the pages are marked clean, reads show them, the disk never had them.
        if (file->capacity > 0)
            memset(file->dirty, 0, sectors(file->capacity));
        finish(io, op, DBK_IO, EIO);
        return;
    }
    file_sync(file);
    finish(io, op, DBK_OK, 0);
}

// A durable write is a write and a sync: what can happen to these, and between them, can happen to it.
static void sim_write(sim_io *io, sim_file *file, dbk_io_op *op)
{
    step(io->disk);
    bool grows = op->offset + op->size > file->now_size;
    if (grows && strikes(io->disk, SIM_NO_SPACE)) {
        finish(io, op, DBK_NO_SPACE, ENOSPC);
        return;
    }
    if (strikes(io->disk, SIM_WRITE_FAILS)) {
        file_write(file, op->buffer, op->size / 2, op->offset);
        finish(io, op, DBK_IO, EIO);
        return;
    }
    file_write(file, op->buffer, op->size, op->offset);
    if (op->durable)
        sim_sync(io, file, op);
    else
        finish(io, op, DBK_OK, 0);
}

static void sim_submit(dbk_io *base, dbk_io_op *op)
{
    sim_io *io = (sim_io *)base;
    sim_file *file = io->open[op->file];
    op->finished = false;
    if (op->kind == DBK_IO_SYNC) {
        sim_sync(io, file, op);
    } else if (op->kind == DBK_IO_WRITE) {
        sim_write(io, file, op);
    } else if (op->offset + op->size > file->now_size) {
        finish(io, op, DBK_CORRUPT, 0);
    } else if (strikes(io->disk, SIM_READ_FAILS)) {
        finish(io, op, DBK_IO, EIO);
    } else {
        if (op->size > 0)
            memcpy(op->buffer, file->now + op->offset, op->size);
        finish(io, op, DBK_OK, 0);
    }
}

static int sim_complete(dbk_io *base)
{
    sim_io *io = (sim_io *)base;
    int count = 0;
    dbk_io_op *op = io->done_first;
    io->done_first = io->done_last = NULL;
    while (op) {
        dbk_io_op *next = op->next;
        if (op->done)
            op->done(op);
        op = next;
        count++;
    }
    return count;
}

static void sim_destroy(dbk_io *base)
{
    sim_io *io = (sim_io *)base;
    free(io->open);
    free(io);
}

static const dbk_io_backend sim_backend = {
    .name = "simulated",
    .open = sim_open,
    .close = sim_close,
    .size = sim_size,
    .allocate = sim_allocate,
    .remove = sim_remove,
    .list = sim_list,
    .sync_directory = sim_sync_directory,
    .submit = sim_submit,
    .complete = sim_complete,
    .destroy = sim_destroy,
};

dbk_io *sim_disk_io(sim_disk *disk)
{
    sim_io *io = need(scarce_spare_calloc(1, sizeof(*io)));
    io->base.backend = &sim_backend;
    io->disk = disk;
    return &io->base;
}
