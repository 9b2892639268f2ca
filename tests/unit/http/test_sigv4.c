// SPDX-License-Identifier: Apache-2.0
// The examples of "Authenticating Requests (AWS Signature Version 4)" in the S3 API reference, signature by
// signature, and what the configuration makes of buckets and hosts.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/s3/sigv4.h"
#include "http/s3/upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const dbk_sigv4_keys keys = {.access_key = "AKIAIOSFODNN7EXAMPLE",
                                    .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                    .region = "us-east-1",
                                    .service = "s3"};
static const int64_t may_24_2013_ms = 1369353600000;
static const char host[] = "examplebucket.s3.amazonaws.com";
static const char empty_hash[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static dbk_error err;

static void expect_authorization(const dbk_sigv4_request *request, const char *names, const char *signature)
{
    char wanted[1000];
    dbk_buffer got = {0};
    assert_int_equal(dbk_sigv4_authorization(&keys, request, may_24_2013_ms, &got, &err), DBK_OK);
    dbk_buffer_u8(&got, 0);
    snprintf(wanted, sizeof(wanted),
             "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
             "SignedHeaders=%s,Signature=%s",
             names, signature);
    assert_string_equal((const char *)got.data, wanted);
    dbk_buffer_dispose(&got);
}

static void test_GET_object(void **state)
{
    (void)state;
    const dbk_sigv4_pair headers[] = {{"range", "bytes=0-9"}};
    expect_authorization(&(dbk_sigv4_request){.method = "GET",
                                              .host = host,
                                              .path = "/test.txt",
                                              .headers = headers,
                                              .headers_count = 1,
                                              .payload_hash = empty_hash},
                         "host;range;x-amz-content-sha256;x-amz-date",
                         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void test_PUT_object(void **state)
{
    (void)state;
    char hash[65];
    static const char body[] = "Welcome to Amazon S3.";
    const dbk_sigv4_pair headers[] = {{"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                                      {"date", "Fri, 24 May 2013 00:00:00 GMT"}};
    assert_true(dbk_sigv4_hash(body, strlen(body), hash));
    assert_string_equal(hash, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
    expect_authorization(&(dbk_sigv4_request){.method = "PUT",
                                              .host = host,
                                              .path = "/test$file.text",
                                              .headers = headers,
                                              .headers_count = 2,
                                              .payload_hash = hash},
                         "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                         "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

static void test_GET_bucket_lifecycle(void **state)
{
    (void)state;
    const dbk_sigv4_pair query[] = {{"lifecycle", ""}};
    expect_authorization(&(dbk_sigv4_request){.method = "GET",
                                              .host = host,
                                              .path = "/",
                                              .query = query,
                                              .query_count = 1,
                                              .payload_hash = empty_hash},
                         "host;x-amz-content-sha256;x-amz-date",
                         "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

static void test_GET_bucket_list(void **state)
{
    (void)state;
    const dbk_sigv4_pair query[] = {{"prefix", "J"}, {"max-keys", "2"}};
    expect_authorization(&(dbk_sigv4_request){.method = "GET",
                                              .host = host,
                                              .path = "/",
                                              .query = query,
                                              .query_count = 2,
                                              .payload_hash = empty_hash},
                         "host;x-amz-content-sha256;x-amz-date",
                         "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

static void test_presigned_URL(void **state)
{
    (void)state;
    dbk_s3_config config = {.endpoint = "https://s3.amazonaws.com",
                            .region = "us-east-1",
                            .bucket = "examplebucket",
                            .access_key = "AKIAIOSFODNN7EXAMPLE",
                            .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
    dbk_buffer url = {0};
    assert_int_equal(dbk_s3_presign(&config, "test.txt", 86400, may_24_2013_ms, &url, &err), DBK_OK);
    dbk_buffer_u8(&url, 0);
    assert_string_equal((const char *)url.data,
                        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
                        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-"
                        "Amz-Date=20130524T000000Z"
                        "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    dbk_buffer_dispose(&url);
    static const int wrong[] = {0, -1, 604801};
    for (size_t i = 0; i < DBK_COUNT(wrong); i++) {
        dbk_buffer none = {0};
        assert_int_equal(dbk_s3_presign(&config, "test.txt", wrong[i], may_24_2013_ms, &none, &err),
                         DBK_INVALID);
        dbk_buffer_dispose(&none);
    }
}

static void test_encoding_leaves_what_the_specification_names(void **state)
{
    (void)state;
    dbk_buffer out = {0};
    dbk_sigv4_encode(&out, "/aZ09-._~ é+%&=/", false);
    dbk_buffer_u8(&out, '|');
    dbk_sigv4_encode(&out, "/a*", true);
    dbk_buffer_u8(&out, 0);
    assert_string_equal((const char *)out.data, "/aZ09-._~%20%C3%A9%2B%25%26%3D/|%2Fa%2A");
    dbk_buffer_dispose(&out);
}

// ---- Configuration ----

static dbk_status finish(dbk_s3_config *config)
{
    err.message[0] = 0;
    return dbk_s3_config_finish(config, &err);
}

static const dbk_s3_config right = {.endpoint = "https://s3.example",
                                    .bucket = "exports",
                                    .prefix = "daybook/",
                                    .access_key = "a",
                                    .secret_key = "s"};

static void test_objects_have_their_place(void **state)
{
    (void)state;
    const struct {
        const char *endpoint;
        bool path_style;
        const char *origin, *host, *path;
    } cases[] = {
        {"https://s3.example", false, "https://exports.s3.example", "exports.s3.example", "/daybook/x y.csv"},
        {"https://s3.example:443/", false, "https://exports.s3.example", "exports.s3.example",
         "/daybook/x y.csv"},
        {"http://127.0.0.1:9000", true, "http://127.0.0.1:9000", "127.0.0.1:9000",
         "/exports/daybook/x y.csv"},
        {"http://127.0.0.1:80", true, "http://127.0.0.1", "127.0.0.1", "/exports/daybook/x y.csv"},
        {"http://127.0.0.1:443", true, "http://127.0.0.1:443", "127.0.0.1:443", "/exports/daybook/x y.csv"},
    };
    for (size_t i = 0; i < DBK_COUNT(cases); i++) {
        dbk_s3_config config = right;
        dbk_s3_place place;
        assert_true(dbk_s3_config_apply(&config, "endpoint", cases[i].endpoint));
        assert_true(dbk_s3_config_apply(&config, "path_style", cases[i].path_style ? "on" : "off"));
        assert_int_equal(finish(&config), DBK_OK);
        assert_string_equal(config.region, "us-east-1");
        assert_int_equal(dbk_s3_place_of(&config, "x y.csv", &place, &err), DBK_OK);
        assert_string_equal(place.origin, cases[i].origin);
        assert_string_equal(place.host, cases[i].host);
        assert_string_equal(place.path, cases[i].path);
    }
    char name[2000] = {0};
    dbk_s3_place place;
    memset(name, 'n', sizeof(name) - 1);
    assert_int_equal(dbk_s3_place_of(&right, name, &place, &err), DBK_INVALID);
}

static void test_configurations_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const char *const endpoints[] = {"",
                                            "s3.example",
                                            "ftp://s3.example",
                                            "https://",
                                            "https://s3.example/path",
                                            "https://user@s3.example",
                                            "https://s3.example?x"};
    static const char *const buckets[] = {"", "ab", "Exports", "ex/ports", "exports "};
    for (size_t i = 0; i < DBK_COUNT(endpoints); i++) {
        dbk_s3_config config = right;
        assert_true(dbk_s3_config_apply(&config, "endpoint", endpoints[i]));
        assert_int_equal(finish(&config), DBK_INVALID);
    }
    for (size_t i = 0; i < DBK_COUNT(buckets); i++) {
        dbk_s3_config config = right;
        assert_true(dbk_s3_config_apply(&config, "bucket", buckets[i]));
        assert_int_equal(finish(&config), DBK_INVALID);
    }
    dbk_s3_config config = right;
    char longer[400] = {0};
    memset(longer, 'x', sizeof(longer) - 1);
    assert_false(dbk_s3_config_apply(&config, "prefix", longer));
    assert_false(dbk_s3_config_apply(&config, "acl", "public"));
    assert_false(dbk_s3_config_apply(&config, "path_style", "maybe"));
    config = right;
    assert_true(dbk_s3_config_apply(&config, "secret_key", "a\r\nb"));
    assert_int_equal(finish(&config), DBK_INVALID);
}

static void test_keys_may_come_from_the_environment(void **state)
{
    (void)state;
    dbk_s3_config config = right;
    config.access_key[0] = config.secret_key[0] = 0;
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    assert_int_equal(finish(&config), DBK_INVALID);
    setenv("AWS_ACCESS_KEY_ID", "from", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "there", 1);
    assert_int_equal(finish(&config), DBK_OK);
    assert_string_equal(config.access_key, "from");
    assert_string_equal(config.secret_key, "there");
    config = right;
    assert_int_equal(finish(&config), DBK_OK);
    assert_string_equal(config.access_key, "a"); // the file's stand first
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_GET_object),
        cmocka_unit_test(test_PUT_object),
        cmocka_unit_test(test_GET_bucket_lifecycle),
        cmocka_unit_test(test_GET_bucket_list),
        cmocka_unit_test(test_presigned_URL),
        cmocka_unit_test(test_encoding_leaves_what_the_specification_names),
        cmocka_unit_test(test_objects_have_their_place),
        cmocka_unit_test(test_configurations_that_cannot_be_are_refused),
        cmocka_unit_test(test_keys_may_come_from_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
