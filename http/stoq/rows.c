// SPDX-License-Identifier: Apache-2.0
// A resolved request run: for a read, or for an export.
#include "http/stoq/rows.h"

#include "http/stoq/run.h"

static dbk_status run_request(dbk_stoq_run *run, dbk_error *err)
{
    dbk_status status = run->request->report->yield(run, err);
    dbk_stoq_rates_dispose(run);
    return status;
}

dbk_status dbk_stoq_read(const dbk_stoq_request *request, const dbk_snapshot *snapshot, dbk_text tenant,
                         int threads, const dbk_stoq_sink *sink, dbk_error *err)
{
    dbk_stoq_run run = {
        .request = request, .snapshot = snapshot, .tenant = tenant, .sink = sink, .threads = threads};
    return run_request(&run, err);
}

dbk_status dbk_stoq_rows(const dbk_stoq_request *request, const dbk_snapshot *snapshot, dbk_text tenant,
                         int threads, const dbk_stoq_sink *sink, dbk_error *err)
{
    dbk_stoq_run run = {.request = request,
                        .snapshot = snapshot,
                        .tenant = tenant,
                        .sink = sink,
                        .threads = threads,
                        .is_export = true};
    return run_request(&run, err);
}

// ---- On trial ----

static dbk_status drop_set(void *user, const dbk_stoq_set *set, const dbk_stoq_column *const *columns,
                           int count, dbk_error *err)
{
    (void)user, (void)set, (void)columns, (void)count, (void)err;
    return DBK_OK;
}

static dbk_status drop_row(void *user, const dbk_stoq_cell *cells, int count, dbk_error *err)
{
    (void)user, (void)cells, (void)count, (void)err;
    return DBK_OK;
}

dbk_status dbk_stoq_try(const dbk_stoq_request *request, const dbk_snapshot *snapshot, dbk_text tenant,
                        int threads, dbk_error *err)
{
    const dbk_stoq_sink sink = {.begin = drop_set, .row = drop_row};
    dbk_stoq_run run = {.request = request,
                        .snapshot = snapshot,
                        .tenant = tenant,
                        .sink = &sink,
                        .threads = threads,
                        .is_export = true,
                        .is_trial = true};
    DBK_TRY(dbk_stoq_currencies_read(&run, err));
    return run.currencies == DBK_STOQ_CURRENCIES_CONVERTED ? run_request(&run, err) : DBK_OK;
}
