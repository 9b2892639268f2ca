// SPDX-License-Identifier: Apache-2.0
// Commission. What an assignment pays its provider is what is left after commission, so a rate of r percent
// of the whole makes amount × r ÷ (100 − r). Assignments of one rate are added first; the fractions of
// several rates are then added exactly, whatever their denominators, and the sum is rounded once.
#ifndef DBK_BLOCKS_COMMISSION_H
#define DBK_BLOCKS_COMMISSION_H

#include "engine/base/status.h"
#include "engine/base/types.h"

// The provider's amounts at one rate. Ten-thousandths; percent in thousand-millionths, DBK_NULL = none. A
// rate below 0 or not below 100 makes no commission.
typedef struct dbk_commission {
    dbk_i128 amount;
    int64_t rate;
} dbk_commission;

// The sum of all commission, rounded half away from zero to so many digits (0 to 4), in ten-thousandths.
// DBK_OVERFLOW: it leaves its range.
dbk_status dbk_commission_sum(const dbk_commission *parts, size_t count, int digits, dbk_i128 *out,
                              dbk_error *err);

#endif
