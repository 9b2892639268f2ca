// SPDX-License-Identifier: Apache-2.0
// Dictionary files: the words that a checkpoint adds (docs/FORMAT.md, "Dictionary files").
#ifndef DBK_STORE_WORDS_H
#define DBK_STORE_WORDS_H

#include "engine/image.h"
#include "ingest/store/manifest.h"

// The bytes of a file with these sections, read out of the snapshot. Tenants are the manifest's, whose order
// is the snapshot's.
dbk_status dbk_words_encode(const dbk_snapshot *snapshot, const dbk_manifest *manifest,
                            const dbk_manifest_words *words, dbk_buffer *out, dbk_error *err);

// Gives every word of a file whose checksum was verified to `visit`, in order, some at a time. DBK_CORRUPT
// when the bytes do not hold exactly the sections that the manifest says.
typedef dbk_status (*dbk_words_visit)(void *user, dbk_text tenant, dbk_domain domain, const dbk_text *words,
                                      uint32_t count, dbk_error *err);
dbk_status dbk_words_decode(const void *data, size_t size, const dbk_manifest *manifest,
                            const dbk_manifest_words *words, dbk_words_visit visit, void *user,
                            dbk_error *err);

#endif
