// SPDX-License-Identifier: Apache-2.0
// Who asks: the key or token that a request shows in its dialect's way, the tenant that it stands for, its
// rate limit, and whether it may use the route.
#ifndef DBK_CALLER_H
#define DBK_CALLER_H

#include "http/app/call.h"

// Fills the call's tenant and key or token. False: the call was answered, with 401, 403, 429 or 400 in its
// dialect.
bool dbk_caller_authorise(dbk_call *call);

#endif
