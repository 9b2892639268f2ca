// SPDX-License-Identifier: Apache-2.0
// The choice between the text codecs, and the scratch that all of them decode into.
#include "engine/segment/text.h"

#include <stdlib.h>

const dbk_text_codec *dbk_text_codec_of(dbk_encoding encoding)
{
    switch (encoding) {
    case DBK_ENCODING_RADIX:
        return &dbk_text_codec_radix;
    case DBK_ENCODING_DECIMAL:
        return &dbk_text_codec_decimal;
    case DBK_ENCODING_FRAMES:
        return &dbk_text_codec_frames;
    default:
        return NULL;
    }
}

dbk_status dbk_text_choose(const dbk_texts_source *source, dbk_text_choice *out, dbk_error *err)
{
    // Frames come last: they are the slowest to try and give up early against a size to beat.
    static const dbk_encoding encodings[] = {DBK_ENCODING_RADIX, DBK_ENCODING_DECIMAL, DBK_ENCODING_FRAMES};
    *out = (dbk_text_choice){.size = SIZE_MAX};
    for (size_t i = 0; i < DBK_COUNT(encodings); i++) {
        dbk_text_choice choice = {.encoding = encodings[i], .codec = dbk_text_codec_of(encodings[i])};
        dbk_status status = choice.codec->analyze(source, out->size, &choice.plan, &choice.size, err);
        if (status != DBK_OK) {
            if (out->plan)
                out->codec->forget(out->plan);
            *out = (dbk_text_choice){.plan = NULL}; // nothing is left to be forgotten
            return status;
        }
        if (!choice.plan)
            continue;
        if (choice.size < out->size) {
            if (out->plan)
                out->codec->forget(out->plan);
            *out = choice;
        } else {
            choice.codec->forget(choice.plan);
        }
    }
    return DBK_OK;
}

dbk_status dbk_text_scratch_reserve(dbk_text_scratch *scratch, size_t size)
{
    if (size <= scratch->capacity)
        return DBK_OK;
    // What was there belongs to the vector before and need not be copied.
    char *bytes = malloc(size);
    if (!bytes)
        return DBK_NO_MEMORY;
    free(scratch->bytes);
    scratch->bytes = bytes;
    scratch->capacity = size;
    return DBK_OK;
}

void dbk_text_scratch_dispose(dbk_text_scratch *scratch)
{
    free(scratch->bytes);
    scratch->bytes = NULL;
    scratch->capacity = 0;
}
