// SPDX-License-Identifier: Apache-2.0
// UTF-8 validation after the table of well-formed sequences in RFC 3629, section 4.
#include "engine/base/utf8.h"

#include <string.h>

// Length of the well-formed sequence at p, 0 if there is none. The range of the second byte is what excludes
// overlong forms, surrogates and code points above U+10FFFF; all later bytes are plain continuations.
static size_t sequence_length(const uint8_t *p, size_t left)
{
    uint8_t lead = p[0], low = 0x80, high = 0xbf;
    size_t length;
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2)
        return 0;
    if (lead < 0xe0) {
        length = 2;
    } else if (lead < 0xf0) {
        length = 3;
        if (lead == 0xe0)
            low = 0xa0;
        else if (lead == 0xed)
            high = 0x9f;
    } else if (lead < 0xf5) {
        length = 4;
        if (lead == 0xf0)
            low = 0x90;
        else if (lead == 0xf4)
            high = 0x8f;
    } else {
        return 0;
    }
    if (left < length || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

// Whether no byte has its high bit set; the last step overlaps the one before it.
static bool is_ascii(const uint8_t *p, size_t size)
{
    const uint64_t high = 0x8080808080808080u;
    uint64_t word, found = 0;
    if (size < sizeof word) {
        for (size_t i = 0; i < size; i++)
            found |= p[i];
        return !(found & high);
    }
    for (size_t at = 0; at + sizeof word < size; at += sizeof word) {
        memcpy(&word, p + at, sizeof word);
        found |= word;
    }
    memcpy(&word, p + size - sizeof word, sizeof word);
    return !((found | word) & high);
}

size_t dbk_utf8_invalid_at(const void *data, size_t size)
{
    const uint8_t *p = data;
    size_t at = 0;
    while (at < size) {
        while (size - at >= 32) {
            uint64_t words[4];
            memcpy(words, p + at, sizeof words);
            if ((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080u)
                break;
            at += sizeof words;
        }
        // To the end of this run of 32, so that text with few accents returns to the fast loop soon and text
        // with many does not try it at every character.
        size_t stop = size - at < 32 ? size : at + 32;
        if (is_ascii(p + at, stop - at)) {
            at = stop;
            continue;
        }
        while (at < stop) {
            size_t length = sequence_length(p + at, size - at);
            if (length == 0)
                return at;
            at += length;
        }
    }
    return size;
}
