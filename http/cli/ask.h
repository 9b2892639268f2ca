// SPDX-License-Identifier: Apache-2.0
// One question of a command to the handlers, and its answer.
#ifndef DBK_CLI_ASK_H
#define DBK_CLI_ASK_H

#include "engine/base/bytes.h"
#include "http/cli/client.h"

// "name=value", escaped, behind '?' or '&' as the target so far asks for. Nothing when value is NULL.
void dbk_cli_add_parameter(dbk_buffer *target, const char *name, const char *value);
// Asks the directory's data, which is made first when it is not there and `create` says so. Returns the exit
// code, having said what went wrong. The target is taken over; a body, if there is one, is JSON; the reply's
// body is the caller's, even after a failure.
int dbk_cli_call(const char *directory, bool create, const char *method, dbk_buffer *target,
                 const dbk_buffer *body, dbk_client_reply *reply);
// Asks the directory's data and prints the answer on stdout, as a table or as JSON; returns the exit code.
// The target is taken over; a body, if there is one, is JSON.
int dbk_cli_ask(const char *directory, const char *method, dbk_buffer *target, const dbk_buffer *body,
                bool json);

#endif
