// SPDX-License-Identifier: Apache-2.0
// Groups in the order of their keys, without comparing any two of them: a key of a dense grouping is a digit,
// and digits are sorted by counting.
#ifndef DBK_EXEC_KEY_ORDER_H
#define DBK_EXEC_KEY_ORDER_H

#include "engine/exec/groups.h"

// `chosen` ascends. False where comparing is cheaper, keys are no digits, or memory is out: the order is any
// then.
bool dbk_key_order(const dbk_groups *groups, uint32_t *chosen, size_t count);

#endif
