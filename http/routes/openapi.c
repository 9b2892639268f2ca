// SPDX-License-Identifier: Apache-2.0
// The description of the API, generated from the routes themselves, so that it cannot drift from them.
#include "http/routes/openapi.h"

#include "http/app/route.h"
#include "http/json/writer.h"

#include <ctype.h>
#include <string.h>

static void write_text(dbk_out *out, const char *key, const char *text)
{
    dbk_out_key(out, key);
    dbk_out_string(out, text);
}

static void write_parameters(dbk_out *out, const dbk_route *route)
{
    dbk_out_key(out, "parameters");
    dbk_out_array(out);
    for (const dbk_route_parameter *p = route->parameters; p != NULL && p->name != NULL; p++) {
        if (strcmp(p->name, "tenant") == 0)
            continue;
        dbk_out_object(out);
        write_text(out, "name", p->name);
        write_text(out, "in", p->in);
        if (strcmp(p->in, "path") == 0) {
            dbk_out_key(out, "required");
            dbk_out_bool(out, true);
        }
        write_text(out, "description", p->description);
        dbk_out_key(out, "schema");
        dbk_out_raw(out, p->schema);
        dbk_out_object_end(out);
    }
    dbk_out_array_end(out);
}

static void write_body(dbk_out *out, const dbk_route *route)
{
    const char *types = route->body_types;
    dbk_out_key(out, "requestBody");
    dbk_out_object(out);
    dbk_out_key(out, "required");
    dbk_out_bool(out, route->body_schema == NULL);
    dbk_out_key(out, "content");
    dbk_out_object(out);
    while (*types != 0) {
        size_t length = strcspn(types, " ");
        dbk_out_key_text(out, (dbk_text){types, (uint32_t)length});
        dbk_out_object(out);
        dbk_out_key(out, "schema");
        dbk_out_raw(out, route->body_schema != NULL ? route->body_schema : "{\"type\":\"string\"}");
        dbk_out_object_end(out);
        types += length + (types[length] == ' ');
    }
    dbk_out_object_end(out);
    dbk_out_object_end(out);
}

static void write_error_answer(dbk_out *out, const dbk_route *route, const char *status,
                               const char *description)
{
    dbk_out_key(out, status);
    dbk_out_object(out);
    write_text(out, "description", description);
    dbk_out_key(out, "content");
    dbk_buffer content = {0};
    dbk_buffer_format(&content,
                      "{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/%s\"}}}%c",
                      route->dialect->error_schema != NULL ? route->dialect->error_schema : "Error", 0);
    dbk_out_raw(out, content.failed ? "{}" : (const char *)content.data);
    dbk_buffer_dispose(&content);
    dbk_out_object_end(out);
}

static void write_refusals(dbk_out *out, const dbk_route *route)
{
    bool is_get = strcmp(route->method, "GET") == 0, is_read = is_get || route->cost == DBK_COST_READ;
    if (is_read) {
        dbk_out_key(out, "304");
        dbk_out_raw(out, "{\"description\":\"If-None-Match names the current answer\"}");
    }
    write_error_answer(out, route, "400", is_get ? "A parameter cannot be used" : "The body cannot be used");
    write_error_answer(out, route, "401", "No key, or one that is not valid");
    write_error_answer(out, route, "403", "The key lacks the scope");
    if (strchr(route->path, '{') != NULL)
        write_error_answer(out, route, "404", "There is no such thing");
    if (!is_get) {
        write_error_answer(out, route, "413", "The body is too large");
        write_error_answer(out, route, "415", "The body is of another media type");
    }
    if (route->dialect == &dbk_dialect_blocks)
        write_error_answer(out, route, "422", "A field cannot be used, or a list is too long for one answer");
    else if (!is_read && strcmp(route->path, "/ingest/{table}") != 0)
        write_error_answer(out, route, "422", "A rule of business is against it");
    if (!is_read) {
        write_error_answer(out, route, "503", "The server is read-only");
        write_error_answer(out, route, "507", "Disk or memory is full; nothing was stored");
    }
    write_error_answer(out, route, "429", "The key made too many requests");
}

static void write_answers(dbk_out *out, const dbk_route *route)
{
    dbk_out_key(out, "responses");
    dbk_out_object(out);
    dbk_out_key(out, route->success == 201 ? "201" : "200");
    dbk_out_object(out);
    write_text(out, "description", route->summary);
    dbk_out_key(out, "content");
    dbk_out_object(out);
    dbk_out_key(out, route->answer_type != NULL ? route->answer_type : "application/json");
    dbk_out_object(out);
    dbk_out_key(out, "schema");
    dbk_out_raw(out, route->answer != NULL        ? route->answer
                     : route->answer_type != NULL ? "{\"type\":\"string\"}"
                                                  : "{\"type\":\"object\"}");
    dbk_out_object_end(out);
    dbk_out_object_end(out);
    dbk_out_object_end(out);
    if (route->access == DBK_ACCESS_SCOPED)
        write_refusals(out, route);
    dbk_out_object_end(out);
}

// "get_api_v1_products_id"
static void write_operation_id(dbk_out *out, const dbk_route *route)
{
    char id[128];
    size_t length = 0;
    for (const char *p = route->method; *p != 0 && length < sizeof(id) - 1; p++)
        id[length++] = (char)tolower((unsigned char)*p);
    for (const char *p = route->path; *p != 0 && length < sizeof(id) - 1; p++) {
        bool is_word = isalnum((unsigned char)*p);
        if (is_word)
            id[length++] = *p;
        else if (id[length - 1] != '_' && p[1] != 0)
            id[length++] = '_';
    }
    id[length] = 0;
    write_text(out, "operationId", id);
}

// Which ways of asking do: each of the list is enough.
static void write_security(dbk_out *out, const dbk_route *route)
{
    static const char *const roles[] = {[DBK_ROLE_NONE] = "",
                                        [DBK_ROLE_OPERATOR] = " with the role operator",
                                        [DBK_ROLE_ADMIN] = " with the role admin"};
    const dbk_dialect *dialect = route->dialect;
    dbk_role role = route->token_role != DBK_ROLE_NONE ? route->token_role : dialect->token_role;
    dbk_buffer text = {0};
    dbk_buffer_format(&text, "Needs a key with the scope %s", route->scope);
    if (dialect->takes_tokens)
        dbk_buffer_format(&text, ", or a token%s", roles[role]);
    dbk_buffer_format(&text, "%s.", route->takes_ticket ? ", or a ticket" : "");
    dbk_out_key(out, "description");
    dbk_out_text(out, (dbk_text){(const char *)text.data, (uint32_t)text.size});
    dbk_buffer_dispose(&text);
    dbk_out_key(out, "security");
    dbk_out_array(out);
    dbk_out_object(out);
    dbk_out_key(out, dialect->security != NULL ? dialect->security : "key");
    dbk_out_raw(out, "[]");
    dbk_out_object_end(out);
    if (dialect->takes_tokens)
        dbk_out_raw(out, dialect->app_missing != NULL ? "{\"token\":[],\"appId\":[]}" : "{\"token\":[]}");
    if (route->takes_ticket)
        dbk_out_raw(out, "{\"ticket\":[]}");
    dbk_out_array_end(out);
}

static void write_operation(dbk_out *out, const dbk_route *route)
{
    char method[16] = {0};
    for (size_t i = 0; route->method[i] != 0 && i + 1 < sizeof(method); i++)
        method[i] = (char)tolower((unsigned char)route->method[i]);
    dbk_out_key(out, method);
    dbk_out_object(out);
    write_operation_id(out, route);
    write_text(out, "summary", route->summary);
    if (route->access == DBK_ACCESS_SCOPED)
        write_security(out, route);
    write_parameters(out, route);
    if (route->body_types != NULL)
        write_body(out, route);
    write_answers(out, route);
    dbk_out_object_end(out);
}

static bool is_described(const dbk_route *route)
{
    return route->access != DBK_ACCESS_LOCAL;
}

// A path's operations stand together, under its first route.
static void write_path(dbk_out *out, int first)
{
    const dbk_route *route = dbk_route_at(first);
    const char *path = route->path;
    for (int i = 0; i < first; i++)
        if (is_described(dbk_route_at(i)) && strcmp(dbk_route_at(i)->path, path) == 0)
            return;
    if (route->describe != NULL) {
        route->describe(out);
        return;
    }
    dbk_out_key(out, path);
    dbk_out_object(out);
    for (int i = first; i < dbk_route_count(); i++)
        if (is_described(dbk_route_at(i)) && strcmp(dbk_route_at(i)->path, path) == 0)
            write_operation(out, dbk_route_at(i));
    dbk_out_object_end(out);
}

void dbk_openapi_write(dbk_buffer *buffer)
{
    dbk_out out = dbk_out_init(buffer);
    dbk_out_object(&out);
    write_text(&out, "openapi", "3.1.0");
    dbk_out_key(&out, "info");
    dbk_out_raw(&out, "{\"title\":\"Daybook\",\"version\":\"" DBK_VERSION
                      "\",\"license\":{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}}");
    dbk_out_key(&out, "servers");
    dbk_out_raw(&out, "[{\"url\":\"/\"}]");
    dbk_out_key(&out, "paths");
    dbk_out_object(&out);
    for (int i = 0; i < dbk_route_count(); i++)
        if (is_described(dbk_route_at(i)))
            write_path(&out, i);
    dbk_out_object_end(&out);
    dbk_out_key(&out, "components");
    dbk_out_raw(
        &out,
        "{\"securitySchemes\":{\"key\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
        "\"shopToken\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-Auth-Token\"},"
        "\"token\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\"},"
        "\"appId\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"AppId\"},"
        "\"ticket\":{\"type\":\"apiKey\",\"in\":\"query\",\"name\":\"ticket\"}},\"schemas\":{"
        "\"Error\":{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{"
        "\"error\":{\"type\":\"string\"},\"retryAfter\":{\"type\":\"integer\"}}},"
        "\"Messages\":{\"type\":\"object\",\"properties\":{"
        "\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"error\":{\"type\":\"string\"},"
        "\"retry_after\":{\"type\":\"integer\"},\"message\":{\"type\":\"string\"}}},"
        "\"Errors\":{\"type\":\"object\",\"required\":[\"errors\"],\"properties\":{\"errors\":{"
        "\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"status\",\"code\",\"title\","
        "\"detail\"],\"properties\":{\"status\":{\"type\":\"string\"},\"code\":{\"type\":\"string\"},"
        "\"title\":{\"type\":\"string\"},\"detail\":{\"type\":\"string\"}}}}}},"
        "\"Range\":{\"type\":\"object\",\"required\":[\"from\",\"to\",\"preset\",\"label\"],\"properties\":{"
        "\"from\":{\"type\":\"string\",\"format\":\"date-time\"},"
        "\"to\":{\"type\":\"string\",\"format\":\"date-time\"},"
        "\"preset\":{\"type\":\"string\",\"enum\":[\"today\",\"week\",\"month\",\"quarter\",\"year\","
        "\"all\",\"custom\"]},\"label\":{\"type\":\"string\"}}}}}");
    dbk_out_object_end(&out);
}
