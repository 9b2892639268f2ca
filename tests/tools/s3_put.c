// SPDX-License-Identifier: Apache-2.0
// s3_put CONFIG FILE OBJECT [SECONDS]: uploads a file with the [s3] section of CONFIG and prints a URL that
// fetches it, signed for so many seconds (default 60). A failure is "status: message" on stderr and exit code
// 1. SIGUSR1 cancels the upload.
#include "http/s3/upload.h"

#include <curl/curl.h>
#include <ini.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static atomic_bool cancelled;

static void on_signal(int number)
{
    (void)number;
    cancelled = true;
}

static int on_line(void *user, const char *section, const char *name, const char *value)
{
    return strcmp(section, "s3") == 0 && dbk_s3_config_apply(user, name, value);
}

static dbk_status put(char **argv, int seconds, dbk_buffer *url, dbk_error *err)
{
    dbk_s3_config config = {0};
    dbk_s3_object object = {
        .name = argv[3], .content_type = "text/csv; charset=utf-8", .file_name = "report.csv"};
    if (ini_parse(argv[1], on_line, &config) != 0)
        return dbk_fail(err, DBK_INVALID, "%s cannot be used", argv[1]);
    DBK_TRY(dbk_s3_config_finish(&config, err));
    DBK_TRY(dbk_s3_upload(&config, argv[2], &object, &cancelled, err));
    return dbk_s3_presign(&config, argv[3], seconds, (int64_t)time(NULL) * 1000, url, err);
}

int main(int argc, char **argv)
{
    dbk_buffer url = {0};
    dbk_error err;
    if (argc < 4)
        return 2;
    signal(SIGUSR1, on_signal);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    dbk_status status = put(argv, argc > 4 ? atoi(argv[4]) : 60, &url, &err);
    if (status == DBK_OK)
        printf("%.*s\n", (int)url.size, (const char *)url.data);
    else
        fprintf(stderr, "%s: %s\n", dbk_status_name(status), err.message);
    dbk_buffer_dispose(&url);
    curl_global_cleanup();
    return status != DBK_OK;
}
