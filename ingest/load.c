// SPDX-License-Identifier: Apache-2.0
// Loading one file: what pieces are filled with, what becomes of them when it is their turn, and its end.
#include "ingest/load.h"

#include "engine/base/slabs.h"
#include "ingest/load_crew.h"

#include <stdlib.h>
#include <string.h>

enum { IN_FLIGHT = 8 };

typedef struct dbk_load load;

static dbk_status no_memory(dbk_error *err)
{
    return dbk_fail(err, DBK_NO_MEMORY, "out of memory for loading");
}

// ---- Submitting ----

static void keep_refused(load *l, const dbk_batch *batch, uint64_t line_offset,
                         const dbk_apply_report *report)
{
    for (uint32_t i = 0; i < report->rejected_count; i++) {
        uint32_t row = report->rejected_rows[i];
        if (row >= batch->rows || !dbk_load_grow((void **)&l->refused, l->refused_count, &l->refused_capacity,
                                                 sizeof *l->refused)) {
            l->refused_lost = true;
            return;
        }
        // The engine has one constant reason per batch.
        l->refused[l->refused_count++] = (dbk_reject){
            .line = batch->lines ? batch->lines[row] + line_offset : 0, .reason = report->rejected_reason};
    }
}

void dbk_load_done(dbk_load_ticket *ticket, dbk_status status, const char *message,
                   const dbk_apply_report *report)
{
    load *l = ticket->load;
    const dbk_batch *batch = ticket->batch;
    pthread_mutex_lock(&l->lock);
    if (status == DBK_OK) {
        uint32_t refused = report ? report->rejected_count : 0;
        if (report)
            keep_refused(l, batch, ticket->line_offset, report);
        l->totals->stored_in[batch->table->id] += batch->rows - refused;
    } else if (l->sink_status == DBK_OK) {
        l->sink_status = dbk_fail(&l->sink_error, status, "%s", message ? message : dbk_status_name(status));
    }
    // Whoever waits for the last of them then takes the batches' memory away.
    dbk_load_batch_free(ticket->batch);
    free(ticket);
    l->in_flight--;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

static void forget(load *l, dbk_load_ticket *ticket)
{
    if (ticket->prepared)
        l->sink->forget(l->sink->user, ticket);
    dbk_load_batch_free(ticket->batch);
    free(ticket);
}

static dbk_status submit(load *l, dbk_load_ticket *ticket, dbk_error *err)
{
    if (l->options->dry_run) {
        l->totals->stored_in[ticket->batch->table->id] += ticket->batch->rows;
        forget(l, ticket);
        return DBK_OK;
    }
    dbk_status status = dbk_load_crew_wait(l, IN_FLIGHT - 1, err);
    if (status != DBK_OK) {
        forget(l, ticket);
        return status;
    }
    pthread_mutex_lock(&l->lock);
    l->in_flight++;
    pthread_mutex_unlock(&l->lock);
    l->sink->submit(l->sink->user, ticket);
    if (!l->sink->work)
        return DBK_OK;
    pthread_mutex_lock(&l->lock);
    l->work_left++;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    return DBK_OK;
}

// ---- Parsing, on any thread ----

dbk_load_ticket *dbk_load_ticket_make(load *l, dbk_batch *batch, dbk_error *err)
{
    dbk_load_ticket *ticket = calloc(1, sizeof *ticket);
    if (!ticket) {
        dbk_load_batch_free(batch);
        no_memory(err);
        return NULL;
    }
    ticket->batch = batch;
    ticket->load = l;
    if (l->sink->prepare && !l->options->dry_run && l->sink->prepare(l->sink->user, ticket) != DBK_OK) {
        forget(l, ticket);
        no_memory(err);
        return NULL;
    }
    return ticket;
}

// ---- Pieces, in order ----

static void report_progress(load *l)
{
    uint64_t done, total;
    if (!l->options->on_progress)
        return;
    dbk_input_progress(l->input, &done, &total);
    if (l->plan.range_bytes)
        done = l->next_begin;
    l->options->on_progress(l->options->user, done, total, l->totals->rows);
}

static void add_kept_reject(load *l, dbk_load_kept *kept)
{
    kept->reject.reason = kept->reason;
    kept->reject.column_name = kept->column_name[0] ? kept->column_name : NULL;
    dbk_load_rejects_add(&l->rejects, &kept->reject, (dbk_text){kept->row, kept->row_length});
    free(kept->row);
}

// Lets go of what a piece came to.
static void drop_results(load *l, dbk_load_piece *p)
{
    for (size_t i = 0; i < p->tickets_count; i++)
        forget(l, p->tickets[i]);
    for (size_t i = 0; i < p->rejects_count; i++)
        free(p->rejects[i].row);
    p->tickets_count = p->rejects_count = 0;
}

// The lines of a range are known when all before it are; and where it begins.
static void settle_range(load *l, dbk_load_piece *p)
{
    if (p->begin != l->next_begin) {
        drop_results(l, p);
        p->knows_begin = true;
        p->begin = l->next_begin;
        dbk_load_piece_parse(p, l, l->options, &l->plan, l->input);
    }
    const uint64_t offset = l->next_line - p->first_line;
    for (size_t i = 0; i < p->tickets_count; i++)
        p->tickets[i]->line_offset = offset;
    for (size_t i = 0; i < p->rejects_count; i++)
        p->rejects[i].reject.line += offset;
    l->next_begin = p->end;
    l->next_line += p->lines;
    l->totals->bytes = p->end;
    l->totals->lines = l->next_line - 1;
}

static dbk_status pass_on(load *l, dbk_load_piece *p, dbk_error *err)
{
    dbk_status status = DBK_OK;
    size_t count = p->tickets_count;
    p->tickets_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (status == DBK_OK)
            status = submit(l, p->tickets[i], err);
        else
            forget(l, p->tickets[i]);
    }
    for (size_t i = 0; i < p->rejects_count; i++)
        add_kept_reject(l, &p->rejects[i]);
    l->totals->rows += p->rows + p->rejects_count;
    l->totals->rejected += p->rejects_count;
    p->rejects_count = 0;
    return status;
}

static dbk_status begin_sink(load *l, dbk_error *err)
{
    const bool begins = !l->has_begun && l->sink->begin && !l->options->dry_run;
    l->has_begun = true;
    return begins ? l->sink->begin(l->sink->user, l->options->table, l->plan.rows, err) : DBK_OK;
}

// Passes on what the oldest piece came to; when it is not wanted it is only dropped.
dbk_status dbk_load_empty(load *l, dbk_load_piece *p, bool wanted, dbk_error *err)
{
    if (wanted && p->to > 0)
        settle_range(l, p);
    if (!wanted || p->status != DBK_OK) {
        drop_results(l, p);
        *err = p->error;
        return wanted ? p->status : DBK_OK;
    }
    dbk_status status = begin_sink(l, err);
    if (status != DBK_OK) {
        drop_results(l, p);
        return status;
    }
    status = pass_on(l, p, err);
    report_progress(l);
    return status;
}

static uint64_t count_feeds(const char *data, size_t size)
{
    uint64_t count = 0;
    const char *end = data + size;
    while (data < end && (data = memchr(data, '\n', (size_t)(end - data)))) {
        data++;
        count++;
    }
    return count;
}

// The next piece of the plan.
static dbk_status read_piece(load *l, dbk_load_piece *p, dbk_error *err)
{
    uint64_t from = l->filled ? l->plan.cuts[l->filled - 1] : 0;
    size_t got, size = (size_t)(l->plan.cuts[l->filled] - from);
    if (!p->data || size > p->capacity) {
        char *grown = realloc(p->data, size ? size : 1);
        if (!grown)
            return no_memory(err);
        p->data = grown;
        p->capacity = size;
    }
    p->size = size;
    DBK_TRY(dbk_input_read(l->input, p->data, size, &got, err));
    l->totals->bytes += got;
    if (got != size)
        return dbk_fail(err, DBK_IO, "the file became shorter while it was loaded");
    p->first_line = l->next_line;
    l->next_line += count_feeds(p->data, p->size);
    if (l->filled + 1 == l->plan.cuts_count && p->size && p->data[p->size - 1] != '\n')
        l->next_line++;
    l->totals->lines = l->next_line - 1;
    return DBK_OK;
}

static void set_range(const load *l, dbk_load_piece *p)
{
    const dbk_load_plan *plan = &l->plan;
    p->from = l->filled ? plan->cuts[l->filled - 1] : 0;
    p->to = plan->cuts[l->filled];
    p->file_bytes = plan->file_bytes;
    p->begin = p->end = 0;
    p->knows_begin = l->filled == 0;
    p->first_line = l->filled == 0 ? 1 : 2;
}

dbk_status dbk_load_fill(load *l, dbk_load_piece *p, dbk_error *err)
{
    p->parsed = false;
    if (!l->plan.range_bytes)
        return read_piece(l, p, err);
    set_range(l, p);
    return DBK_OK;
}

// ---- A file of rows ----

static dbk_status load_pieces(load *l, dbk_error *err)
{
    dbk_load_crew_start(l, l->plan.cuts_count);
    dbk_load_crew_end(l);
    for (int i = 0; i < DBK_LOAD_PIECES_MAX; i++) {
        free(l->pieces[i].data);
        free(l->pieces[i].tickets);
        free(l->pieces[i].rejects);
    }
    if (l->status != DBK_OK && err)
        *err = l->error;
    return l->status;
}

// ---- Maps ----

static dbk_status submit_mapped(void *user, dbk_batch *batch, dbk_error *err)
{
    load *l = user;
    dbk_load_ticket *ticket = dbk_load_ticket_make(l, batch, err);
    return ticket ? submit(l, ticket, err) : err->status;
}

static void reject_mapped(void *user, const dbk_reject *reject, dbk_text row)
{
    load *l = user;
    dbk_load_rejects_add(&l->rejects, reject, row);
}

static dbk_status load_mapped(load *l, dbk_error *err)
{
    enum { BLOCK = 1 << 20 };
    dbk_parse_sink sink = {submit_mapped, reject_mapped, l};
    dbk_parser *parser;
    size_t got = 0;
    char *block = malloc(BLOCK);
    if (!block)
        return no_memory(err);
    dbk_status status = dbk_parser_create_mapped(&parser, l->options->map, &sink, err);
    if (status == DBK_OK)
        status = begin_sink(l, err);
    if (l->sink->work)
        dbk_load_crew_start(l, 0);
    do {
        if (status == DBK_OK)
            status = dbk_input_read(l->input, block, BLOCK, &got, err);
        if (status == DBK_OK)
            status = dbk_parser_feed(parser, block, got, err);
        if (status != DBK_OK)
            break;
        dbk_parse_totals totals = dbk_parser_totals(parser);
        l->totals->rows = totals.rows + totals.rejected;
        report_progress(l);
    } while (got == BLOCK);
    if (status == DBK_OK)
        status = dbk_parser_finish(parser, err);
    if (parser) {
        dbk_parse_totals totals = dbk_parser_totals(parser);
        l->totals->rows = totals.rows + totals.rejected;
        l->totals->rejected = totals.rejected;
        l->totals->lines = totals.lines;
        l->totals->bytes = totals.bytes;
    }
    dbk_parser_destroy(parser);
    free(block);
    dbk_load_crew_end(l);
    return status;
}

// ---- The file ----

static int compare_lines(const void *a, const void *b)
{
    uint64_t x = ((const dbk_reject *)a)->line, y = ((const dbk_reject *)b)->line;
    return (x > y) - (x < y);
}

// Rows that the engine refused are written like the others. A line that a map made several refused rows of
// counts once.
static dbk_status add_refused(load *l, dbk_error *err)
{
    if (l->refused_lost)
        return no_memory(err);
    if (l->refused_count == 0)
        return DBK_OK;
    qsort(l->refused, l->refused_count, sizeof *l->refused, compare_lines);
    size_t count = 0;
    for (size_t i = 0; i < l->refused_count; i++) {
        if (count == 0 || l->refused[i].line == 0 || l->refused[i].line != l->refused[count - 1].line)
            l->refused[count++] = l->refused[i];
    }
    l->totals->rejected += count;
    return dbk_load_rejects_find(&l->rejects, l->input, l->refused, count, err);
}

// Everything that was stored is safe, also when the load failed on its way; or nothing counts.
static dbk_status finish(load *l, bool refused, dbk_error *err)
{
    dbk_error why;
    bool can = l->sink->finish && !l->options->dry_run;
    dbk_status finished = can ? l->sink->finish(l->sink->user, refused, &why) : DBK_OK;
    if (finished != DBK_OK && err)
        *err = why;
    // Batches on their way are counted until they are there.
    dbk_status sunk = dbk_load_crew_wait(l, 0, finished == DBK_OK ? err : NULL);
    if (can && (finished != DBK_OK || refused))
        memset(l->totals->stored_in, 0, sizeof l->totals->stored_in);
    return finished != DBK_OK ? finished : sunk;
}

// What a range found wrong with the file, as one says it who looks through the whole of it.
static void explain_refusal(load *l, dbk_error *err)
{
    dbk_load_plan plan;
    dbk_error why = {0};
    if (dbk_input_rewind(l->input, NULL) == DBK_OK &&
        dbk_load_check(l->options, l->rejects.path, l->input, 0, &plan, &why) == DBK_INVALID && err)
        *err = why;
    dbk_load_plan_dispose(&plan);
}

static dbk_status load_checked(load *l, dbk_error *err)
{
    dbk_status status = l->options->map ? load_mapped(l, err) : load_pieces(l, err);
    const bool refused = status == DBK_INVALID && l->plan.range_bytes;
    if (refused)
        explain_refusal(l, err);
    dbk_status finished = finish(l, refused, status == DBK_OK ? err : NULL);
    status = status == DBK_OK ? finished : status;
    if (refused) {
        dbk_load_rejects_drop(&l->rejects);
        return status;
    }
    if (status == DBK_OK)
        status = add_refused(l, err);
    dbk_status closed = dbk_load_rejects_close(&l->rejects, status == DBK_OK ? err : NULL);
    return status == DBK_OK ? closed : status;
}

// Without a failure this is rows - rejected; with one, what the store acknowledged.
static uint64_t count_stored(const load *l, dbk_status status)
{
    const dbk_load_totals *totals = l->totals;
    if (status == DBK_OK)
        return totals->rows - totals->rejected;
    return l->options->table ? totals->stored_in[l->options->table->id] : 0;
}

dbk_status dbk_load_file(const dbk_load_options *options, const char *path, const dbk_load_sink *sink,
                         dbk_load_totals *totals, dbk_error *err)
{
    *totals = (dbk_load_totals){0};
    load *l = calloc(1, sizeof *l);
    if (!l)
        return no_memory(err);
    l->options = options;
    l->sink = sink;
    l->totals = totals;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    dbk_status status = dbk_input_open(&l->input, path, err);
    uint64_t size;
    const bool in_ranges = status == DBK_OK && sink->takes_back && !options->map && !options->dry_run &&
                           dbk_input_is_plain(l->input, &size) && size > 0;
    if (in_ranges)
        status = dbk_load_check_start(options, path, l->input, sink->batch_rows, &l->plan, err);
    else if (status == DBK_OK)
        status = dbk_load_check(options, path, l->input, sink->batch_rows, &l->plan, err);
    if (status == DBK_OK) {
        // Of small files and batches the C library's memory is as good.
        if (sink->batch_rows && l->plan.rows > sink->batch_rows)
            l->plan.slabs = dbk_slabs_create();
        l->rejects = (dbk_load_rejects){.options = options, .path = path, .plan = &l->plan};
        status = load_checked(l, err);
        totals->stored = count_stored(l, status);
    }
    dbk_input_close(l->input);
    dbk_slabs_destroy(l->plan.slabs);
    dbk_load_plan_dispose(&l->plan);
    free(l->refused);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    free(l);
    return status;
}
