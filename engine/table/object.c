// SPDX-License-Identifier: Apache-2.0
// Objects: counted memory with a header.
#include "engine/table/object.h"

#include <assert.h>
#include <stdlib.h>

void *dbk_object_create(dbk_memory *memory, size_t bytes, void (*dispose)(dbk_object *object))
{
    assert(bytes >= sizeof(dbk_object));
    dbk_object *object = calloc(1, bytes);
    if (!object)
        return NULL;
    object->dispose = dispose;
    object->memory = memory;
    object->bytes = bytes;
    dbk_memory_add(memory, bytes);
    return object;
}

void dbk_object_free(dbk_object *object)
{
    if (!object)
        return;
    if (object->dispose)
        object->dispose(object);
    dbk_memory_subtract(object->memory, object->bytes);
    free(object);
}

void dbk_object_free_all(dbk_object *list)
{
    while (list) {
        dbk_object *next = list->next;
        dbk_object_free(list);
        list = next;
    }
}
