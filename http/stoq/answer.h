// SPDX-License-Identifier: Apache-2.0
// What STOQ's handlers answer alike.
#ifndef DBK_STOQ_ANSWER_H
#define DBK_STOQ_ANSWER_H

#include "http/app/call.h"
#include "http/stoq/rows.h"

// Ends the call with 422 and {"errors": [every fault]}.
void dbk_stoq_refuse(dbk_call *call, const dbk_stoq_faults *faults);

#endif
