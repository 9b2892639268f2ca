// SPDX-License-Identifier: Apache-2.0
// The first bytes of a file against the marks of what it might be instead.
#include "ingest/parse/sniff.h"

#include <string.h>
#include <strings.h>

typedef struct known_start {
    const char *bytes;
    size_t length;
    const char *meaning; // what it is and what to do
} known_start;

#define START(bytes, meaning)                                                                                \
    {                                                                                                        \
        bytes, sizeof(bytes) - 1, meaning                                                                    \
    }

static const known_start known_starts[] = {
    START("PK\x03\x04", "a ZIP archive or an Excel workbook: unpack it, or save the sheet as CSV UTF-8"),
    START("\xd0\xcf\x11\xe0", "an old Excel workbook: save the sheet as CSV UTF-8"),
    START("\x1f\x8b", "gzip data inside something else: unpack it with gunzip first"),
    START("\x28\xb5\x2f\xfd", "zstd data: unpack it with `zstd -d` first"),
    START("BZh", "bzip2 data: unpack it with bunzip2 first"),
    START("\xfd"
          "7zXZ",
          "xz data: unpack it with unxz first"),
    START("%PDF", "a PDF document: export the rows as CSV"),
    START("PAR1", "a Parquet file: export it as CSV or NDJSON"),
    START("SQLite format 3", "an SQLite database: export the table as CSV"),
    START("version https://git-lfs", "a Git LFS pointer, not the file itself: run `git lfs pull`"),
    START("\xff\xfe", "UTF-16 text: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"),
    START("\xfe\xff", "UTF-16 text: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"),
};

// Any control byte but a tab or a line's end. Without a branch in the loop, so that it becomes vector code.
static bool has_control(const char *at, size_t size)
{
    uint8_t found = 0;
    for (size_t i = 0; i < size; i++) {
        const uint8_t c = (uint8_t)at[i];
        found |= (uint8_t)((c < ' ') & (c != '\t') & (c != '\r') & (c != '\n'));
    }
    return found;
}

static bool is_markup(const char *at, size_t size)
{
    static const char *const words[] = {"<!doctype", "<html", "<?xml", "<head", "<body"};
    for (size_t i = 0; i < DBK_COUNT(words); i++) {
        size_t length = strlen(words[i]);
        if (size >= length && strncasecmp(at, words[i], length) == 0)
            return true;
    }
    return false;
}

static dbk_status refuse(dbk_error *err, const char *meaning)
{
    return dbk_fail(err, DBK_INVALID, "line 1: this looks like %s", meaning);
}

dbk_status dbk_sniff(dbk_format format, const void *data, size_t size, size_t *skip, dbk_error *err)
{
    const char *at = data, *end = at + size;
    *skip = 0;
    for (size_t i = 0; i < DBK_COUNT(known_starts); i++) {
        const known_start *start = &known_starts[i];
        // Most differ in their first byte.
        if (size >= start->length && *at == start->bytes[0] && memcmp(at, start->bytes, start->length) == 0)
            return refuse(err, start->meaning);
    }
    if (size >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0) {
        *skip = 3;
        at += 3;
    }
    if (has_control(at, (size_t)(end - at)))
        return refuse(err, "binary data, not text: Daybook reads CSV and NDJSON in UTF-8");
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++;
    if (at == end)
        return DBK_OK;
    if (is_markup(at, (size_t)(end - at)))
        return refuse(err, "a web page or XML: was it an error page that was saved under this name?");
    if (format == DBK_FORMAT_CSV && *at == '{')
        return refuse(err, "NDJSON, not CSV: name it .ndjson");
    if (format == DBK_FORMAT_NDJSON && *at == '[')
        return refuse(err, "one JSON array: NDJSON has one object a line (jq -c '.[]' makes that of it)");
    if (format == DBK_FORMAT_NDJSON && *at != '{')
        return refuse(err, "no NDJSON: its lines begin with `{` (is it CSV? then name it .csv)");
    return DBK_OK;
}
