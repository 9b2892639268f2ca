// SPDX-License-Identifier: Apache-2.0
// Problems as lines of text.
#include "ingest/store/check_report.h"

#include <stdarg.h>
#include <stdio.h>

void dbk_check_problem(dbk_check *check, const char *format, ...)
{
    char line[640];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    check->report->problems++;
    if (check->problem)
        check->problem(check->user, line);
}
