// SPDX-License-Identifier: Apache-2.0
// Case folding for the letters of Latin scripts, by the layout of their Unicode blocks. Only foldings that
// keep the encoded length are made, so that a folded text fits where the text was.
#include "engine/exec/fold.h"

#include <string.h>

static uint32_t fold_point(uint32_t c)
{
    if (c >= 0xC0 && c <= 0xDE) // Latin-1: capitals stand 32 before their small letters; D7 is a sign
        return c == 0xD7 ? c : c + 0x20;
    if (c >= 0x100 && c <= 0x17F) { // Latin Extended-A: pairs, whose parity changes twice
        if (c == 0x178)
            return 0xFF;
        if (c == 0x130 || c == 0x131 || c == 0x138 || c == 0x149 || c == 0x17F)
            return c;
        bool odd_capitals = (c >= 0x139 && c <= 0x148) || c >= 0x179;
        return (c & 1) == (odd_capitals ? 1u : 0u) ? c + 1 : c;
    }
    if ((c >= 0x1E00 && c <= 0x1E95) || (c >= 0x1EA0 && c <= 0x1EFF))
        return c & 1 ? c : c + 1;
    return c;
}

void dbk_text_fold(dbk_text text, char *out)
{
    const unsigned char *in = (const unsigned char *)text.data;
    uint32_t i = 0;
    while (i < text.length) {
        unsigned char b = in[i];
        if (b >= 'A' && b <= 'Z') {
            out[i++] = (char)(b + 32);
        } else if (b >= 0xC3 && b <= 0xC5 && i + 1 < text.length) {
            uint32_t c = fold_point((uint32_t)(b & 0x1F) << 6 | (in[i + 1] & 0x3F));
            out[i] = (char)(0xC0 | c >> 6);
            out[i + 1] = (char)(0x80 | (c & 0x3F));
            i += 2;
        } else if (b == 0xE1 && i + 2 < text.length && in[i + 1] >= 0xB8 && in[i + 1] <= 0xBB) {
            uint32_t c = fold_point(0x1000u | (uint32_t)(in[i + 1] & 0x3F) << 6 | (in[i + 2] & 0x3F));
            out[i] = (char)(0xE0 | c >> 12);
            out[i + 1] = (char)(0x80 | (c >> 6 & 0x3F));
            out[i + 2] = (char)(0x80 | (c & 0x3F));
            i += 3;
        } else {
            out[i++] = (char)b;
        }
    }
}

bool dbk_text_contains_folded(dbk_text text, dbk_text needle, char *room)
{
    if (needle.length > text.length)
        return false;
    if (needle.length == 0)
        return true;
    dbk_text_fold(text, room);
    return memmem(room, text.length, needle.data, needle.length) != NULL;
}
