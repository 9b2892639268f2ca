#include "ingest/parse/source.h"
dbk_source *dbk_source_map_create(const dbk_map *map, const dbk_parse_sink *sink){(void)map;(void)sink;return NULL;}
#include "ingest/parse/map.h"
dbk_status dbk_map_parse(dbk_map **out, const char *text, size_t size, const char *name, dbk_error *err){(void)out;(void)text;(void)size;(void)name;return dbk_fail(err,DBK_INVALID,"x");}
void dbk_map_destroy(dbk_map *map){(void)map;}
