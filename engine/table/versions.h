// SPDX-License-Identifier: Apache-2.0
// How the writer's working state and the frozen images share memory.
//
// The working state is made of objects (see object.h), each marked with the generation it was created in; a
// freeze begins the next generation. An object of the current generation is in no image and may be changed in
// place; an older one is immutable, and changing it means putting a copy in its place.
//
// An object that leaves the working state is dropped: freed at once when it is in no image, otherwise left to
// the newest image, the last that can have it. Images are freed oldest first, so when that one goes, nobody
// has the object any more. No references are counted.
//
// So a table must have a new view in the next image as soon as something was dropped of it, also when the
// change that did so fails afterwards: an image that went on using the old view would outlive what that
// refers to.
#ifndef DBK_TABLE_VERSIONS_H
#define DBK_TABLE_VERSIONS_H

#include "engine/table/epoch.h"

typedef struct dbk_versions {
    dbk_memory memory;
    dbk_epoch epoch;
    uint64_t generation;
    dbk_object **garbage; // the newest image's list; NULL before the first
} dbk_versions;

static inline void *dbk_versions_create(dbk_versions *versions, size_t bytes,
                                        void (*dispose)(dbk_object *object))
{
    dbk_object *object = dbk_object_create(&versions->memory, bytes, dispose);
    if (object)
        object->generation = versions->generation;
    return object;
}

static inline bool dbk_versions_is_own(const dbk_versions *versions, const dbk_object *object)
{
    return object->generation == versions->generation;
}

// NULL is fine.
static inline void dbk_versions_drop(dbk_versions *versions, dbk_object *object)
{
    if (!object)
        return;
    if (!versions->garbage || dbk_versions_is_own(versions, object)) {
        dbk_object_free(object);
        return;
    }
    object->next = *versions->garbage;
    *versions->garbage = object;
}

#endif
