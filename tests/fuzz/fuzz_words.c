// SPDX-License-Identifier: Apache-2.0
// Any bytes as a words file, behind the header that the manifest names: sizes, counts and compressed chunks
// are all the fuzzer's.
#include "ingest/store/words.h"

#include <assert.h>
#include <string.h>

static dbk_status visit(void *user, dbk_text tenant, dbk_domain domain, const dbk_text *words, uint32_t count,
                        dbk_error *err)
{
    unsigned *sum = user;
    (void)tenant, (void)domain, (void)err;
    assert(count > 0);
    for (uint32_t w = 0; w < count; w++) {
        assert(words[w].length > 0);
        // Every byte of the word must be readable.
        for (uint32_t i = 0; i < words[w].length; i++)
            *sum += (uint8_t)words[w].data[i];
    }
    return DBK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char magic[8] = "DBKWRD1";
    static uint8_t file[1 << 16];
    if (size < 2 || size > sizeof(file) - 64)
        return 0;
    dbk_manifest_tenant tenant = {.name = DBK_TEXT("acme")};
    dbk_manifest_section section = {.domain = DBK_DOMAIN_STATUS, .first = 1, .count = data[0]};
    dbk_manifest_words words = {.epoch = 1, .sections_count = data[1] % 2, .sections = &section};
    dbk_manifest manifest = {.tenants_count = 1, .tenants = &tenant};
    unsigned sum = 0;
    dbk_words_decode(data, size, &manifest, &words, visit, &sum, NULL);
    memset(file, 0, 64);
    memcpy(file, magic, sizeof(magic));
    file[8] = (uint8_t)(1 + data[1] / 2 % 2); // both versions
    file[12] = (uint8_t)words.sections_count;
    file[16] = 1;
    memcpy(file + 64, data + 2, size - 2);
    dbk_words_decode(file, 64 + size - 2, &manifest, &words, visit, &sum, NULL);
    return sum == 1;
}
