// SPDX-License-Identifier: Apache-2.0
// The seam to the disk: one directory, its files, and reads, writes and syncs that are submitted and
// completed.
//
// Three backends stand behind it: io_uring, plain system calls (containers often forbid io_uring), and the
// simulated disk of the tests, which tears, reorders, loses and garbles what was not synced. A dbk_io belongs
// to one thread at a time; several may be open on one directory.
//
// What a caller may rely on, and nothing more: bytes of a file are on stable storage after a SYNC of that
// file that was submitted after the write completed, or when they were written by a durable WRITE; names of
// files (created, removed) after a sync of the directory. Between any two operations without such a sync
// there is no order. A failed sync is final for its file: it is never retried, the caller stops writing.
#ifndef DBK_IO_H
#define DBK_IO_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/base/types.h"

enum { DBK_IO_BLOCK = 4096 }; // every offset, length and buffer of a log write is a multiple of this

typedef struct dbk_io dbk_io;
typedef int32_t dbk_file; // a handle of this dbk_io; negative = none

typedef enum dbk_io_kind { DBK_IO_READ, DBK_IO_WRITE, DBK_IO_SYNC } dbk_io_kind;

// One operation. The caller fills the first part and keeps the struct and the buffer alive and untouched
// until `done` was called (by dbk_io_complete, on the caller's thread). The backend finishes short transfers
// itself: an operation completes whole or fails.
typedef struct dbk_io_op dbk_io_op;
struct dbk_io_op {
    dbk_io_kind kind;
    dbk_file file;
    void *buffer; // READ: to be filled; WRITE: not changed
    size_t size;
    uint64_t offset;
    bool durable; // WRITE: done when its own bytes are on stable storage; it fails as finally as a sync
    void (*done)(dbk_io_op *op); // NULL is allowed
    void *user;

    dbk_status status; // valid once done; READ past the end of the file: DBK_CORRUPT
    int error_number;  // the errno behind status, 0 if none
    bool finished;
    size_t transferred; // the backend's own
    dbk_io_op *next;    // the backend's own
};

typedef enum dbk_open_mode {
    DBK_OPEN_READ,   // must exist
    DBK_OPEN_CREATE, // must not exist; read and write
    DBK_OPEN_WRITE,  // must exist; read and write
    // Must exist; will be read once. What the page cache does not have is read past it: that saves a copy of
    // every byte, and the cache for others. One read at a time, into a buffer that is aligned to blocks and
    // has room up to the end of the last block.
    DBK_OPEN_READ_ONCE,
    // Must not exist; will be written once, from its beginning on, one write at a time. Bytes go past the
    // page cache where their buffer is aligned to blocks, as whole blocks of it: that saves a copy of every
    // byte, and the cache for others.
    DBK_OPEN_CREATE_ONCE,
} dbk_open_mode;

typedef struct dbk_io_backend {
    const char *name; // "uring", "posix", "simulated"
    dbk_status (*open)(dbk_io *io, const char *name, dbk_open_mode mode, dbk_file *out, dbk_error *err);
    void (*close)(dbk_io *io, dbk_file file);
    dbk_status (*size)(dbk_io *io, dbk_file file, uint64_t *out, dbk_error *err);
    // Grows the file to `size` zero bytes that are really written, and syncs it: later writes inside it
    // cannot run out of space and change no metadata.
    dbk_status (*allocate)(dbk_io *io, dbk_file file, uint64_t size, dbk_error *err);
    dbk_status (*remove)(dbk_io *io, const char *name, dbk_error *err);
    // Calls visit for each regular file, in no order.
    dbk_status (*list)(dbk_io *io, void (*visit)(void *user, const char *name), void *user, dbk_error *err);
    dbk_status (*sync_directory)(dbk_io *io, dbk_error *err);
    void (*submit)(dbk_io *io, dbk_io_op *op);
    // Waits until at least one operation is done (or none is in flight) and runs the callbacks. Returns how
    // many.
    int (*complete)(dbk_io *io);
    void (*destroy)(dbk_io *io);
    // Another dbk_io on the same directory, for another thread; NULL where there is none. May be called while
    // the first one is at work.
    dbk_status (*again)(const dbk_io *io, dbk_io **out, dbk_error *err);
} dbk_io_backend;

struct dbk_io {
    const dbk_io_backend *backend;
};

// Opens the directory (creating it, with mode 0700, when `create`). Picks io_uring where the kernel allows
// it, plain calls otherwise; DAYBOOK_IO=uring|posix in the environment decides instead, and asking for
// io_uring where it is forbidden is an error that says so.
dbk_status dbk_io_open(dbk_io **out, const char *directory, bool create, dbk_error *err);
// Copies of these two for callers that choose: tests, benches.
dbk_status dbk_io_posix_open(dbk_io **out, const char *directory, dbk_error *err);
dbk_status dbk_io_uring_open(dbk_io **out, const char *directory, dbk_error *err);
void dbk_io_close(dbk_io *io);

// ---- Conveniences on any backend: submit and wait ----

// Waits for an operation that was submitted on this io, whatever else is in flight: its status, with the
// story "cannot <what>: …".
dbk_status dbk_io_wait(dbk_io *io, dbk_io_op *op, const char *what, dbk_error *err);

dbk_status dbk_io_read(dbk_io *io, dbk_file file, void *buffer, size_t size, uint64_t offset, dbk_error *err);
dbk_status dbk_io_write(dbk_io *io, dbk_file file, const void *buffer, size_t size, uint64_t offset,
                        dbk_error *err);
dbk_status dbk_io_sync(dbk_io *io, dbk_file file, dbk_error *err);
// A new file with this content, synced; the directory is not (callers sync it once for many files).
// mode: DBK_OPEN_CREATE or DBK_OPEN_CREATE_ONCE.
dbk_status dbk_io_write_file(dbk_io *io, const char *name, dbk_open_mode mode, const void *data, size_t size,
                             dbk_error *err);
// The whole file, read once, into memory that free takes back, aligned to at least 64 bytes, with `slack`
// zero bytes behind it.
dbk_status dbk_io_read_file(dbk_io *io, const char *name, size_t slack, void **out, size_t *size,
                            dbk_error *err);
// The same size of memory for a file of `length` bytes and the slack behind it, for free; what is in it is
// not defined. NULL: memory is out.
void *dbk_io_room_create(size_t length, size_t slack);
// Reads a file once, a piece after the other, each into `window`, and hands every piece on, in order. That
// costs a copy, and is still faster for many large files: the window's memory is there, in one piece, and in
// the processor's cache when the piece is looked at, where memory that a whole file is read into has to be
// found, cleared and handed to the disk page by page. A file that has not `length` bytes is not read: *size
// is what it has.
typedef void (*dbk_io_piece)(void *user, const void *bytes, size_t size);
typedef struct dbk_io_window {
    void *memory; // aligned to DBK_IO_BLOCK, else the file comes through the page cache
    size_t bytes; // a multiple of DBK_IO_BLOCK
} dbk_io_window;
dbk_status dbk_io_read_pieces(dbk_io *io, const char *name, size_t length, const dbk_io_window *window,
                              dbk_io_piece piece, void *user, size_t *size, dbk_error *err);

#endif
