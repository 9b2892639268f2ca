// SPDX-License-Identifier: Apache-2.0
// A map and a small file for it, with a NUL byte between them.
#include "ingest/parse/map.h"
#include "ingest/parse/reader.h"

#include <stdlib.h>
#include <string.h>

static dbk_status take_batch(void *user, dbk_batch *batch, dbk_error *err)
{
    (void)user;
    if (dbk_batch_check(batch, err) != DBK_OK)
        abort();
    dbk_batch_dispose(batch);
    free(batch);
    return DBK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    size_t map_size = end ? (size_t)(end - data) : size;
    dbk_map *map;
    dbk_parser *parser;
    dbk_parse_sink sink = {take_batch, NULL, NULL};
    if (dbk_map_parse(&map, (const char *)data, map_size, "fuzz.ini", NULL) != DBK_OK)
        return 0;
    if (end && dbk_parser_create_mapped(&parser, map, &sink, NULL) == DBK_OK) {
        if (dbk_parser_feed(parser, end + 1, size - map_size - 1, NULL) == DBK_OK)
            dbk_parser_finish(parser, NULL);
        dbk_parser_destroy(parser);
    }
    dbk_map_destroy(map);
    return 0;
}
