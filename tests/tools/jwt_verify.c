// SPDX-License-Identifier: Apache-2.0
// Verifies tokens of other programs. One JSON object a line on stdin, one on stdout:
//     {"jwks":"…","secret":"…","audience":"…","token":"…","now":1776000000}      all but token and now
//     optional
//     {"subject":"…","role":0} or {"error":"…"}
#include "http/auth/jwt.h"
#include "http/json/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dbk_text text_at(const dbk_json *object, const char *name)
{
    return dbk_json_string_of(dbk_json_get(object, name));
}

static dbk_status verify(const dbk_json *line, const dbk_trust *trust, dbk_claims *claims, dbk_error *err)
{
    dbk_jwt jwt;
    int64_t now = 0;
    if (!dbk_json_int_of(dbk_json_get(line, "now"), &now))
        return dbk_fail(err, DBK_INVALID, "now is no number");
    DBK_TRY(dbk_jwt_read(&jwt, text_at(line, "token"), err));
    dbk_status status = dbk_jwt_verify(&jwt, trust, now * 1000, claims, err);
    dbk_jwt_dispose(&jwt);
    return status;
}

static void answer(const dbk_json *line)
{
    dbk_jwks *set = NULL;
    dbk_claims claims = {0};
    dbk_error err;
    dbk_trust trust = {.secret = text_at(line, "secret"), .audience = text_at(line, "audience")};
    dbk_text jwks = text_at(line, "jwks");
    dbk_status status = jwks.length > 0 ? dbk_jwks_parse(&set, jwks, &err) : DBK_OK;
    trust.keys = set;
    if (status == DBK_OK)
        status = verify(line, &trust, &claims, &err);
    dbk_buffer text = {0};
    dbk_out out = dbk_out_init(&text);
    dbk_out_object(&out);
    if (status == DBK_OK) {
        dbk_out_key(&out, "subject");
        dbk_out_string(&out, claims.subject);
        dbk_out_key(&out, "role");
        dbk_out_int(&out, claims.role);
    } else {
        dbk_out_key(&out, "error");
        dbk_out_string(&out, err.message);
    }
    dbk_out_object_end(&out);
    printf("%.*s\n", (int)text.size, (const char *)text.data);
    fflush(stdout);
    dbk_buffer_dispose(&text);
    dbk_jwks_destroy(set);
}

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    while ((length = getline(&line, &capacity, stdin)) > 0) {
        dbk_json_doc doc;
        if (dbk_json_parse(line, (size_t)length, &doc, NULL, NULL) != DBK_OK)
            return 2;
        answer(doc.root);
        dbk_json_doc_dispose(&doc);
    }
    free(line);
    return 0;
}
