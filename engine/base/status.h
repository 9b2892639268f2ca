// SPDX-License-Identifier: Apache-2.0
// How every fallible function reports: a status as its result, and the story in a caller-owned error object.
//
// Three failures, three words. An assert is our own mistake and crashes. A status other than DBK_CORRUPT is
// the world's: a full disk, a bad row, an impossible query. DBK_CORRUPT is bytes from disk or network that
// cannot be what was written; it is never an assert and never a wrong answer.
#ifndef DBK_BASE_STATUS_H
#define DBK_BASE_STATUS_H

typedef enum dbk_status {
    DBK_OK = 0,
    DBK_INVALID,   // the caller asked for something that cannot be: bad argument, bad row, bad query
    DBK_NOT_FOUND, // no such table, tenant, file, row
    DBK_CORRUPT,   // bytes that fail their checksum or their bounds
    DBK_IO,        // the operating system refused a read, write or sync
    DBK_NO_SPACE,  // disk or memory budget is used up; nothing was stored
    DBK_NO_MEMORY, // an allocation failed
    DBK_READ_ONLY, // an earlier sync failed: nothing more is written until restart
    DBK_BUSY,      // somebody else holds the data directory
    DBK_LIMIT,     // larger than a stated limit
    DBK_OVERFLOW,  // a sum left the range of its type
    DBK_CANCELLED, // stopped on request
    DBK_LONG,      // would take longer than the caller has time for; nothing was begun
} dbk_status;

typedef struct dbk_error {
    dbk_status status;
    char message[512]; // one sentence for a person: what, where, and what to do next; no trailing newline
} dbk_error;

// Fills err (may be NULL) with a printf-formatted message and returns status, so that callers write
// `return dbk_fail(err, DBK_INVALID, "…", …)`.
dbk_status dbk_fail(dbk_error *err, dbk_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// "corrupt", "no space", … for logs; never NULL.
const char *dbk_status_name(dbk_status status);

// Propagates a failure to the caller. For functions with nothing to release.
#define DBK_TRY(expression)                                                                                  \
    do {                                                                                                     \
        dbk_status dbk_try_status_ = (expression);                                                           \
        if (dbk_try_status_ != DBK_OK)                                                                       \
            return dbk_try_status_;                                                                          \
    } while (0)

#endif
