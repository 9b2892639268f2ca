// SPDX-License-Identifier: Apache-2.0
// One attempt to deliver: a POST made ready for libcurl's multi interface. Internal to the deliverer.
#ifndef DBK_ATTEMPT_H
#define DBK_ATTEMPT_H

#include "engine/base/bytes.h"
#include "http/webhooks/delivery.h"
#include "http/webhooks/webhook.h"

#include <curl/curl.h>

typedef struct dbk_attempt {
    struct dbk_attempt *next;
    CURL *easy;
    struct curl_slist *headers;
    dbk_target *target;
    dbk_delivery *delivery;
    bool allows_private; // the tenant's own network may be reached
    bool was_refused;    // … and it was not
    size_t received;
    dbk_buffer answer; // its beginning
    char error[CURL_ERROR_SIZE];
} dbk_attempt;

// NULL when memory is out or the secret cannot sign. The delivery stays the caller's; it must live as long.
dbk_attempt *dbk_attempt_create(const dbk_webhook *webhook, dbk_delivery *delivery, bool allows_private,
                                int64_t now_ms);
void dbk_attempt_destroy(dbk_attempt *attempt);

// After the transfer ended: the status of the answer, or DBK_NULL and `why` when there was none in time.
int64_t dbk_attempt_status(dbk_attempt *attempt, CURLcode code, const char **why);
// The beginning of the answer as valid text of at most DBK_DELIVERY_TEXT_MAX characters; in the attempt.
dbk_text dbk_attempt_answer(dbk_attempt *attempt);

#endif
