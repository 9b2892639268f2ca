// SPDX-License-Identifier: Apache-2.0
// A request on its way through the application: who asks, for which tenant, of which moment, and the answer
// as it is written. A handler gets a call, asks, writes into call->body, and ends it with exactly one of the
// dbk_call_answer, _unchanged, _fail or _stream functions; after that the call is gone.
#ifndef DBK_CALL_H
#define DBK_CALL_H

#include "http/app/answers.h"
#include "http/app/app.h"
#include "http/app/audit.h"
#include "http/app/metrics.h"
#include "http/app/params.h"
#include "http/app/route.h"
#include "http/app/settings.h"
#include "http/app/workers.h"
#include "http/auth/keys.h"
#include "http/auth/limiter.h"
#include "http/auth/tokens.h"
#include "http/server/stream.h"

#include <stdatomic.h>

typedef struct dbk_deliverer dbk_deliverer;
typedef struct dbk_exporter dbk_exporter;
typedef struct dbk_pos_events dbk_pos_events;
typedef struct dbk_pos_keeper dbk_pos_keeper;
typedef struct dbk_pos_books dbk_pos_books;

enum { DBK_PUBLIC_URL_MAX = 255 };

struct dbk_app {
    dbk_store *store;
    dbk_db *db;
    dbk_app_options options;
    int64_t frozen_now_ms; // DAYBOOK_NOW; DBK_NULL = the clock runs
    dbk_keys *keys;
    dbk_tokens *tokens;
    dbk_limiter *limiter;
    dbk_workers *workers;
    dbk_workers *long_readers; // reads that would keep the workers from others for long
    dbk_workers *streamers;    // wait for clients
    dbk_metrics *metrics;
    dbk_answers *answers;
    dbk_deliverer *deliverer;
    dbk_pos_events *events; // NULL: this process has no event streams
    dbk_pos_keeper *pos_keeper;
    dbk_pos_books *pos_books;
    dbk_exporter *exporter;
    char public_url[DBK_PUBLIC_URL_MAX + 1]; // "" = not set
    dbk_buffer openapi;                      // generated once
    atomic_bool ready;
};

struct dbk_call {
    dbk_job job; // first, so that a job is its call
    dbk_app *app;
    dbk_request *request;
    const dbk_route *route; // NULL for unknown paths
    const dbk_dialect *dialect;
    dbk_text argument; // in the place of the path's {parameter}
    dbk_arena arena;   // lives as long as the call, which is in it
    char tenant_text[DBK_TENANT_NAME_MAX + 1];
    dbk_text tenant;
    // Who asks. Neither: anybody, or the operator's own requests.
    bool has_key, has_token;
    dbk_key key;
    dbk_token token; // or a ticket; its claims say role and, of a token, subject
    // What is left of the tenant's points, for dialects that say so; limit 0 = nothing to say.
    struct {
        int limit, remaining;
        int64_t reset_s; // Unix time at which more is left
    } points;
    int64_t now_ms; // one moment for the whole call
    int64_t started_ns;
    bool is_from_answers; // the body was kept before: not to be kept again

    dbk_stream *stream; // see dbk_call_stream
    int stream_status;
    void *state; // the handler's own, when it goes on elsewhere

    // While the handler of a read runs with limited patience: where to note that it ran out.
    bool *ran_out;

    dbk_read read; // see dbk_call_snapshot
    bool is_reading, is_kept;

    dbk_buffer body; // of the answer
    dbk_header headers[8];
    int headers_count;
    dbk_buffer tag; // everything that the answer follows from, see dbk_call_is_unchanged
    char etag[48];

    dbk_params params;
};

// The snapshot that the whole call reads; the call ends it.
const dbk_snapshot *dbk_call_snapshot(dbk_call *call);
// Ends that read early; the next dbk_call_snapshot is a newer one.
void dbk_call_end_read(dbk_call *call);
// The value is not copied: a constant, or text in the call's arena.
void dbk_call_header(dbk_call *call, const char *name, dbk_text value);
// A query parameter, length 0 when absent.
dbk_text dbk_call_param(const dbk_call *call, const char *name);

// Adds to what the answer follows from, beside path, tenant and snapshot: the resolved parameters.
void dbk_call_tag(dbk_call *call, const void *data, size_t size);
// Settles the strong ETag of a read. True: the client has this answer, 304 was sent and the call is over.
// False: go on and compute it.
bool dbk_call_is_unchanged(dbk_call *call);

// For answers whose call->etag is settled by other means: true when the client has it; then 304 was sent and
// the call is over.
bool dbk_call_is_known(dbk_call *call);

// Answers the call if its answer was kept (then the call is over). Only for reads whose tenant is known. An
// answer is found by tenant, the number of the tenant's last change, route, path, query, body and the minute
// of "now" (which decides what "today" is).
bool dbk_call_is_kept_answer(dbk_call *call);

// Appends "https://reports.example", the beginning of addresses of this server as the client reaches it;
// nothing when the client did not say by what name.
void dbk_call_write_origin(const dbk_call *call, dbk_buffer *out);

// Ends the call with call->body.
void dbk_call_answer(dbk_call *call, int status, const char *content_type);
void dbk_call_answer_json(dbk_call *call, int status);

// Begins an answer that is written bit by bit, with the call's headers. The handler then writes call->stream
// and ends the call with dbk_call_stream_end; or, when there is nothing more that it needs of the call, ends
// the call with dbk_call_stream_leave and keeps the stream. For a body that takes its time, the handler goes
// on on a worker (dbk_call_defer_stream) before it begins, so that it can wait for the client there. False:
// memory was out, 503 was sent and the call is over. The call's snapshot stays as it is until
// dbk_call_end_read: end it as soon as everything has been read.
bool dbk_call_stream(dbk_call *call, int status, const char *content_type, const dbk_stream_options *options);
// Ends the stream (see dbk_stream_end) and the call.
void dbk_call_stream_end(dbk_call *call, bool whole);
// Ends the call; the stream is the caller's to end.
dbk_stream *dbk_call_stream_leave(dbk_call *call);

// Ends it with an error in the route's dialect.
void dbk_call_fail(dbk_call *call, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
void dbk_call_fail_text(dbk_call *call, int status, dbk_text message, int retry_after);
// … 404 for a path that nothing answers.
void dbk_call_fail_unknown(dbk_call *call);
// … for what a read or a write failed with. A read that failed because nobody has time for it here (DBK_LONG)
// is not answered: the call begins anew elsewhere.
void dbk_call_fail_read(dbk_call *call, dbk_status status, const dbk_error *err);
void dbk_call_fail_write(dbk_call *call, dbk_status status, const char *message);

// Makes the audit log's entry for what the call is about to change, as a batch to go into the same change;
// see dbk_audit_build. details is one JSON value, or empty.
dbk_status dbk_call_audit(const dbk_call *call, dbk_batch *batch, const char *action, const char *entity_type,
                          dbk_text entity_id, dbk_text details, dbk_error *err);

// Keeps the request beyond the handler; once is enough, more often does no harm.
void dbk_call_keep(dbk_call *call);
// How many threads a query of this call may use: every processor on a worker, which only long reads go to,
// and the loop's own thread otherwise, because short reads are many and share the processors among
// themselves.
int dbk_call_threads(const dbk_call *call);
// Goes on with `run` on the thread that the request came from, which ends the call there: for what is short
// and follows a write. The call's memory was allocated there.
void dbk_call_resume(dbk_call *call, void (*run)(dbk_job *job));
// Goes on with `run` on a worker thread.
void dbk_call_defer(dbk_call *call, void (*run)(dbk_job *job));
// … on one of the threads for what is longest.
void dbk_call_defer_long(dbk_call *call, void (*run)(dbk_job *job));
// Forgets what the handler has begun to write, but not who asks and of which snapshot.
void dbk_call_begin_anew(dbk_call *call);
// … on one of a few threads that may wait for a client to read, so that slow readers hold up nobody but each
// other.
void dbk_call_defer_stream(dbk_call *call, void (*run)(dbk_job *job));

#endif
