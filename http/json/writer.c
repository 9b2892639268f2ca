// SPDX-License-Identifier: Apache-2.0
// The JSON writer. Values are assembled in place: one reservation, one copy.
#include "http/json/writer.h"

#include "engine/base/calendar.h"
#include "engine/base/decimal.h"
#include "engine/base/utf8.h"

#include <string.h>

dbk_out dbk_out_init(dbk_buffer *out)
{
    return (dbk_out){.out = out};
}

static void put(dbk_out *json, const void *data, size_t size)
{
    dbk_buffer_append(json->out, data, size);
}

// Everything that stands as a value begins here and leaves a comma due behind it.
static void begin_value(dbk_out *json)
{
    if (json->comma)
        dbk_buffer_u8(json->out, ',');
    json->comma = true;
}

// Room for a value of at most so many bytes, behind the comma; NULL when memory is out. What was written is
// part of the document with take_to.
static char *room_for(dbk_out *json, size_t size)
{
    char *room = (char *)dbk_buffer_reserve(json->out, size + 1);
    if (room != NULL && json->comma)
        *room++ = ',';
    json->comma = true;
    return room;
}

static void take_to(dbk_out *json, const char *end)
{
    json->out->size = (size_t)((const uint8_t *)end - json->out->data);
}

static void open(dbk_out *json, char bracket)
{
    char *room = room_for(json, 1);
    if (room != NULL) {
        *room = bracket;
        take_to(json, room + 1);
    }
    json->comma = false;
}

static void close(dbk_out *json, char bracket)
{
    dbk_buffer_u8(json->out, (uint8_t)bracket);
    json->comma = true;
}

void dbk_out_object(dbk_out *json)
{
    open(json, '{');
}

void dbk_out_object_end(dbk_out *json)
{
    close(json, '}');
}

void dbk_out_array(dbk_out *json)
{
    open(json, '[');
}

void dbk_out_array_end(dbk_out *json)
{
    close(json, ']');
}

void dbk_out_key_plain(dbk_out *json, const char *name, size_t length)
{
    char *room = room_for(json, length + 3);
    if (room != NULL) {
        *room++ = '"';
        memcpy(room, name, length);
        memcpy(room + length, "\":", 2);
        take_to(json, room + length + 2);
    }
    json->comma = false;
}

void dbk_out_key_text(dbk_out *json, dbk_text name)
{
    dbk_out_text(json, name);
    dbk_buffer_u8(json->out, ':');
    json->comma = false;
}

static bool needs_escape(uint8_t byte)
{
    return byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7f;
}

static void put_escaped(dbk_out *json, uint8_t byte)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
    static const char letters[] = "\"\"\\\\\nn\rr\tt\bb\ff";
    const char *short_form = NULL;
    for (size_t i = 0; i + 1 < sizeof(letters); i += 2)
        if (letters[i] == (char)byte)
            short_form = &letters[i + 1];
    if (short_form != NULL) {
        text[1] = *short_form;
        put(json, text, 2);
    } else {
        put(json, text, sizeof(text));
    }
}

// The text between two bytes that need something done to them is copied as it stands.
static void put_valid(dbk_out *json, const char *data, size_t size)
{
    size_t from = 0;
    for (size_t i = 0; i < size; i++) {
        if (!needs_escape((uint8_t)data[i]))
            continue;
        put(json, data + from, i - from);
        put_escaped(json, (uint8_t)data[i]);
        from = i + 1;
    }
    put(json, data + from, size - from);
}

// Whether a text stands in a document as it is. Without an early end, so that the loop looks at many bytes at
// once.
static bool is_plain(dbk_text text)
{
    bool is_special = false;
    for (uint32_t i = 0; i < text.length; i++)
        is_special |= (text.data[i] & 0x80) != 0 || needs_escape((uint8_t)text.data[i]);
    return !is_special;
}

static void put_plain(dbk_out *json, dbk_text text)
{
    char *room = room_for(json, (size_t)text.length + 2);
    if (room == NULL)
        return;
    *room++ = '"';
    if (text.length > 0)
        memcpy(room, text.data, text.length);
    room[text.length] = '"';
    take_to(json, room + text.length + 1);
}

void dbk_out_text(dbk_out *json, dbk_text text)
{
    if (is_plain(text)) {
        put_plain(json, text);
        return;
    }
    begin_value(json);
    dbk_buffer_u8(json->out, '"');
    size_t at = 0;
    while (at < text.length) {
        size_t valid = dbk_utf8_invalid_at(text.data + at, text.length - at);
        put_valid(json, text.data + at, valid);
        at += valid;
        if (at < text.length) {
            put(json, "\xef\xbf\xbd", 3);
            at++;
        }
    }
    dbk_buffer_u8(json->out, '"');
}

void dbk_out_string(dbk_out *json, const char *string)
{
    dbk_out_text(json, dbk_text_from(string));
}

void dbk_out_text_or_null(dbk_out *json, dbk_text text)
{
    if (text.length > 0)
        dbk_out_text(json, text);
    else
        dbk_out_null(json);
}

void dbk_out_raw(dbk_out *json, const char *value)
{
    begin_value(json);
    put(json, value, strlen(value));
}

void dbk_out_bool(dbk_out *json, bool value)
{
    dbk_out_raw(json, value ? "true" : "false");
}

void dbk_out_null(dbk_out *json)
{
    dbk_out_raw(json, "null");
}

void dbk_out_int(dbk_out *json, int64_t value)
{
    char *room = room_for(json, DBK_DECIMAL_TEXT_MAX);
    if (room != NULL)
        take_to(json, room + dbk_int_write(room, value));
}

void dbk_out_money(dbk_out *json, dbk_i128 value, int64_t divisor, int digits)
{
    char *room = room_for(json, DBK_DECIMAL_TEXT_MAX);
    if (room != NULL)
        take_to(json, room + dbk_decimal_write(room, value, DBK_MONEY_SCALE, divisor, digits));
}

void dbk_out_rate(dbk_out *json, dbk_i128 value, int64_t divisor, int digits)
{
    char *room = room_for(json, DBK_DECIMAL_TEXT_MAX);
    if (room != NULL)
        take_to(json, room + dbk_decimal_write(room, value, DBK_RATE_SCALE, divisor, digits));
}

void dbk_out_wide(dbk_out *json, dbk_i128 value)
{
    char *room = room_for(json, DBK_DECIMAL_TEXT_MAX);
    if (room != NULL)
        take_to(json, room + dbk_decimal_write(room, value, 0, 1, 0));
}

// A time's text without its last `cut` characters, and a Z behind what is left.
static void put_time(dbk_out *json, int64_t ms, size_t cut)
{
    if (ms == DBK_NULL) {
        dbk_out_null(json);
        return;
    }
    char *room = room_for(json, DBK_TIME_TEXT_MAX + 3);
    if (room == NULL)
        return;
    *room++ = '"';
    room += dbk_time_write(room, ms) - cut;
    memcpy(room, "Z\"", 2);
    take_to(json, room + 2);
}

void dbk_out_time(dbk_out *json, int64_t ms)
{
    put_time(json, ms, sizeof("Z") - 1);
}

void dbk_out_time_seconds(dbk_out *json, int64_t ms)
{
    put_time(json, ms, sizeof(".999Z") - 1);
}

void dbk_out_day(dbk_out *json, int32_t day)
{
    char *room = room_for(json, DBK_TIME_TEXT_MAX + 2);
    if (room == NULL)
        return;
    *room++ = '"';
    room += dbk_date_write(room, day);
    *room = '"';
    take_to(json, room + 1);
}
