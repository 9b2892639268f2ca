// SPDX-License-Identifier: Apache-2.0
// The framing guard. One pass over the lines; every rule is a line-long function or a row of `classes`.
#include "http/server/guard.h"

#include <string.h>
#include <strings.h>

// What a byte may be part of.
enum {
    TOKEN = 1, // method and field names: RFC 9110 tchar
    HOST = 2, // the value of Host: names, numbers, [v6]:port; no delimiter that another parser could split at
};

#define T TOKEN
#define H HOST
#define B (TOKEN | HOST)
static const uint8_t classes[256] = {
    ['!'] = B, ['#'] = T, ['$'] = B, ['%'] = B, ['&'] = B, ['\''] = B, ['*'] = B, ['+'] = B, ['-'] = B,
    ['.'] = B, ['^'] = T, ['_'] = B, ['`'] = T, ['|'] = T, ['~'] = B,  ['0'] = B, ['1'] = B, ['2'] = B,
    ['3'] = B, ['4'] = B, ['5'] = B, ['6'] = B, ['7'] = B, ['8'] = B,  ['9'] = B, ['A'] = B, ['B'] = B,
    ['C'] = B, ['D'] = B, ['E'] = B, ['F'] = B, ['G'] = B, ['H'] = B,  ['I'] = B, ['J'] = B, ['K'] = B,
    ['L'] = B, ['M'] = B, ['N'] = B, ['O'] = B, ['P'] = B, ['Q'] = B,  ['R'] = B, ['S'] = B, ['T'] = B,
    ['U'] = B, ['V'] = B, ['W'] = B, ['X'] = B, ['Y'] = B, ['Z'] = B,  ['a'] = B, ['b'] = B, ['c'] = B,
    ['d'] = B, ['e'] = B, ['f'] = B, ['g'] = B, ['h'] = B, ['i'] = B,  ['j'] = B, ['k'] = B, ['l'] = B,
    ['m'] = B, ['n'] = B, ['o'] = B, ['p'] = B, ['q'] = B, ['r'] = B,  ['s'] = B, ['t'] = B, ['u'] = B,
    ['v'] = B, ['w'] = B, ['x'] = B, ['y'] = B, ['z'] = B, [':'] = H,  ['['] = H, [']'] = H, [';'] = H,
    ['='] = H, ['('] = H, [')'] = H,
};
#undef T
#undef H
#undef B

typedef struct head {
    bool http11;
    int hosts;
    int lengths;
    int encodings;
} head;

static bool all_of_class(const char *p, size_t n, uint8_t class)
{
    for (size_t i = 0; i < n; i++)
        if (!(classes[(uint8_t)p[i]] & class))
            return false;
    return true;
}

// Any control byte but tabs and the ends of lines, of which each line is looked at for more than its own.
// Without a branch in the loop, so that it becomes vector code.
static bool has_control(const char *p, size_t n)
{
    uint8_t found = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = (uint8_t)p[i];
        found |= (uint8_t)((c < 0x20) & (c != '\t') & (c != '\r') & (c != '\n')) | (uint8_t)(c == 0x7f);
    }
    return found;
}

static dbk_guard_verdict refuse(int status, const char *detail)
{
    return (dbk_guard_verdict){.status = status, .detail = detail};
}

static const dbk_guard_verdict fine;

// A refusal behind `size` bytes of lines: a control character in those comes first.
static dbk_guard_verdict refuse_behind(const char *bytes, size_t size, int status, const char *detail)
{
    return has_control(bytes, size) ? refuse(400, "a control character in the request's head")
                                    : refuse(status, detail);
}

// method SP target SP version, each separator exactly one space.
static dbk_guard_verdict check_request_line(const char *line, size_t n, head *h)
{
    const char *method_end = memchr(line, ' ', n);
    if (!method_end || method_end == line || !all_of_class(line, (size_t)(method_end - line), TOKEN))
        return refuse(400, "the request line does not start with a method");
    const char *target = method_end + 1;
    size_t rest = n - (size_t)(target - line);
    const char *target_end = memchr(target, ' ', rest);
    if (!target_end || target_end == target || memchr(target, '\t', rest))
        return refuse(400, "the request line is not: method, target, version");
    const char *version = target_end + 1;
    size_t version_length = n - (size_t)(version - line);
    if (version_length != 8 || memcmp(version, "HTTP/", 5) != 0 || version[5] < '0' || version[5] > '9' ||
        version[6] != '.' || version[7] < '0' || version[7] > '9')
        return refuse(400, "the request line does not end in an HTTP version");
    h->http11 = version[7] == '1';
    if (version[5] != '1' || version[7] > '1')
        return refuse(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    return fine;
}

static bool is_length(const char *value, size_t n)
{
    if (n == 0 || n > 18)
        return false;
    for (size_t i = 0; i < n; i++)
        if (value[i] < '0' || value[i] > '9')
            return false;
    return true;
}

static dbk_guard_verdict check_field(const char *line, size_t n, head *h)
{
    if (line[0] == ' ' || line[0] == '\t')
        return refuse(400, "a header field is folded over two lines");
    const char *colon = memchr(line, ':', n);
    if (!colon || colon == line)
        return refuse(400, "a header field has no name");
    size_t name = (size_t)(colon - line);
    if (!all_of_class(line, name, TOKEN))
        return refuse(400, "a header field's name has characters that names may not have");
    const char *value = colon + 1;
    const char *end = line + n;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    size_t length = (size_t)(end - value);

    switch (name) {
    case sizeof "host" - 1:
        if (strncasecmp(line, "host", name) == 0) {
            h->hosts++;
            if (!all_of_class(value, length, HOST))
                return refuse(400, "Host is not a host");
        }
        break;
    case sizeof "content-length" - 1:
        if (strncasecmp(line, "content-length", name) == 0) {
            h->lengths++;
            if (!is_length(value, length))
                return refuse(400, "Content-Length is not a number");
        }
        break;
    case sizeof "transfer-encoding" - 1:
        if (strncasecmp(line, "transfer-encoding", name) == 0)
            h->encodings++;
        break;
    }
    return fine;
}

// The rules that need the whole head.
static dbk_guard_verdict check_counts(const head *h)
{
    if (h->lengths > 1)
        return refuse(400, "Content-Length is given more than once");
    if (h->lengths && h->encodings)
        return refuse(400, "Content-Length and Transfer-Encoding exclude each other");
    if (h->encodings)
        return refuse(411, "send the body with a Content-Length, not chunked");
    if (h->hosts > 1)
        return refuse(400, "Host is given more than once");
    if (h->hosts == 0 && h->http11)
        return refuse(400, "HTTP/1.1 asks for a Host");
    return fine;
}

dbk_guard_verdict dbk_guard_check(const char *bytes, size_t size)
{
    size_t limit = size < DBK_GUARD_HEAD_BYTES_MAX ? size : DBK_GUARD_HEAD_BYTES_MAX;
    size_t at = limit >= 2 && bytes[0] == '\r' && bytes[1] == '\n' ? 2 : 0;
    head h = {0};
    for (bool first = true;; first = false) {
        const char *line = bytes + at;
        const char *lf = at < limit ? memchr(line, '\n', limit - at) : NULL;
        if (!lf)
            return size > limit ? refuse_behind(bytes, at, 431, "the request's head is larger than 32 KiB")
                                : refuse_behind(bytes, at, 400, "the request's head has no end");
        if (lf == line || lf[-1] != '\r')
            return refuse_behind(bytes, at, 400, "a line of the request's head does not end in CR LF");
        size_t n = (size_t)(lf - line) - 1;
        at += n + 2;
        if (n == 0 && !first)
            break;
        if (memchr(line, '\r', n))
            return refuse(400, "a control character in the request's head");
        dbk_guard_verdict verdict = first ? check_request_line(line, n, &h) : check_field(line, n, &h);
        if (verdict.status)
            return refuse_behind(bytes, at, verdict.status, verdict.detail);
    }
    // All lines at once.
    if (has_control(bytes, at))
        return refuse(400, "a control character in the request's head");
    dbk_guard_verdict verdict = check_counts(&h);
    if (!verdict.status)
        verdict.head_bytes = at;
    return verdict;
}
