// SPDX-License-Identifier: Apache-2.0
// A tenant's settings: rows of the table `settings`, id → value. Known ids: timezone, currency, business-day,
// app-id, restock-on-cancel, allow-private-webhooks; others are kept and mean nothing here.
#ifndef DBK_SETTINGS_H
#define DBK_SETTINGS_H

#include "engine/base/zone.h"
#include "engine/db.h"
#include "http/json/writer.h"

typedef struct dbk_settings {
    const dbk_zone *zone; // NULL = UTC
    char currency[65];    // "" until the first money is loaded
    int currency_digits;
    int business_day_minutes; // default 07:00
    char app_id[129];
    bool allows_private_webhooks; // webhooks may lead into the server's own network
    bool restocks_on_cancel;      // a cancelled order puts its units back
} dbk_settings;

// A stored value that cannot be used any more (a zone that the system lost) is DBK_INVALID, saying which.
dbk_status dbk_settings_read(const dbk_snapshot *snapshot, dbk_text tenant, dbk_settings *out,
                             dbk_error *err);
// All of them as one JSON object, by id.
dbk_status dbk_settings_write_all(const dbk_snapshot *snapshot, dbk_text tenant, dbk_out *json,
                                  dbk_error *err);
// Whether a value may be stored under an id; says what it must be.
dbk_status dbk_setting_check(dbk_text id, dbk_text value, dbk_error *err);

#endif
