// SPDX-License-Identifier: Apache-2.0
// The POST of a delivery. What libcurl could be led astray by is off: redirects, proxies of the environment,
// protocols other than HTTP, connections that were made under other rules.
#include "http/webhooks/attempt.h"

#include "engine/base/utf8.h"
#include "http/webhooks/address.h"
#include "http/webhooks/deliverer.h"
#include "http/webhooks/signature.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_MS = 10000, ANSWER_BYTES_MAX = 65536, ANSWER_BYTES_KEPT = 4 * DBK_DELIVERY_TEXT_MAX };

// Asked for each address right before it is connected to.
static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    dbk_attempt *attempt = user;
    (void)purpose;
    if (!attempt->allows_private && !dbk_address_is_public(&address->addr)) {
        attempt->was_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t on_answer(char *data, size_t size, size_t count, void *user)
{
    dbk_attempt *attempt = user;
    size_t bytes = size * count, room = ANSWER_BYTES_KEPT - attempt->answer.size;
    attempt->received += bytes;
    dbk_buffer_append(&attempt->answer, data, bytes < room ? bytes : room);
    // Anything but `bytes` ends the transfer; the status is known by then.
    return attempt->received > ANSWER_BYTES_MAX ? 0 : bytes;
}

static bool add_header(dbk_attempt *attempt, const char *name, const char *value, size_t length)
{
    dbk_buffer line = {0};
    dbk_buffer_format(&line, "%s: %.*s", name, (int)length, value);
    dbk_buffer_u8(&line, 0);
    struct curl_slist *grown =
        line.failed ? NULL : curl_slist_append(attempt->headers, (const char *)line.data);
    dbk_buffer_dispose(&line);
    if (grown == NULL)
        return false;
    attempt->headers = grown;
    return true;
}

static bool add_text(dbk_attempt *attempt, const char *name, const char *value)
{
    return add_header(attempt, name, value, strlen(value));
}

// While a rotation's grace lasts the secret before signs too, in a header of its own and as the second
// signature of Standard Webhooks' list.
static bool add_signatures(dbk_attempt *attempt, const dbk_webhook *webhook, int64_t now_ms)
{
    const dbk_delivery *d = attempt->delivery;
    char hex[DBK_SIGNATURE_MAX], standard[2 * DBK_SIGNATURE_MAX];
    int64_t seconds = now_ms / 1000;
    if (!dbk_webhook_sign(webhook->secret, d->body, hex) ||
        !dbk_webhook_sign_standard(webhook->secret, dbk_text_from(d->id), seconds, d->body, standard) ||
        !add_text(attempt, "X-Webhook-Signature", hex))
        return false;
    if (dbk_webhook_in_grace(webhook, now_ms)) {
        size_t length = strlen(standard);
        standard[length] = ' ';
        if (!dbk_webhook_sign(webhook->previous_secret, d->body, hex) ||
            !dbk_webhook_sign_standard(webhook->previous_secret, dbk_text_from(d->id), seconds, d->body,
                                       standard + length + 1) ||
            !add_text(attempt, "X-Webhook-Signature-Previous", hex))
            return false;
    }
    return add_text(attempt, "webhook-signature", standard);
}

static bool add_headers(dbk_attempt *attempt, const dbk_webhook *webhook, int64_t now_ms)
{
    const dbk_delivery *d = attempt->delivery;
    char seconds[32];
    int length = snprintf(seconds, sizeof(seconds), "%lld", (long long)(now_ms / 1000));
    return add_text(attempt, "Content-Type", "application/json") &&
           add_text(attempt, "Expect", "") && // the body goes out at once, not after a 100
           add_header(attempt, "X-Webhook-Event", d->event.data, d->event.length) &&
           add_text(attempt, "webhook-id", d->id) &&
           add_header(attempt, "webhook-timestamp", seconds, (size_t)length) &&
           add_signatures(attempt, webhook, now_ms);
}

static bool set_options(dbk_attempt *attempt, const char *url)
{
    CURL *easy = attempt->easy;
    const dbk_delivery *d = attempt->delivery;
    bool is_set = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, attempt) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
                  // A connection is only as good as the rules it was opened under.
                  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK;
    if (!is_set)
        return false;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "Daybook/" DBK_VERSION);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, attempt->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, attempt);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, attempt->headers);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)d->body.length);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, d->body.data);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, attempt);
    return true;
}

dbk_attempt *dbk_attempt_create(const dbk_webhook *webhook, dbk_delivery *delivery, bool allows_private,
                                int64_t now_ms)
{
    dbk_attempt *attempt = calloc(1, sizeof(*attempt));
    if (attempt == NULL)
        return NULL;
    attempt->delivery = delivery;
    attempt->allows_private = allows_private;
    attempt->easy = curl_easy_init();
    // The URL lies in an arena with a NUL behind it.
    if (attempt->easy == NULL || !add_headers(attempt, webhook, now_ms) ||
        !set_options(attempt, webhook->url.data)) {
        dbk_attempt_destroy(attempt);
        return NULL;
    }
    return attempt;
}

void dbk_attempt_destroy(dbk_attempt *attempt)
{
    if (attempt->easy != NULL)
        curl_easy_cleanup(attempt->easy);
    curl_slist_free_all(attempt->headers);
    dbk_buffer_dispose(&attempt->answer);
    free(attempt);
}

int64_t dbk_attempt_status(dbk_attempt *attempt, CURLcode code, const char **why)
{
    long status = 0;
    curl_easy_getinfo(attempt->easy, CURLINFO_RESPONSE_CODE, &status);
    bool was_cut = code == CURLE_WRITE_ERROR && attempt->received > ANSWER_BYTES_MAX;
    *why = NULL;
    if ((code == CURLE_OK || was_cut) && status >= 200)
        return status;
    if (attempt->was_refused && code == CURLE_COULDNT_CONNECT)
        *why = "the URL leads to an address that is not public";
    else if (code == CURLE_OPERATION_TIMEDOUT)
        *why = "no answer within 10 seconds";
    else
        *why = attempt->error[0] != 0 ? attempt->error : curl_easy_strerror(code);
    return DBK_NULL;
}

dbk_text dbk_attempt_answer(dbk_attempt *attempt)
{
    dbk_buffer *answer = &attempt->answer;
    for (size_t at = 0; at < answer->size; at++)
        if (answer->data[at] == 0)
            answer->data[at] = '?';
    for (size_t bad = dbk_utf8_invalid_at(answer->data, answer->size); bad < answer->size;) {
        answer->data[bad] = '?';
        bad += dbk_utf8_invalid_at(answer->data + bad, answer->size - bad);
    }
    uint32_t length = 0;
    int characters = 0;
    for (; length < answer->size; length++) {
        characters += (answer->data[length] & 0xc0) != 0x80;
        if (characters > DBK_DELIVERY_TEXT_MAX)
            break;
    }
    return (dbk_text){(const char *)answer->data, length};
}
