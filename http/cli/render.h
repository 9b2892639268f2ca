// SPDX-License-Identifier: Apache-2.0
// A JSON answer for a person or a spreadsheet. Works on any report: objects of scalars become "name value"
// lines, arrays of objects become tables, so a new report needs nothing here.
#ifndef DBK_CLI_RENDER_H
#define DBK_CLI_RENDER_H

#include "engine/base/types.h"

#include <stdio.h>

typedef enum dbk_render_format { DBK_RENDER_JSON, DBK_RENDER_CSV, DBK_RENDER_TABLE } dbk_render_format;

bool dbk_render_format_parse(const char *name, dbk_render_format *out);

// CSV is the report's main list: its `rows` or `records`, else its `daily`, else its first array. Text cells
// that a spreadsheet would run as a formula get a leading apostrophe. Returns an exit code.
int dbk_render(FILE *out, dbk_render_format format, const void *json, size_t size);

#endif
