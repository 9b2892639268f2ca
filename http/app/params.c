// SPDX-License-Identifier: Apache-2.0
// Query strings.
#include "http/app/params.h"

#include "engine/base/utf8.h"

#include <string.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(dbk_text raw, dbk_arena *arena, dbk_text *out)
{
    char *text = dbk_arena_alloc(arena, (size_t)raw.length + 1);
    if (text == NULL)
        return false;
    uint32_t length = 0;
    for (uint32_t i = 0; i < raw.length; i++) {
        char c = raw.data[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < raw.length ? hex_value(raw.data[i + 1]) : -1;
            int low = i + 2 < raw.length ? hex_value(raw.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        text[length++] = c;
    }
    *out = (dbk_text){text, length};
    return dbk_utf8_invalid_at(text, length) == length && memchr(text, 0, length) == NULL;
}

// Room for all that there may be.
static dbk_param *make_room(dbk_text query, dbk_arena *arena)
{
    size_t most = 1;
    for (uint32_t i = 0; i < query.length; i++)
        most += query.data[i] == '&';
    return dbk_arena_alloc(arena, (most < DBK_PARAMS_MAX ? most : DBK_PARAMS_MAX) * sizeof(dbk_param));
}

bool dbk_params_parse(dbk_params *params, dbk_text query, dbk_arena *arena)
{
    *params = (dbk_params){0};
    if (query.length == 0)
        return true;
    params->items = make_room(query, arena);
    if (params->items == NULL)
        return false;
    const char *at = query.data, *end = query.data + query.length;
    while (at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        const char *name_end = equals != NULL ? equals : stop;
        dbk_text name = {at, (uint32_t)(name_end - at)};
        dbk_text value = {NULL, 0};
        if (equals != NULL)
            value = (dbk_text){equals + 1, (uint32_t)(stop - equals - 1)};
        at = stop + 1;
        if (name.length == 0)
            continue;
        if (params->count == DBK_PARAMS_MAX)
            return false;
        if (!decode(name, arena, &params->items[params->count].name) ||
            !decode(value, arena, &params->items[params->count].value))
            return false;
        params->count++;
    }
    return true;
}

dbk_text dbk_params_get(const dbk_params *params, const char *name)
{
    dbk_text wanted = dbk_text_from(name);
    for (int i = 0; i < params->count; i++)
        if (dbk_text_equal(params->items[i].name, wanted))
            return params->items[i].value;
    return (dbk_text){NULL, 0};
}
