// SPDX-License-Identifier: Apache-2.0
// A list of tenants, each with a list of tickets. Tenants are in the list as long as they have any.
#include "http/exports/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct dbk_export_line {
    dbk_export_line *next;
    dbk_export_ticket *first, *last; // waiting
    dbk_export_ticket *running;
    size_t count; // tickets in all
    uint32_t tenant_length;
    char tenant[DBK_TENANT_NAME_MAX + 1];
};

static dbk_export_line *find_line(const dbk_export_queue *queue, dbk_text tenant)
{
    for (dbk_export_line *line = queue->first; line != NULL; line = line->next)
        if (dbk_text_equal((dbk_text){line->tenant, line->tenant_length}, tenant))
            return line;
    return NULL;
}

static void append_line(dbk_export_queue *queue, dbk_export_line *line)
{
    line->next = NULL;
    if (queue->last != NULL)
        queue->last->next = line;
    else
        queue->first = line;
    queue->last = line;
}

static void unlink_line(dbk_export_queue *queue, dbk_export_line *line)
{
    dbk_export_line *before = NULL, **at = &queue->first;
    while (*at != line) {
        before = *at;
        at = &(*at)->next;
    }
    *at = line->next;
    if (queue->last == line)
        queue->last = before;
}

dbk_export_ticket *dbk_export_queue_reserve(dbk_export_queue *queue, dbk_text tenant, const char *id)
{
    dbk_export_ticket *ticket = calloc(1, sizeof(*ticket));
    if (ticket == NULL)
        return NULL;
    dbk_export_line *line = find_line(queue, tenant);
    if (line == NULL) {
        line = calloc(1, sizeof(*line));
        if (line == NULL) {
            free(ticket);
            return NULL;
        }
        assert(tenant.length <= DBK_TENANT_NAME_MAX);
        memcpy(line->tenant, tenant.data, tenant.length);
        line->tenant_length = tenant.length;
        append_line(queue, line);
    }
    line->count++;
    ticket->line = line;
    memcpy(ticket->id, id, DBK_EXPORT_ID_BYTES);
    return ticket;
}

void dbk_export_queue_admit(dbk_export_ticket *ticket)
{
    dbk_export_line *line = ticket->line;
    ticket->next = NULL;
    if (line->last != NULL)
        line->last->next = ticket;
    else
        line->first = ticket;
    line->last = ticket;
}

dbk_export_ticket *dbk_export_queue_take(dbk_export_queue *queue)
{
    dbk_export_line *line = queue->first;
    while (line != NULL && (line->running != NULL || line->first == NULL))
        line = line->next;
    if (line == NULL)
        return NULL;
    dbk_export_ticket *ticket = line->first;
    line->first = ticket->next;
    if (line->first == NULL)
        line->last = NULL;
    ticket->next = NULL;
    line->running = ticket;
    return ticket;
}

void dbk_export_queue_release(dbk_export_queue *queue, dbk_export_ticket *ticket)
{
    dbk_export_line *line = ticket->line;
    bool has_run = line->running == ticket;
    if (has_run)
        line->running = NULL;
    free(ticket);
    line->count--;
    if (line->count > 0 && !has_run)
        return;
    // Who had a turn stands behind those who came meanwhile.
    unlink_line(queue, line);
    if (line->count > 0)
        append_line(queue, line);
    else
        free(line);
}

dbk_text dbk_export_ticket_tenant(const dbk_export_ticket *ticket)
{
    return (dbk_text){ticket->line->tenant, ticket->line->tenant_length};
}

dbk_export_ticket *dbk_export_queue_running(const dbk_export_queue *queue, dbk_text tenant, dbk_text id)
{
    dbk_export_line *line = find_line(queue, tenant);
    bool is_it =
        line != NULL && line->running != NULL && dbk_text_equal(dbk_text_from(line->running->id), id);
    return is_it ? line->running : NULL;
}

size_t dbk_export_queue_count(const dbk_export_queue *queue, dbk_text tenant)
{
    const dbk_export_line *line = find_line(queue, tenant);
    return line != NULL ? line->count : 0;
}

void dbk_export_queue_interrupt(const dbk_export_queue *queue)
{
    for (dbk_export_line *line = queue->first; line != NULL; line = line->next)
        if (line->running != NULL)
            atomic_store(&line->running->cancelled, true);
}

void dbk_export_queue_dispose(dbk_export_queue *queue)
{
    while (queue->first != NULL) {
        dbk_export_ticket *ticket = queue->first->first;
        assert(ticket != NULL);
        queue->first->first = ticket->next;
        dbk_export_queue_release(queue, ticket);
    }
}
