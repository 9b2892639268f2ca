// SPDX-License-Identifier: Apache-2.0
// Readers who lose patience when a test says so, instead of when a query is expected to take long. Test
// programs are linked so that the executor's question after patience goes through here
// (tests/CMakeLists.txt).
#ifndef DBK_TEST_IMPATIENCE_H
#define DBK_TEST_IMPATIENCE_H

#include <stdbool.h>
#include <stdint.h>

// The nth query from here on (1 = the next), of any thread whose patience is limited, is refused as too long;
// those behind it are judged as always.
void impatience_begin(uint64_t nth);
// Ends that. Whether a query was refused: false when there were fewer.
bool impatience_end(void);

#endif
