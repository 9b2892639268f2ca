// SPDX-License-Identifier: Apache-2.0
// The span of time that the calendar's files compute in.
#ifndef DBK_BASE_CALENDAR_RANGE_H
#define DBK_BASE_CALENDAR_RANGE_H

// Instants outside the years -9999 to 19999 are no dates anybody means; civil times are clamped to that
// range, and buckets end there, so that day arithmetic cannot overflow.
#define DBK_MS_FIRST (-377705116800000)
#define DBK_MS_LAST  568971820799999

#endif
