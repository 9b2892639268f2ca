// SPDX-License-Identifier: Apache-2.0
// What the commands share.
#include "http/cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(const char *format, va_list arguments)
{
    fputs("daybook: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

int dbk_cli_fail(dbk_exit code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    return code;
}

int dbk_cli_usage_error(const char *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    fprintf(stderr, "daybook: `daybook %s --help` shows how it is used\n", command);
    return DBK_EXIT_USAGE;
}

bool dbk_cli_number(const char *text, int64_t low, int64_t high, int64_t *out)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < low || value > high)
        return false;
    *out = value;
    return true;
}

bool dbk_cli_bytes(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || end == text || *text == '-')
        return false;
    static const char units[] = "KMGT";
    int shift = 0;
    if (*end) {
        const char *unit = strchr(units, *end & ~0x20);
        if (!unit || !*unit)
            return false;
        shift = 10 * (int)(unit - units + 1);
        end++;
        if ((*end & ~0x20) == 'B')
            end++;
    }
    if (*end || value > UINT64_MAX >> shift)
        return false;
    *out = (uint64_t)value << shift;
    return true;
}

const char *dbk_cli_human(char out[32], double value, const char *unit)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T"};
    size_t prefix = 0;
    while (value >= 1000 && prefix + 1 < DBK_COUNT(prefixes)) {
        value /= 1000;
        prefix++;
    }
    snprintf(out, 32, prefix ? "%.1f %s%s" : "%.0f %s%s", value, prefixes[prefix], unit);
    return out;
}
