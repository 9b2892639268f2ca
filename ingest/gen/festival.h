// SPDX-License-Identifier: Apache-2.0
// A company that is a village festival: tickets at six tills, in the evening hours, and nothing else.
#ifndef DBK_GEN_FESTIVAL_H
#define DBK_GEN_FESTIVAL_H

#include "ingest/gen/company.h"

// Open from 17:00 to midnight UTC.
enum { GEN_FESTIVAL_OPENS_HOUR = 17, GEN_FESTIVAL_HOURS = 7 };

// Writes categories, foods, cash registers, tickets and their lines into the open tables.
dbk_status dbk_gen_write_festival(dbk_gen_company *company, dbk_error *err);

#endif
