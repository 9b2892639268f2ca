// SPDX-License-Identifier: Apache-2.0
// One process at a time has a data directory open.
#ifndef DBK_STORE_LOCK_H
#define DBK_STORE_LOCK_H

#include "engine/base/status.h"

#include <stdbool.h>

// Takes the lock and returns its descriptor in *out. DBK_BUSY when another process holds it. With `create`
// the lock file is made when it is missing; otherwise a directory without one is nobody's, and *out is -1.
dbk_status dbk_lock_take(const char *directory, bool create, int *out, dbk_error *err);
// -1 is fine.
void dbk_lock_release(int lock);

#endif
