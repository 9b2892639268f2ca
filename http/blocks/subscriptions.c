// SPDX-License-Identifier: Apache-2.0
// /reports/users/subscriptions/list and …/summary.
//
// Everything is judged at the end of the period. A subscription ends at its ended_at; without one, a word
// that means "ended" says that it ended at cancelled_at, or long ago when that is missing too. So those that
// have ended are three classes without overlap, and what is active is all less these. A class is a query of a
// few rows, by model, interval and status; the classes are added with their signs.
#include "http/blocks/handlers.h"
#include "http/blocks/list.h"
#include "http/blocks/status.h"

#include <stdlib.h>

static const char *const sums[] = {"price"};
static const dbk_blocks_source subscriptions = {.table = "subscriptions",
                                                .time_column = "started_at",
                                                .id_column = "id",
                                                .sums = sums,
                                                .sums_count = DBK_COUNT(sums),
                                                .groups = DBK_BLOCKS_MODEL,
                                                .is_stock = true};

typedef struct model {
    dbk_text name; // points into a result
    int64_t subscribers;
    dbk_i128 yearly; // what a year of them costs: twelve months, which is exact where a twelfth is not
} model;

enum { RESULTS_MAX = 8, CLASS_FILTERS_MAX = 5, MONTHS = 12, WEEKS = 52 };

typedef struct summary {
    dbk_blocks_report *report;
    dbk_value from, end; // the period's ends: from <= time < end
    dbk_value *ended;    // the stored words that mean "ended"; in the call's arena
    int ended_count;
    int64_t fresh, churned;
    model active;
    model *models;
    size_t models_count, models_capacity;
    dbk_result *results[RESULTS_MAX];
    int results_count;
} summary;

// The report's rows for which some conditions more hold.
typedef struct class
{
    dbk_filter filters[DBK_BLOCKS_FILTERS_MAX + CLASS_FILTERS_MAX];
    int count;
} class;

static class all_rows(const summary *s)
{
    class c = {.count = s->report->filters_count};
    for (int i = 0; i < c.count; i++)
        c.filters[i] = s->report->filters[i];
    return c;
}

static void where(class *c, const char *column, dbk_op op, const dbk_value *values, int values_count)
{
    c->filters[c->count++] =
        (dbk_filter){.column = column, .op = op, .values = values, .values_count = values_count};
}

typedef enum ending { ENDED_BY_DATE, CANCELLED_BY_DATE, CANCELLED_EVER, ENDINGS } ending;

static class ended_rows(const summary *s, ending how)
{
    class c = all_rows(s);
    if (how == ENDED_BY_DATE) {
        where(&c, "ended_at", DBK_OP_LT, &s->end, 1);
        return c;
    }
    where(&c, "ended_at", DBK_OP_NULL, NULL, 0);
    where(&c, "status", DBK_OP_IN, s->ended, s->ended_count);
    if (how == CANCELLED_BY_DATE)
        where(&c, "cancelled_at", DBK_OP_LT, &s->end, 1);
    else
        where(&c, "cancelled_at", DBK_OP_NULL, NULL, 0);
    return c;
}

// ---- Which words mean "ended" ----

static dbk_status find_ended(summary *s, dbk_error *err)
{
    static const dbk_text meanings[] = {{"cancelled", 9}, {"expired", 7}};
    const dbk_result *census = s->report->census;
    size_t rows = dbk_result_rows(census);
    bool failed = false;
    s->ended = dbk_arena_alloc(&s->report->call->arena, (rows + 1) * sizeof(*s->ended));
    for (size_t row = 0; row < rows && s->ended != NULL; row++) {
        dbk_text word = dbk_result_text(census, row, 0);
        dbk_text status = dbk_blocks_status_of(s->report, word, &failed);
        for (size_t i = 0; i < DBK_COUNT(meanings); i++)
            if (dbk_text_equal(status, meanings[i]))
                s->ended[s->ended_count++] = (dbk_value){.kind = DBK_VALUE_TEXT, .text = word};
    }
    if (s->ended == NULL || failed)
        return dbk_fail(err, DBK_NO_MEMORY, "out of memory reading statuses");
    return DBK_OK;
}

// ---- The active ones ----

enum { MODEL, INTERVAL, STATUS, COUNT, PRICE };

static dbk_status query_class(summary *s, const class *c, dbk_result **out, dbk_error *err)
{
    static const dbk_group_key keys[] = {
        {.column = "model_name"}, {.column = "billing_interval"}, {.column = "status"}};
    static const dbk_aggregate aggregates[] = {{.kind = DBK_COUNT_ROWS},
                                               {.kind = DBK_SUM, .column = "price"}};
    static const dbk_order order[] = {{.output = MODEL}, {.output = INTERVAL}, {.output = STATUS}};
    dbk_query query = dbk_blocks_rows(s->report);
    query.filters = c->filters;
    query.filters_count = c->count;
    query.keys = keys;
    query.keys_count = DBK_COUNT(keys);
    query.aggregates = aggregates;
    query.aggregates_count = DBK_COUNT(aggregates);
    query.order = order;
    query.order_count = DBK_COUNT(order);
    DBK_TRY(dbk_blocks_run(s->report, &query, out, err));
    s->results[s->results_count++] = *out;
    return DBK_OK;
}

static model *add_model(summary *s, dbk_text name)
{
    if (s->models_count == s->models_capacity) {
        size_t capacity = s->models_capacity * 2 + 64;
        model *grown = realloc(s->models, capacity * sizeof(*grown));
        if (grown == NULL)
            return NULL;
        s->models = grown;
        s->models_capacity = capacity;
    }
    s->models[s->models_count] = (model){.name = name};
    return &s->models[s->models_count++];
}

static dbk_i128 yearly_price(const dbk_result *rows, size_t row)
{
    dbk_text interval = dbk_result_text(rows, row, INTERVAL);
    dbk_i128 price = dbk_result_sum(rows, row, PRICE);
    if (dbk_text_equal(interval, DBK_TEXT("year")))
        return price;
    return price * (dbk_text_equal(interval, DBK_TEXT("week")) ? WEEKS : MONTHS);
}

// Words of subscriptions that go on and are not paid for.
static bool brings_nothing(dbk_text status)
{
    static const dbk_text words[] = {{"paused", 6}, {"unpaid", 6}, {"trialing", 8}};
    for (size_t i = 0; i < DBK_COUNT(words); i++)
        if (dbk_text_equal(status, words[i]))
            return true;
    return false;
}

// Adds a class to the models: its subscribers and what they bring, each with a sign. *met turns true when the
// class has rows.
static dbk_status add_class(summary *s, const class *c, int subscribers_sign, int revenue_sign, bool *met,
                            dbk_error *err)
{
    dbk_result *rows;
    bool failed = false;
    DBK_TRY(query_class(s, c, &rows, err));
    *met = dbk_result_rows(rows) > 0;
    for (size_t row = 0; row < dbk_result_rows(rows); row++) {
        dbk_text status = dbk_blocks_status_of(s->report, dbk_result_text(rows, row, STATUS), &failed);
        model *m = add_model(s, dbk_result_text(rows, row, MODEL));
        if (m == NULL || failed)
            return dbk_fail(err, DBK_NO_MEMORY, "out of memory adding up subscriptions");
        m->subscribers = subscribers_sign * dbk_result_int(rows, row, COUNT);
        if (!brings_nothing(status))
            m->yearly = revenue_sign * yearly_price(rows, row);
    }
    return DBK_OK;
}

// In a trial at the end of the period: active, and brings nothing.
static dbk_status add_both(summary *s, class c, int sign, bool has_trials, bool *met_trials, dbk_error *err)
{
    bool met;
    DBK_TRY(add_class(s, &c, sign, sign, &met, err));
    if (!has_trials || !met)
        return DBK_OK;
    where(&c, "trial_ends_at", DBK_OP_GE, &s->end, 1);
    return add_class(s, &c, 0, -sign, met_trials, err);
}

static int compare_names(const void *a, const void *b)
{
    const model *x = a, *y = b;
    return dbk_text_compare(x->name, y->name);
}

static int compare_revenue(const void *a, const void *b)
{
    const model *x = a, *y = b;
    if (x->yearly != y->yearly)
        return x->yearly < y->yearly ? 1 : -1;
    return dbk_text_compare(x->name, y->name);
}

// One model of each name, and only those that somebody subscribes to.
static void fold_models(summary *s)
{
    size_t kept = 0, count = s->models_count;
    qsort(s->models, count, sizeof(*s->models), compare_names);
    for (size_t i = 0; i < count;) {
        model sum = {.name = s->models[i].name};
        for (; i < count && dbk_text_equal(s->models[i].name, sum.name); i++) {
            sum.subscribers += s->models[i].subscribers;
            sum.yearly += s->models[i].yearly;
        }
        if (sum.subscribers > 0)
            s->models[kept++] = sum;
        s->active.subscribers += sum.subscribers;
        s->active.yearly += sum.yearly;
    }
    s->models_count = kept;
    qsort(s->models, kept, sizeof(*s->models), compare_revenue);
}

static dbk_status read_active(summary *s, dbk_error *err)
{
    bool has_trials = false, unused;
    DBK_TRY(add_both(s, all_rows(s), 1, true, &has_trials, err));
    for (ending how = 0; how < ENDINGS; how++)
        if (how == ENDED_BY_DATE || s->ended_count > 0)
            DBK_TRY(add_both(s, ended_rows(s, how), -1, has_trials, &unused, err));
    if (s->models_count > 0)
        fold_models(s);
    return DBK_OK;
}

// ---- What happened in the period ----

static dbk_status count_rows(const summary *s, const class *c, int64_t *count, dbk_error *err)
{
    static const dbk_aggregate rows = {.kind = DBK_COUNT_ROWS};
    dbk_query query = dbk_blocks_rows(s->report);
    query.filters = c->filters;
    query.filters_count = c->count;
    query.aggregates = &rows;
    query.aggregates_count = 1;
    dbk_result *result;
    DBK_TRY(dbk_blocks_run(s->report, &query, &result, err));
    *count += dbk_result_int(result, 0, 0);
    dbk_result_free(result);
    return DBK_OK;
}

static void where_trial_ends(const summary *s, class *c)
{
    where(c, "trial_ends_at", DBK_OP_GE, &s->from, 1);
    where(c, "trial_ends_at", DBK_OP_LT, &s->end, 1);
}

// Takes away those that had ended, at the time in this column, when their trial did: they were never active.
static dbk_status take_tried(summary *s, class c, const char *ended, dbk_error *err)
{
    const dbk_group_key keys[] = {{.column = "trial_ends_at"}, {.column = ended}};
    static const dbk_aggregate rows = {.kind = DBK_COUNT_ROWS};
    where_trial_ends(s, &c);
    dbk_query query = dbk_blocks_rows(s->report);
    query.filters = c.filters;
    query.filters_count = c.count;
    query.keys = keys;
    query.keys_count = DBK_COUNT(keys);
    query.aggregates = &rows;
    query.aggregates_count = 1;
    dbk_result *result;
    DBK_TRY(dbk_blocks_run(s->report, &query, &result, err));
    for (size_t row = 0; row < dbk_result_rows(result); row++)
        if (dbk_result_int(result, row, 1) <= dbk_result_int(result, row, 0))
            s->fresh -= dbk_result_int(result, row, 2);
    dbk_result_free(result);
    return DBK_OK;
}

// What ended without saying when had ended before every trial.
static dbk_status take_tried_by_word(summary *s, dbk_error *err)
{
    class ever = ended_rows(s, CANCELLED_EVER);
    int64_t count = 0;
    where_trial_ends(s, &ever);
    DBK_TRY(take_tried(s, ended_rows(s, CANCELLED_BY_DATE), "cancelled_at", err));
    DBK_TRY(count_rows(s, &ever, &count, err));
    s->fresh -= count;
    return DBK_OK;
}

static dbk_status read_fresh(summary *s, dbk_error *err)
{
    class paid_at_once = all_rows(s), after_trial = all_rows(s);
    int64_t tried = 0;
    where(&paid_at_once, "trial_ends_at", DBK_OP_NULL, NULL, 0);
    where(&paid_at_once, "started_at", DBK_OP_GE, &s->from, 1);
    where_trial_ends(s, &after_trial);
    DBK_TRY(count_rows(s, &paid_at_once, &s->fresh, err));
    DBK_TRY(count_rows(s, &after_trial, &tried, err));
    s->fresh += tried;
    if (tried == 0)
        return DBK_OK;
    DBK_TRY(take_tried(s, ended_rows(s, ENDED_BY_DATE), "ended_at", err));
    return s->ended_count > 0 ? take_tried_by_word(s, err) : DBK_OK;
}

static dbk_status read_churned(summary *s, dbk_error *err)
{
    class by_date = ended_rows(s, ENDED_BY_DATE), by_word = ended_rows(s, CANCELLED_BY_DATE);
    where(&by_date, "ended_at", DBK_OP_GE, &s->from, 1);
    where(&by_word, "cancelled_at", DBK_OP_GE, &s->from, 1);
    DBK_TRY(count_rows(s, &by_date, &s->churned, err));
    return s->ended_count > 0 ? count_rows(s, &by_word, &s->churned, err) : DBK_OK;
}

// ---- The reports ----

static void write_revenue(const summary *s, dbk_out *out, const char *key, dbk_i128 yearly)
{
    dbk_out_key(out, key);
    dbk_out_money(out, yearly, MONTHS, s->report->currency.digits);
}

static void write_summary(const summary *s)
{
    int64_t total = s->report->total.rows;
    dbk_out out = dbk_blocks_open(s->report);
    dbk_blocks_write_count(&out, "total_subscriptions", total);
    dbk_blocks_write_count(&out, "active_subscriptions", s->active.subscribers);
    dbk_blocks_write_count(&out, "cancelled_subscriptions", total - s->active.subscribers);
    dbk_blocks_write_count(&out, "new_subscriptions", s->fresh);
    dbk_blocks_write_count(&out, "churned_subscriptions", s->churned);
    write_revenue(s, &out, "mrr", s->active.yearly);
    dbk_blocks_write_currency(s->report, &out);
    dbk_out_key(&out, "by_model");
    dbk_out_array(&out);
    for (size_t i = 0; i < s->models_count; i++) {
        dbk_out_object(&out);
        dbk_out_key(&out, "model_name");
        dbk_out_text(&out, s->models[i].name);
        dbk_blocks_write_count(&out, "subscribers", s->models[i].subscribers);
        write_revenue(s, &out, "revenue", s->models[i].yearly);
        dbk_out_object_end(&out);
    }
    dbk_out_array_end(&out);
    dbk_blocks_write_percent(&out, "churn_rate", s->churned, total);
    dbk_blocks_close(&out);
}

static dbk_status read_summary(summary *s, dbk_error *err)
{
    DBK_TRY(find_ended(s, err));
    DBK_TRY(read_active(s, err));
    DBK_TRY(read_fresh(s, err));
    return read_churned(s, err);
}

void dbk_blocks_subscriptions_summary(dbk_call *call)
{
    dbk_blocks_report report;
    dbk_error err;
    if (!dbk_blocks_begin(call, &report, &subscriptions))
        return;
    summary s = {.report = &report,
                 .from = {.kind = DBK_VALUE_INT, .number = report.period_from_ms},
                 .end = {.kind = DBK_VALUE_INT, .number = report.period_to_ms}};
    dbk_status status = read_summary(&s, &err);
    if (status == DBK_OK)
        write_summary(&s);
    for (int i = 0; i < s.results_count; i++)
        dbk_result_free(s.results[i]);
    free(s.models);
    dbk_blocks_end(&report, status, &err);
}

void dbk_blocks_subscriptions_list(dbk_call *call)
{
    static const dbk_blocks_column columns[] = {
        {"user_id", "customer_id", DBK_BLOCKS_TEXT},   {"subscription_id", "id", DBK_BLOCKS_TEXT},
        {"model_name", "model_name", DBK_BLOCKS_TEXT}, {"status", "status", DBK_BLOCKS_STATUS},
        {"price", "price", DBK_BLOCKS_MONEY},          {"started_at", "started_at", DBK_BLOCKS_TIME},
    };
    static const dbk_blocks_list list = {columns, DBK_COUNT(columns), NULL};
    dbk_blocks_answer_list(call, &subscriptions, &list);
}
