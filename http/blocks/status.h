// SPDX-License-Identifier: Apache-2.0
// Status words of this dialect. Stored words come from many systems; here they are compared and shown in
// small letters, and two spellings are the same state: SUBMITTED is pending, canceled is cancelled.
#ifndef DBK_BLOCKS_STATUS_H
#define DBK_BLOCKS_STATUS_H

#include "engine/base/arena.h"
#include "engine/base/types.h"

// The word in this dialect; a constant, the word itself, or a copy in the arena. Length 0 only when the word
// has none. *failed turns true when memory is out.
dbk_text dbk_blocks_status(dbk_text word, dbk_arena *arena, bool *failed);

#endif
