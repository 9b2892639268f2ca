// SPDX-License-Identifier: Apache-2.0
// Six bits a character.
#include "http/auth/base64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

size_t dbk_base64url_decoded_size(size_t length)
{
    return length / 4 * 3 + length % 4 * 6 / 8;
}

bool dbk_base64url_decode(dbk_text text, uint8_t *out)
{
    uint32_t bits = 0;
    int count = 0;
    if (text.length % 4 == 1)
        return false;
    for (uint32_t i = 0; i < text.length; i++) {
        int value = value_of(text.data[i]);
        if (value < 0)
            return false;
        bits = (bits << 6 | (uint32_t)value) & 0xffffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            *out++ = (uint8_t)(bits >> count);
        }
    }
    return (bits & ((1u << count) - 1)) == 0;
}

void dbk_base64url_encode(const uint8_t *data, size_t size, char *out)
{
    uint32_t bits = 0;
    int count = 0;
    for (size_t i = 0; i < size; i++) {
        bits = (bits << 8 | data[i]) & 0xffff;
        count += 8;
        while (count >= 6) {
            count -= 6;
            *out++ = alphabet[bits >> count & 63];
        }
    }
    if (count > 0)
        *out++ = alphabet[bits << (6 - count) & 63];
    *out = 0;
}
