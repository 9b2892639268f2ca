// SPDX-License-Identifier: Apache-2.0
// The sets of routes, and the look-up: those whose paths begin with the same letter are tried in order.
#include "http/app/route.h"

#include <assert.h>
#include <pthread.h>
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

// A path in the parts that are compared: what stands before the parameter, or all, and what stands behind it.
typedef struct pattern {
    const dbk_route *route;
    const char *before, *behind;
    uint16_t before_length, behind_length;
    bool has_parameter;
    int next; // number of the next whose path begins alike, or -1
} pattern;

enum { PATTERNS_MAX = 128 };

static pattern patterns[PATTERNS_MAX]; // by number
static int first_patterns[256];        // by the letter behind the first slash; -1 = none
static pthread_once_t patterns_once = PTHREAD_ONCE_INIT;

static uint8_t first_letter(const char *path, size_t length)
{
    return length > 1 ? (uint8_t)path[1] : 0;
}

static void make_patterns(void)
{
    const int count = dbk_route_count();
    assert(count <= PATTERNS_MAX);
    memset(first_patterns, -1, sizeof(first_patterns));
    for (int i = count - 1; i >= 0; i--) {
        const dbk_route *route = dbk_route_at(i);
        const char *open = strchr(route->path, '{');
        const char *behind = open != NULL ? strchr(open, '}') + 1 : "";
        const size_t before = open != NULL ? (size_t)(open - route->path) : strlen(route->path);
        int *first = &first_patterns[first_letter(route->path, before)];
        patterns[i] = (pattern){.route = route,
                                .before = route->path,
                                .behind = behind,
                                .before_length = (uint16_t)before,
                                .behind_length = (uint16_t)strlen(behind),
                                .has_parameter = open != NULL,
                                .next = *first};
        *first = i;
    }
}

// "{name}" matches any one part that is not empty.
static bool matches_path(const pattern *p, dbk_text path, dbk_text *argument)
{
    const uint32_t fixed = (uint32_t)p->before_length + p->behind_length;
    if (p->has_parameter ? path.length <= fixed : path.length != fixed)
        return false;
    // Most differ in their last byte, if not in their length.
    if (path.data[p->before_length - 1] != p->before[p->before_length - 1] ||
        memcmp(path.data, p->before, p->before_length) != 0)
        return false;
    if (!p->has_parameter)
        return true;
    *argument = (dbk_text){path.data + p->before_length, path.length - fixed};
    return memcmp(argument->data + argument->length, p->behind, p->behind_length) == 0 &&
           memchr(argument->data, '/', argument->length) == NULL;
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
    pthread_once(&patterns_once, make_patterns);
    for (int i = first_patterns[first_letter(path.data, path.length)]; i >= 0; i = patterns[i].next) {
        const pattern *p = &patterns[i];
        const dbk_route *route = p->route;
        *argument = (dbk_text){NULL, 0};
        if (!matches_path(p, path, argument))
            continue;
        bool is_question = reads_by_body(route);
        if (dbk_text_equal(wanted, dbk_text_from(route->method)) ||
            (is_question && dbk_text_equal(wanted, DBK_TEXT("QUERY"))))
            return route;
        add_allowed(allowed, route->method);
        if (is_question)
            add_allowed(allowed, "QUERY");
    }
    *argument = (dbk_text){NULL, 0};
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
