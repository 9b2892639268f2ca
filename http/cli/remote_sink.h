// SPDX-License-Identifier: Apache-2.0
// The load's sink that sends batches to a server: NDJSON to POST /ingest/{table}, a few megabytes at a time.
#ifndef DBK_CLI_REMOTE_SINK_H
#define DBK_CLI_REMOTE_SINK_H

#include "http/cli/client.h"
#include "ingest/load.h"

typedef struct dbk_remote_sink {
    dbk_client *client;
    const char *tenant; // NULL when the key says it
} dbk_remote_sink;

dbk_load_sink dbk_remote_sink_of(dbk_remote_sink *target);

#endif
