// SPDX-License-Identifier: Apache-2.0
// The loader's threads, each of which does what is to be done next, on a ring of pieces.
//
//     fill ──▶ piece, as planned ──▶ parse ──▶ submit ──▶ work ──▶ done
//     in order                    any thread   in order   any thread
//
// Filling and submitting keep the order of the file: one thread at a time is at them, whichever finds them to
// be done. What goes on in the sink comes before new pieces, so few batches are alive at a time, and their
// memory goes on to the next ones while it is cached. Of a plain file that need not be looked through first a
// piece is a range, which whoever parses it reads. A map sees the file as a whole and is parsed on the
// caller's thread.
#ifndef DBK_LOAD_CREW_H
#define DBK_LOAD_CREW_H

#include "ingest/load_piece.h"
#include "ingest/load_rejects.h"

#include <pthread.h>

enum { DBK_LOAD_PIECES_MAX = 16, DBK_LOAD_THREADS_MAX = 8 };

struct dbk_load {
    const dbk_load_options *options;
    const dbk_load_sink *sink;
    dbk_input *input;
    dbk_load_plan plan;
    dbk_load_rejects rejects;
    dbk_load_totals *totals;
    pthread_t workers[DBK_LOAD_THREADS_MAX];
    int workers_count;
    pthread_mutex_t lock;
    pthread_cond_t changed; // anything under the lock
    dbk_load_piece pieces[DBK_LOAD_PIECES_MAX];
    // Under the lock.
    uint64_t planned, filled, taken, emptied; // pieces, in the order of the file
    int pieces_count, alive_max;              // pieces; these and batches in flight together
    int work_left;                            // submitted, and not yet worked on
    bool in_order;                            // a thread fills or empties a piece
    bool no_more;                             // nothing will be filled or submitted but what is planned
    dbk_status status;                        // the first failure of a piece
    dbk_error error;
    // Whose turn it is.
    uint64_t next_begin, next_line; // where the next range begins
    bool has_begun;
    // What the sink came to, under the lock.
    int in_flight;
    dbk_status sink_status;
    dbk_error sink_error;
    dbk_reject *refused; // by the engine
    size_t refused_count, refused_capacity;
    bool refused_lost;
};

// Starts the threads for so many pieces; 0: they only work on what is submitted.
void dbk_load_crew_start(struct dbk_load *load, uint64_t planned);
// Takes part until everything is done. Also without a start.
void dbk_load_crew_end(struct dbk_load *load);
// Works on what was submitted until no more batches than that are in flight: what the sink came to so far.
dbk_status dbk_load_crew_wait(struct dbk_load *load, int in_flight, dbk_error *err);

// The two that keep the order, called by one thread at a time (load.c): the next piece of the plan; and
// passing on what the oldest came to, which is only dropped when it is not wanted.
dbk_status dbk_load_fill(struct dbk_load *load, dbk_load_piece *piece, dbk_error *err);
dbk_status dbk_load_empty(struct dbk_load *load, dbk_load_piece *piece, bool wanted, dbk_error *err);

#endif
