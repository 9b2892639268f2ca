// SPDX-License-Identifier: Apache-2.0
// The command line: one file per command, each a function of its own arguments. Results go to stdout, talk to
// stderr.
#ifndef DBK_CLI_H
#define DBK_CLI_H

#include "engine/base/status.h"
#include "engine/base/types.h"

typedef enum dbk_exit {
    DBK_EXIT_OK = 0,
    DBK_EXIT_FAILED = 1,
    DBK_EXIT_USAGE = 2,
    DBK_EXIT_REJECTS = 3,     // done, but some rows were rejected
    DBK_EXIT_UNREACHABLE = 4, // no server answers
} dbk_exit;

// argv[0] is the command's name.
int dbk_cli_serve(int argc, char **argv);
int dbk_cli_load(int argc, char **argv);
int dbk_cli_keys(int argc, char **argv);
int dbk_cli_tenant(int argc, char **argv);
int dbk_cli_webhooks(int argc, char **argv);
int dbk_cli_audit(int argc, char **argv);
int dbk_cli_closure(int argc, char **argv);
int dbk_cli_report(int argc, char **argv);
int dbk_cli_check(int argc, char **argv);
int dbk_cli_gen(int argc, char **argv);

// "daybook: …" on stderr; returns `code`, so that callers write `return dbk_cli_fail(…)`.
int dbk_cli_fail(dbk_exit code, const char *format, ...) __attribute__((format(printf, 2, 3)));
// The same for a wrong use of a command, pointing at its help.
int dbk_cli_usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

// A whole number in [low, high]; false (and nothing said) otherwise.
bool dbk_cli_number(const char *text, int64_t low, int64_t high, int64_t *out);
// "512M", "20G", "1048576": bytes.
bool dbk_cli_bytes(const char *text, uint64_t *out);
// A short way to say bytes and counts: "1.2 GB", "3.4 M".
const char *dbk_cli_human(char out[32], double value, const char *unit);

#endif
