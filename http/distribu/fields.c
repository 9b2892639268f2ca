// SPDX-License-Identifier: Apache-2.0
// The choice of columns.
#include "http/distribu/fields.h"

#include <string.h>

static dbk_text next_name(dbk_text *list)
{
    const char *comma = memchr(list->data, ',', list->length);
    uint32_t length = comma != NULL ? (uint32_t)(comma - list->data) : list->length;
    uint32_t step = comma != NULL ? length + 1 : length;
    dbk_text name = {list->data, length};
    *list = (dbk_text){list->data + step, list->length - step};
    return name;
}

static bool is_known(const char *const *known, dbk_text name)
{
    for (; *known != NULL; known++)
        if (dbk_text_equal(name, dbk_text_from(*known)))
            return true;
    return false;
}

bool dbk_fields_read(dbk_call *call, const char *const *known, dbk_fields *out)
{
    out->wanted = dbk_call_param(call, "fields");
    dbk_call_tag(call, out->wanted.data, out->wanted.length);
    dbk_text rest = out->wanted;
    while (rest.length > 0) {
        dbk_text name = next_name(&rest);
        if (is_known(known, name))
            continue;
        dbk_call_fail(call, 400, "Unknown field \"%.*s\".", (int)(name.length < 64 ? name.length : 64),
                      name.data);
        return false;
    }
    return true;
}

bool dbk_fields_open(const dbk_fields *fields, dbk_out *out, const char *name)
{
    dbk_text rest = fields->wanted;
    bool is_wanted = rest.length == 0;
    while (!is_wanted && rest.length > 0)
        is_wanted = dbk_text_equal(next_name(&rest), dbk_text_from(name));
    if (is_wanted)
        dbk_out_key(out, name);
    return is_wanted;
}
