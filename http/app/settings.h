// SPDX-License-Identifier: Apache-2.0
// A tenant's settings: rows of the table `settings`, id → value. Known ids: timezone, currency, business-day,
// restock-on-cancel, allow-private-webhooks, webhook-delivery-days; and who may ask with tokens
// (http/auth/tokens.h): app-id, jwks (a JSON Web Key Set), jwt-secret, jwt-audience. Others are kept and mean
// nothing here.
#ifndef DBK_SETTINGS_H
#define DBK_SETTINGS_H

#include "engine/base/zone.h"
#include "engine/db.h"
#include "engine/query.h"
#include "http/json/writer.h"

typedef struct dbk_settings {
    const dbk_zone *zone; // NULL = UTC
    char currency[65];    // "" until the first money is loaded
    int currency_digits;
    int business_day_minutes;     // default 07:00
    bool allows_private_webhooks; // webhooks may lead into the server's own network
    bool restocks_on_cancel;      // a cancelled order puts its units back
    int delivery_days;            // webhook deliveries that are over are kept so long; 0 = for ever
} dbk_settings;

// A stored value that cannot be used any more (a zone that the system lost) is DBK_INVALID, saying which.
dbk_status dbk_settings_read(const dbk_snapshot *snapshot, dbk_text tenant, dbk_settings *out,
                             dbk_error *err);
// The same for who needs one of the ids that are known here: all others are as if they were not set.
dbk_status dbk_settings_read_one(const dbk_snapshot *snapshot, dbk_text tenant, const char *id,
                                 dbk_settings *out, dbk_error *err);
// All of them as rows of id and value, by id; free with dbk_result_free.
dbk_status dbk_settings_query(const dbk_snapshot *snapshot, dbk_text tenant, dbk_result **out,
                              dbk_error *err);
// All of them as one JSON object, by id; of a secret only that there is one.
dbk_status dbk_settings_write_all(const dbk_snapshot *snapshot, dbk_text tenant, dbk_out *json,
                                  dbk_error *err);
enum { DBK_SETTING_VALUE_MAX = 128, DBK_APP_ID_MAX = 128 };
// Whether a value may be stored under an id; says what it must be. Values are at most DBK_SETTING_VALUE_MAX
// bytes, but for a key set (DBK_JWKS_BYTES_MAX) and a secret. Whether an AppId is free is not for here, see
// dbk_tokens_check_app.
dbk_status dbk_setting_check(dbk_text id, dbk_text value, dbk_error *err);
// Whether nobody is to be shown its value.
bool dbk_setting_is_secret(dbk_text id);

#endif
