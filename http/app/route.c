// SPDX-License-Identifier: Apache-2.0
// The sets of routes, and the look-up. Routes are few; they are tried in order.
#include "http/app/route.h"

#include <string.h>

static const dbk_route_set *const sets[] = {&dbk_distribu_routes, &dbk_blocks_routes, &dbk_pos_routes,
                                            &dbk_stoq_routes, &dbk_own_routes};

int dbk_route_count(void)
{
    int count = 0;
    for (size_t i = 0; i < DBK_COUNT(sets); i++)
        count += sets[i]->count;
    return count;
}

const dbk_route *dbk_route_at(int number)
{
    for (size_t i = 0; i < DBK_COUNT(sets); i++) {
        if (number < sets[i]->count)
            return &sets[i]->routes[number];
        number -= sets[i]->count;
    }
    return NULL;
}

int dbk_route_number(const dbk_route *route)
{
    int before = 0;
    for (size_t i = 0; i < DBK_COUNT(sets); i++) {
        if (route >= sets[i]->routes && route < sets[i]->routes + sets[i]->count)
            return before + (int)(route - sets[i]->routes);
        before += sets[i]->count;
    }
    return before;
}

// Compares part by part; "{name}" matches any one part that is not empty.
static bool matches_path(const char *pattern, dbk_text path, dbk_text *argument)
{
    const char *at = path.data, *end = path.data + path.length;
    while (*pattern != 0) {
        if (*pattern != '{') {
            if (at == end || *at != *pattern)
                return false;
            at++;
            pattern++;
            continue;
        }
        const char *slash = at < end ? memchr(at, '/', (size_t)(end - at)) : NULL;
        const char *stop = slash != NULL ? slash : end;
        if (stop == at)
            return false;
        *argument = (dbk_text){at, (uint32_t)(stop - at)};
        at = stop;
        pattern = strchr(pattern, '}') + 1;
    }
    return at == end;
}

static void add_allowed(char allowed[DBK_ALLOWED_MAX], const char *method)
{
    size_t used = strlen(allowed);
    const char *also = strcmp(method, "GET") == 0 ? ", HEAD" : "";
    if (used + strlen(method) + strlen(also) + 3 > DBK_ALLOWED_MAX)
        return;
    if (used > 0)
        strcat(allowed, ", ");
    strcat(allowed, method);
    strcat(allowed, also);
}

// A POST that only reads is what the method QUERY is for.
static bool reads_by_body(const dbk_route *route)
{
    return route->cost == DBK_COST_READ && strcmp(route->method, "POST") == 0;
}

const dbk_route *dbk_route_find(dbk_text method, dbk_text path, dbk_text *argument,
                                char allowed[DBK_ALLOWED_MAX])
{
    allowed[0] = 0;
    dbk_text wanted = dbk_text_equal(method, DBK_TEXT("HEAD")) ? DBK_TEXT("GET") : method;
    for (size_t i = 0; i < DBK_COUNT(sets); i++) {
        const dbk_route *end = sets[i]->routes + sets[i]->count;
        for (const dbk_route *route = sets[i]->routes; route < end; route++) {
            *argument = (dbk_text){NULL, 0};
            if (!matches_path(route->path, path, argument))
                continue;
            bool is_question = reads_by_body(route);
            if (dbk_text_equal(wanted, dbk_text_from(route->method)) ||
                (is_question && dbk_text_equal(wanted, DBK_TEXT("QUERY"))))
                return route;
            add_allowed(allowed, route->method);
            if (is_question)
                add_allowed(allowed, "QUERY");
        }
    }
    return NULL;
}

const dbk_dialect *dbk_dialect_of_path(dbk_text path)
{
    static const dbk_dialect *const dialects[] = {&dbk_dialect_distribu, &dbk_dialect_blocks,
                                                  &dbk_dialect_pos, &dbk_dialect_stoq};
    static const char events[] = "/events"; // the point of sale's, outside its prefix
    if (path.length >= sizeof(events) - 1 && memcmp(path.data, events, sizeof(events) - 1) == 0)
        return &dbk_dialect_pos;
    for (size_t i = 0; i < DBK_COUNT(dialects); i++) {
        size_t length = strlen(dialects[i]->prefix);
        if (path.length >= length && memcmp(path.data, dialects[i]->prefix, length) == 0)
            return dialects[i];
    }
    return &dbk_dialect_distribu;
}
