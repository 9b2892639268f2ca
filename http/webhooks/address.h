// SPDX-License-Identifier: Apache-2.0
// Which addresses the outside world is made of. A webhook's URL is chosen by a client, so without this check
// anybody with a key could make the server knock at the doors of its own network (server-side request
// forgery). The check is made on the address that is about to be connected to, after every name was resolved
// and every spelling was read: there is nothing left to evade it with.
#ifndef DBK_ADDRESS_H
#define DBK_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

// False for loopback, private, link-local, shared (CGNAT), multicast, reserved and documentation addresses,
// for IPv6 forms that carry an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo), and for whatever is
// neither IPv4 nor IPv6.
bool dbk_address_is_public(const struct sockaddr *address);

#endif
