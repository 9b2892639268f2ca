// SPDX-License-Identifier: Apache-2.0
// Export jobs that wait for their turn: in order within a tenant, of which one runs at a time, and the
// tenants in turn, so that a tenant with a thousand jobs keeps nobody else waiting for more than one of them.
// Holds names only; what a job is stands in its row. Not thread-safe: its owner has a lock.
#ifndef DBK_EXPORT_QUEUE_H
#define DBK_EXPORT_QUEUE_H

#include "http/exports/export.h"

#include <stdatomic.h>

typedef struct dbk_export_line dbk_export_line; // the jobs of one tenant

typedef struct dbk_export_ticket {
    struct dbk_export_ticket *next;
    dbk_export_line *line;
    char id[DBK_EXPORT_ID_BYTES + 1];
    atomic_bool cancelled; // read by the thread that runs it
} dbk_export_ticket;

// A zeroed struct is an empty queue.
typedef struct dbk_export_queue {
    dbk_export_line *first, *last; // the tenants in the order of their turns
} dbk_export_queue;

// A place for a job that is on its way to the disk, so that queueing it cannot fail. NULL when memory is out.
dbk_export_ticket *dbk_export_queue_reserve(dbk_export_queue *queue, dbk_text tenant, const char *id);
// The job may run: it waits behind the others of its tenant.
void dbk_export_queue_admit(dbk_export_ticket *ticket);
// The next job to run; NULL when nothing waits, or only for others of the same tenant.
dbk_export_ticket *dbk_export_queue_take(dbk_export_queue *queue);
// Ends a ticket that was reserved or taken.
void dbk_export_queue_release(dbk_export_queue *queue, dbk_export_ticket *ticket);

dbk_text dbk_export_ticket_tenant(const dbk_export_ticket *ticket);
// The tenant's running job of this id, or NULL.
dbk_export_ticket *dbk_export_queue_running(const dbk_export_queue *queue, dbk_text tenant, dbk_text id);
// How many tickets a tenant has: reserved, waiting and running.
size_t dbk_export_queue_count(const dbk_export_queue *queue, dbk_text tenant);
// Sets `cancelled` of every running job.
void dbk_export_queue_interrupt(const dbk_export_queue *queue);
// Every ticket must have been released or be waiting.
void dbk_export_queue_dispose(dbk_export_queue *queue);

#endif
