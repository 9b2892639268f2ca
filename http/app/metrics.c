// SPDX-License-Identifier: Apache-2.0
// Counters per route and status, one latency histogram, and what the store says of itself.
#include "http/app/metrics.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { ROUTES_MAX = 128, BOUNDS = 13 };

static const int statuses[] = {200, 201, 202, 304, 400, 401, 403, 404, 405,
                               409, 411, 413, 415, 422, 429, 500, 503, 507};
enum { STATUSES = DBK_COUNT(statuses) + 1 }; // the last counts all others

static const int64_t bounds_us[BOUNDS] = {50,    100,   250,   500,    1000,   2500,   5000,
                                          10000, 25000, 50000, 100000, 250000, 1000000};

struct dbk_metrics {
    atomic_uint_fast64_t requests[ROUTES_MAX + 1][STATUSES]; // the last row: no route
    atomic_uint_fast64_t refused[STATUSES];
    atomic_uint_fast64_t latency[BOUNDS + 1];
    atomic_uint_fast64_t latency_ns;
    atomic_uint_fast64_t stored, rejected, cache_hits, cache_misses;
};

static void count(atomic_uint_fast64_t *counter, uint64_t by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

static uint64_t value_of(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

dbk_status dbk_metrics_create(dbk_metrics **out, dbk_error *err)
{
    *out = calloc(1, sizeof(**out));
    return *out != NULL ? DBK_OK : dbk_fail(err, DBK_NO_MEMORY, "no memory for metrics");
}

void dbk_metrics_destroy(dbk_metrics *metrics)
{
    free(metrics);
}

static int status_place(int status)
{
    for (int i = 0; i < STATUSES - 1; i++)
        if (statuses[i] == status)
            return i;
    return STATUSES - 1;
}

void dbk_metrics_request(dbk_metrics *metrics, const dbk_route *route, int status, int64_t nanoseconds)
{
    int row = route != NULL ? dbk_route_number(route) : ROUTES_MAX;
    int bucket = 0;
    count(&metrics->requests[row < ROUTES_MAX ? row : ROUTES_MAX][status_place(status)], 1);
    while (bucket < BOUNDS && nanoseconds > bounds_us[bucket] * 1000)
        bucket++;
    count(&metrics->latency[bucket], 1);
    count(&metrics->latency_ns, nanoseconds > 0 ? (uint64_t)nanoseconds : 0);
}

void dbk_metrics_ingest(dbk_metrics *metrics, uint64_t stored, uint64_t rejected)
{
    count(&metrics->stored, stored);
    count(&metrics->rejected, rejected);
}

void dbk_metrics_cache(dbk_metrics *metrics, bool was_hit)
{
    count(was_hit ? &metrics->cache_hits : &metrics->cache_misses, 1);
}

void dbk_metrics_refused(dbk_metrics *metrics, int status)
{
    count(&metrics->refused[status_place(status)], 1);
}

static void write_family(dbk_buffer *out, const char *name, const char *type, const char *help)
{
    dbk_buffer_format(out, "# TYPE daybook_%s %s\n# HELP daybook_%s %s\n", name, type, name, help);
}

static void write_gauge(dbk_buffer *out, const char *name, const char *help, uint64_t value)
{
    write_family(out, name, "gauge", help);
    dbk_buffer_format(out, "daybook_%s %llu\n", name, (unsigned long long)value);
}

static void write_counter(dbk_buffer *out, const char *name, const char *help, uint64_t value)
{
    write_family(out, name, "counter", help);
    dbk_buffer_format(out, "daybook_%s_total %llu\n", name, (unsigned long long)value);
}

static void write_status_label(dbk_buffer *out, int place)
{
    if (place < STATUSES - 1)
        dbk_buffer_format(out, "status=\"%d\"", statuses[place]);
    else
        dbk_buffer_format(out, "status=\"other\"");
}

static void write_requests(const dbk_metrics *metrics, dbk_buffer *out)
{
    write_family(out, "http_requests", "counter", "Requests by route and status.");
    for (int row = 0; row <= ROUTES_MAX; row++) {
        if (row >= dbk_route_count() && row < ROUTES_MAX)
            continue;
        const char *method = row < ROUTES_MAX ? dbk_route_at(row)->method : "";
        const char *path = row < ROUTES_MAX ? dbk_route_at(row)->path : "none";
        for (int place = 0; place < STATUSES; place++) {
            uint64_t value = value_of(&metrics->requests[row][place]);
            if (value == 0)
                continue;
            dbk_buffer_format(out, "daybook_http_requests_total{method=\"%s\",route=\"%s\",", method, path);
            write_status_label(out, place);
            dbk_buffer_format(out, "} %llu\n", (unsigned long long)value);
        }
    }
    write_family(out, "http_refused", "counter", "Requests that were refused before any route saw them.");
    for (int place = 0; place < STATUSES; place++) {
        uint64_t value = value_of(&metrics->refused[place]);
        if (value == 0)
            continue;
        dbk_buffer_format(out, "daybook_http_refused_total{");
        write_status_label(out, place);
        dbk_buffer_format(out, "} %llu\n", (unsigned long long)value);
    }
}

// Nanoseconds as seconds, exactly.
static void write_seconds(dbk_buffer *out, uint64_t nanoseconds)
{
    dbk_buffer_format(out, "%llu.%09llu", (unsigned long long)(nanoseconds / 1000000000),
                      (unsigned long long)(nanoseconds % 1000000000));
}

static void write_latency(const dbk_metrics *metrics, dbk_buffer *out)
{
    uint64_t total = 0;
    dbk_buffer_format(out,
                      "# TYPE daybook_http_request_seconds histogram\n# UNIT daybook_http_request_seconds "
                      "seconds\n# HELP daybook_http_request_seconds From the whole request to its reply.\n");
    for (int i = 0; i <= BOUNDS; i++) {
        total += value_of(&metrics->latency[i]);
        dbk_buffer_format(out, "daybook_http_request_seconds_bucket{le=\"");
        if (i < BOUNDS)
            write_seconds(out, (uint64_t)bounds_us[i] * 1000);
        else
            dbk_buffer_format(out, "+Inf");
        dbk_buffer_format(out, "\"} %llu\n", (unsigned long long)total);
    }
    dbk_buffer_format(out, "daybook_http_request_seconds_count %llu\ndaybook_http_request_seconds_sum ",
                      (unsigned long long)total);
    write_seconds(out, value_of(&metrics->latency_ns));
    dbk_buffer_u8(out, '\n');
}

static void write_tables(dbk_store *store, dbk_buffer *out)
{
    dbk_db *db = dbk_store_db(store);
    dbk_read read = dbk_read_begin(db);
    size_t tenants = dbk_snapshot_tenants(read.snapshot);
    write_gauge(out, "tenants", "Companies with data.", tenants);
    write_gauge(out, "snapshot_number", "The change that readers see last.",
                dbk_snapshot_number(read.snapshot));
    write_family(out, "rows", "gauge", "Rows by table, over all companies.");
    for (int id = 1; id < DBK_TABLE_END; id++) {
        uint64_t rows = 0;
        for (size_t i = 0; i < tenants; i++)
            rows += dbk_snapshot_rows(read.snapshot, dbk_snapshot_tenant_name(read.snapshot, i),
                                      (dbk_table_id)id);
        dbk_buffer_format(out, "daybook_rows{table=\"%s\"} %llu\n", dbk_table_def_by_id(id)->name,
                          (unsigned long long)rows);
    }
    dbk_read_end(db, &read);
}

static void write_store(dbk_store *store, dbk_buffer *out)
{
    dbk_store_figures figures;
    dbk_store_figures_read(store, &figures);
    write_gauge(out, "read_only", "1 after a failed write or sync, until restart.", figures.read_only);
    write_counter(out, "changes", "Changes stored.", figures.changes);
    write_counter(out, "log_groups", "Synced writes of the log; changes share them.", figures.groups);
    write_counter(out, "checkpoints", "Times the log was turned into segment files.", figures.checkpoints);
    write_counter(out, "segments_written", "Segment files written.", figures.segments_written);
    write_gauge(out, "log_bytes", "Bytes of the log.", figures.log_bytes);
    write_gauge(out, "log_since_checkpoint_bytes", "Bytes a restart has to replay.",
                figures.log_bytes_since_checkpoint);
    write_gauge(out, "memory_bytes",
                "Bytes held for rows, keys and dictionaries, without texts that are on disk only.",
                figures.memory_bytes);
    write_gauge(out, "memory_budget_bytes", "Past this, writes are refused with 507.", figures.memory_budget);
    write_gauge(out, "texts_resident_bytes", "Texts in memory that may leave it, for they are on disk.",
                figures.cold.resident_bytes);
    write_gauge(out, "texts_unwritten_bytes", "Texts in memory that may leave it after a checkpoint.",
                figures.cold.waiting_bytes);
    write_gauge(out, "texts_on_disk_bytes", "Texts that are on disk only.", figures.cold.on_disk_bytes);
    write_counter(out, "texts_hits", "Reads of texts of segments partly on disk that found them in memory.",
                  figures.cold.hits);
    write_counter(out, "texts_misses", "Reads of texts that had to wait for the disk.", figures.cold.misses);
    write_counter(out, "texts_read_bytes", "Bytes of texts read back from disk.", figures.cold.read_bytes);
    write_counter(out, "texts_failures", "Reads of texts that the disk made fail.", figures.cold.failures);
}

static void write_events(dbk_pos_events *events, dbk_buffer *out)
{
    dbk_pos_events_figures figures = dbk_pos_events_figures_read(events);
    write_gauge(out, "event_streams", "Open streams of events.", figures.streams);
    write_counter(out, "events_published", "Events made for those who listen.", figures.published);
    write_counter(out, "event_streams_dropped", "Streams cut off because their reader did not read.",
                  figures.dropped);
    write_counter(out, "event_resets", "Streams that were told that events are missing.", figures.resets);
}

void dbk_metrics_write(dbk_metrics *metrics, dbk_store *store, dbk_pos_events *events, bool ready,
                       dbk_buffer *out)
{
    write_family(out, "build", "info", "The running version.");
    dbk_buffer_format(out, "daybook_build_info{version=\"" DBK_VERSION "\"} 1\n");
    write_gauge(out, "ready", "1 while /readyz says so.", ready);
    write_requests(metrics, out);
    write_latency(metrics, out);
    write_counter(out, "rows_stored", "Rows stored through /ingest.", value_of(&metrics->stored));
    write_counter(out, "rows_rejected", "Rows rejected by /ingest.", value_of(&metrics->rejected));
    write_counter(out, "answer_cache_hits", "Reads answered with bytes that were kept.",
                  value_of(&metrics->cache_hits));
    write_counter(out, "answer_cache_misses", "Reads that had to be computed.",
                  value_of(&metrics->cache_misses));
    if (events != NULL)
        write_events(events, out);
    write_store(store, out);
    write_tables(store, out);
    dbk_buffer_format(out, "# EOF\n");
}
