// SPDX-License-Identifier: Apache-2.0
// One number for everything that a snapshot says: equal for equal content, whatever the history, the segments
// or the order of rows were.
#ifndef DBK_TEST_DIGEST_H
#define DBK_TEST_DIGEST_H

#include "engine/db.h"

uint64_t test_digest(const dbk_snapshot *snapshot);

#endif
