// SPDX-License-Identifier: Apache-2.0
// The special-purpose registries of IPv4 and IPv6 (RFC 6890 and its successors), as lists of prefixes.
#include "http/webhooks/address.h"

#include "engine/base/types.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

typedef struct prefix4 {
    uint8_t bytes[4];
    int bits;
} prefix4;

static const prefix4 refused4[] = {
    {{0, 0, 0, 0}, 8},       // this host
    {{10, 0, 0, 0}, 8},      // private
    {{100, 64, 0, 0}, 10},   // shared by a carrier's customers
    {{127, 0, 0, 0}, 8},     // loopback
    {{169, 254, 0, 0}, 16},  // link-local, where clouds keep their metadata
    {{172, 16, 0, 0}, 12},   // private
    {{192, 0, 0, 0}, 24},    // protocol assignments
    {{192, 0, 2, 0}, 24},    // documentation
    {{192, 88, 99, 0}, 24},  // 6to4 relays
    {{192, 168, 0, 0}, 16},  // private
    {{198, 18, 0, 0}, 15},   // benchmarks
    {{198, 51, 100, 0}, 24}, // documentation
    {{203, 0, 113, 0}, 24},  // documentation
    {{224, 0, 0, 0}, 4},     // multicast
    {{240, 0, 0, 0}, 4},     // reserved, broadcast
};

typedef struct prefix6 {
    uint8_t bytes[16];
    int bits;
} prefix6;

static const prefix6 refused6[] = {
    {{0}, 96},                                        // unspecified, loopback, IPv4-compatible
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, // IPv4-mapped
    {{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96},       // IPv4-translated
    {{0, 0x64, 0xff, 0x9b}, 96},                      // NAT64
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48},                // NAT64, local use
    {{1}, 64},                                        // discard only
    {{0x20, 0x01}, 23},                               // protocol assignments, Teredo
    {{0x20, 0x01, 0x0d, 0xb8}, 32},                   // documentation
    {{0x20, 0x02}, 16},                               // 6to4
    {{0x3f, 0xff}, 20},                               // documentation
    {{0x5f}, 16},                                     // segment routing
    {{0xfc}, 7},                                      // unique local
    {{0xfe, 0x80}, 10},                               // link-local
    {{0xfe, 0xc0}, 10},                               // site-local
    {{0xff}, 8},                                      // multicast
};

static bool has_prefix(const uint8_t *address, const uint8_t *prefix, int bits)
{
    int bytes = bits / 8, rest = bits % 8;
    if (memcmp(address, prefix, (size_t)bytes) != 0)
        return false;
    return rest == 0 || ((address[bytes] ^ prefix[bytes]) >> (8 - rest)) == 0;
}

static bool is_public4(const struct sockaddr_in *address)
{
    uint8_t bytes[4];
    memcpy(bytes, &address->sin_addr, sizeof(bytes));
    for (size_t i = 0; i < DBK_COUNT(refused4); i++)
        if (has_prefix(bytes, refused4[i].bytes, refused4[i].bits))
            return false;
    return true;
}

static bool is_public6(const struct sockaddr_in6 *address)
{
    for (size_t i = 0; i < DBK_COUNT(refused6); i++)
        if (has_prefix(address->sin6_addr.s6_addr, refused6[i].bytes, refused6[i].bits))
            return false;
    return true;
}

bool dbk_address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return is_public4((const struct sockaddr_in *)(const void *)address);
    return address->sa_family == AF_INET6 && is_public6((const struct sockaddr_in6 *)(const void *)address);
}
