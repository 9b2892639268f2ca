// SPDX-License-Identifier: Apache-2.0
// POST /v1/reports/general-closure.
//
// What a closure says is worked out on a worker, from a snapshot, because it may read many rows and the
// store's writer must not wait for that. Closures of a company are made in turn, each on top of the one
// before; the transaction that stores one makes sure that no other was made since (another way to store one
// than this would be found out), or else the work is done again. So closures that are asked for at once get
// different numbers and disjoint periods. A ticket that arrives between the snapshot and the commit is late:
// it is in the adjustment of the next closure.
#include "http/app/idempotency.h"
#include "http/app/json_body.h"
#include "http/app/row_batch.h"
#include "http/pos/books.h"
#include "http/pos/closure.h"
#include "http/pos/handlers.h"
#include "http/pos/report.h"
#include "ingest/parse/json.h"
#include "ingest/store/closure_chain.h"

enum { CLOSURE, ANSWER, AUDIT, BATCHES };

typedef struct closing {
    dbk_pos_turn turn; // first: what is begun with
    dbk_call *call;
    dbk_text register_id; // who asked
    dbk_idempotency key;
    dbk_pos_draft draft;
    bool is_outrun; // another closure came first: work it out again
    bool is_other;  // the Idempotency-Key was used for another request
    bool is_replay;
    int status;
    dbk_buffer answer;
    dbk_batch batches[BATCHES];
    const dbk_batch *change[BATCHES];
} closing;

// Everything of an attempt but the request.
static void dispose(closing *c)
{
    dbk_pos_draft_dispose(&c->draft);
    c->draft = (dbk_pos_draft){0};
    dbk_buffer_dispose(&c->answer);
    c->answer = (dbk_buffer){0};
    for (int i = 0; i < BATCHES; i++) {
        dbk_batch_dispose(&c->batches[i]);
        c->batches[i] = (dbk_batch){0};
    }
}

// ---- The request ----

// The reason of a refusal, or NULL.
static const char *read_body(closing *c)
{
    dbk_text body = c->call->request->body;
    dbk_json_doc doc;
    if (body.length > DBK_JSON_BODY_BYTES_MAX)
        return "the body must be at most 1 MiB";
    if (dbk_json_parse(body.data, body.length, &doc, NULL, NULL) != DBK_OK)
        return "the body must be JSON";
    dbk_text id = dbk_json_string_of(dbk_json_get(doc.root, "cashRegister"));
    const char *copy = id.length > 0 && id.length <= DBK_ID_BYTES_MAX
                           ? dbk_arena_copy(&c->call->arena, id.data, id.length)
                           : NULL;
    c->register_id = (dbk_text){copy, copy != NULL ? id.length : 0};
    dbk_json_doc_dispose(&doc);
    return copy != NULL ? NULL : "cashRegister must be the id of a cash register";
}

static dbk_status find_register(closing *c, bool *out, dbk_error *err)
{
    dbk_value id = {.kind = DBK_VALUE_TEXT, .text = c->register_id};
    dbk_result *rows;
    DBK_TRY(
        dbk_stored_rows(dbk_call_snapshot(c->call), c->call->tenant, DBK_CASH_REGISTERS, &id, 1, &rows, err));
    *out = dbk_result_rows(rows) > 0;
    dbk_result_free(rows);
    return DBK_OK;
}

// Whether the key's answer is there already: then it is given again, whatever became of the register.
static dbk_status find_answer(closing *c, dbk_error *err)
{
    dbk_idempotency_state state;
    DBK_TRY(dbk_idempotency_find(&c->key, dbk_call_snapshot(c->call), c->call->tenant, &state, &c->status,
                                 &c->answer, err));
    c->is_replay = state == DBK_IDEMPOTENCY_SAME;
    c->is_other = state == DBK_IDEMPOTENCY_OTHER;
    return DBK_OK;
}

// ---- The transaction ----

static dbk_status fill_closure(closing *c, dbk_error *err)
{
    const dbk_pos_draft *draft = &c->draft;
    dbk_batch *batch = &c->batches[CLOSURE];
    dbk_closure closure = {.id = {draft->id.text, DBK_POS_ID_BYTES},
                           .number = draft->number,
                           .from_at = draft->from_ms,
                           .created_at = draft->at_ms,
                           .cash_register_id = c->register_id,
                           .report = {(const char *)draft->report.data, (uint32_t)draft->report.size},
                           .totals = {(const char *)draft->totals.data, (uint32_t)draft->totals.size},
                           .actor = dbk_text_from(c->call->key.id),
                           .previous_hash = {draft->last.hash, DBK_SHA256_HEX}};
    char hash[DBK_SHA256_HEX];
    DBK_TRY(dbk_closure_hash(&closure, hash, err));
    DBK_TRY(dbk_row_batch_init(batch, DBK_CLOSURES, 1, err));
    dbk_row_batch_int(batch, 0, "number", closure.number);
    dbk_row_batch_int(batch, 0, "from_at", closure.from_at);
    dbk_row_batch_int(batch, 0, "created_at", closure.created_at);
    const struct {
        const char *column;
        dbk_text text;
    } texts[] = {{"id", closure.id},
                 {"cash_register_id", closure.cash_register_id},
                 {"report", closure.report},
                 {"totals", closure.totals},
                 {"actor", closure.actor},
                 {"previous_hash", closure.previous_hash},
                 {"hash", {hash, DBK_SHA256_HEX}}};
    for (size_t i = 0; i < DBK_COUNT(texts); i++)
        DBK_TRY(dbk_row_batch_text(batch, 0, texts[i].column, texts[i].text, err));
    return DBK_OK;
}

static dbk_status fill_audit(closing *c, dbk_error *err)
{
    dbk_buffer details = {0};
    dbk_out out = dbk_out_init(&details);
    dbk_out_object(&out);
    dbk_out_key(&out, "number");
    dbk_out_int(&out, c->draft.number);
    dbk_out_key(&out, "cashRegister");
    dbk_out_text(&out, c->register_id);
    dbk_out_object_end(&out);
    dbk_status status = dbk_call_audit(c->call, &c->batches[AUDIT], "closure.created", "closure",
                                       dbk_text_from(c->draft.id.text),
                                       (dbk_text){(const char *)details.data, (uint32_t)details.size}, err);
    dbk_buffer_dispose(&details);
    return status;
}

static dbk_status fill_change(closing *c, dbk_change *change, dbk_error *err)
{
    int count = 0;
    DBK_TRY(fill_closure(c, err));
    DBK_TRY(fill_audit(c, err));
    c->status = 201;
    c->change[count++] = &c->batches[CLOSURE];
    c->change[count++] = &c->batches[AUDIT];
    if (c->key.is_used) {
        DBK_TRY(dbk_idempotency_keep(&c->key, c->status, &c->draft.report, &c->batches[ANSWER], err));
        c->change[count++] = &c->batches[ANSWER];
    }
    change->batches = c->change;
    change->batches_count = count;
    return DBK_OK;
}

static dbk_status decide(void *user, const dbk_snapshot *working, dbk_change *change, dbk_error *err)
{
    closing *c = user;
    dbk_idempotency_state state;
    dbk_pos_last_closure last;
    DBK_TRY(dbk_idempotency_find(&c->key, working, c->call->tenant, &state, &c->status, &c->answer, err));
    c->is_replay = state == DBK_IDEMPOTENCY_SAME;
    c->is_other = state == DBK_IDEMPOTENCY_OTHER;
    if (c->is_replay)
        return DBK_OK;
    DBK_TRY(dbk_pos_closure_last(working, c->call->tenant, &last, err));
    c->is_outrun = last.number != c->draft.last.number;
    if (c->is_other || c->is_outrun)
        return dbk_fail(err, DBK_INVALID, "not this closure");
    return fill_change(c, change, err);
}

// ---- Afterwards ----

// Before the reply, with which the call's memory goes.
static void end_turn(closing *c)
{
    dbk_pos_turn_end(c->call->app->pos_books, &c->turn);
}

static void run_attempt(dbk_job *job);

static void answer(dbk_job *job)
{
    dbk_call *call = (dbk_call *)job;
    closing *c = call->state;
    if (c->is_replay)
        dbk_call_header(call, "idempotency-replayed", DBK_TEXT("true"));
    dbk_buffer *body = c->is_replay ? &c->answer : &c->draft.report;
    dbk_buffer_dispose(&call->body);
    call->body = *body;
    *body = (dbk_buffer){0};
    int status = c->status;
    dispose(c);
    dbk_call_answer_json(call, status);
}

static void refuse_other(closing *c)
{
    dispose(c);
    dbk_call_fail(c->call, 422, "This Idempotency-Key was already used for another request.");
}

static void on_done(void *user, const dbk_change_result *result)
{
    closing *c = user;
    dbk_call *call = c->call;
    if (result->status == DBK_OK || !c->is_outrun)
        end_turn(c);
    if (result->status == DBK_OK) {
        dbk_call_defer(call, answer);
    } else if (c->is_outrun) {
        dispose(c);
        dbk_call_defer(call, run_attempt);
    } else if (c->is_other) {
        refuse_other(c);
    } else {
        dispose(c);
        dbk_call_fail_write(call, result->status, result->message);
    }
}

static void answer_again(closing *c)
{
    dbk_call_end_read(c->call);
    end_turn(c);
    if (c->is_replay)
        answer(&c->call->job);
    else
        refuse_other(c);
}

static void attempt(closing *c)
{
    dbk_call *call = c->call;
    dbk_error err;
    // A new snapshot for each attempt.
    dbk_call_end_read(call);
    bool is_register = false;
    dbk_status status = find_answer(c, &err);
    if (status == DBK_OK && (c->is_replay || c->is_other)) {
        answer_again(c);
        return;
    }
    if (status == DBK_OK)
        status = find_register(c, &is_register, &err);
    if (status == DBK_OK && !is_register) {
        end_turn(c);
        dbk_call_fail(call, 400, "there is no such cash register");
        return;
    }
    c->is_outrun = false;
    if (status == DBK_OK)
        status = dbk_pos_draft_make(&c->draft, c->turn.book, dbk_call_snapshot(call), call->tenant,
                                    call->now_ms, dbk_call_threads(call), &err);
    dbk_call_end_read(call);
    if (status != DBK_OK) {
        end_turn(c);
        dispose(c);
        dbk_call_fail_read(call, status, &err);
        return;
    }
    // The answer may be under way before this returns: nothing of the call may be touched any more.
    dbk_store_transact(call->app->store, call->tenant, decide, c, on_done, c);
}

static void run_attempt(dbk_job *job)
{
    attempt(((dbk_call *)job)->state);
}

static void begin_turn(dbk_pos_turn *turn)
{
    closing *c = (closing *)turn;
    dbk_call_defer(c->call, run_attempt);
}

void dbk_pos_closure_create(dbk_call *call)
{
    dbk_error err;
    closing *c = dbk_arena_zalloc(&call->arena, sizeof(*c));
    if (c == NULL) {
        dbk_call_fail_write(call, DBK_NO_MEMORY, "Out of memory; nothing was stored.");
        return;
    }
    c->call = call;
    call->state = c;
    const char *why = read_body(c);
    if (why != NULL) {
        dbk_call_fail(call, 400, "%s", why);
        return;
    }
    if (!dbk_idempotency_begin(call, &c->key))
        return;
    dbk_call_keep(call);
    dbk_idempotency_sweep(&c->key, call->app->store, call->tenant);
    c->turn.begin = begin_turn;
    // Once this returns the answer may be under way, and nothing of the call may be touched any more.
    dbk_status status = dbk_pos_turn_take(call->app->pos_books, call->tenant, &c->turn, &err);
    if (status != DBK_OK)
        dbk_call_fail_write(call, status, err.message);
}
