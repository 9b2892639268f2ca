// SPDX-License-Identifier: Apache-2.0
// Status names and the one function that fills an error object.
#include "engine/base/status.h"

#include <stdarg.h>
#include <stdio.h>

dbk_status dbk_fail(dbk_error *err, dbk_status status, const char *format, ...)
{
    if (!err)
        return status;
    err->status = status;
    va_list args;
    va_start(args, format);
    if (vsnprintf(err->message, sizeof err->message, format, args) < 0)
        err->message[0] = '\0';
    va_end(args);
    return status;
}

const char *dbk_status_name(dbk_status status)
{
    // A switch without a default, so that the compiler names a status that has no word yet.
    switch (status) {
    case DBK_OK:
        return "ok";
    case DBK_INVALID:
        return "invalid";
    case DBK_NOT_FOUND:
        return "not found";
    case DBK_CORRUPT:
        return "corrupt";
    case DBK_IO:
        return "io";
    case DBK_NO_SPACE:
        return "no space";
    case DBK_NO_MEMORY:
        return "no memory";
    case DBK_READ_ONLY:
        return "read only";
    case DBK_BUSY:
        return "busy";
    case DBK_LIMIT:
        return "limit";
    case DBK_OVERFLOW:
        return "overflow";
    case DBK_CANCELLED:
        return "cancelled";
    case DBK_LONG:
        return "long";
    }
    return "unknown";
}
