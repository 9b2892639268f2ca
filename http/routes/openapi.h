// SPDX-License-Identifier: Apache-2.0
// The description of the API, generated from the table of routes so that it cannot lag behind.
#ifndef DBK_OPENAPI_H
#define DBK_OPENAPI_H

#include "engine/base/bytes.h"

// The route table as an OpenAPI 3.1 document. Local routes are left out: they are not for clients.
void dbk_openapi_write(dbk_buffer *out);

#endif
