// SPDX-License-Identifier: Apache-2.0
// The parameters of a query string, decoded as browsers encode them ('+' is a space, %XX a byte). A parameter
// given twice counts once: the first wins. A parameter without text counts as absent, which is what the
// dialects' own servers do.
#ifndef DBK_PARAMS_H
#define DBK_PARAMS_H

#include "engine/base/arena.h"
#include "engine/base/types.h"

enum { DBK_PARAMS_MAX = 128 };

typedef struct dbk_param {
    dbk_text name, value;
} dbk_param;

typedef struct dbk_params {
    int count;
    dbk_param *items;
} dbk_params;

// All of them live in the arena. False: not UTF-8 once decoded, a broken escape, more than DBK_PARAMS_MAX
// parameters, or no memory.
bool dbk_params_parse(dbk_params *params, dbk_text query, dbk_arena *arena);
// Length 0 when absent.
dbk_text dbk_params_get(const dbk_params *params, const char *name);

#endif
