// SPDX-License-Identifier: Apache-2.0
// Texts compared without regard to the case of ASCII and Latin letters.
#ifndef DBK_EXEC_FOLD_H
#define DBK_EXEC_FOLD_H

#include "engine/base/types.h"

// Writes the text with its letters in lower case; as many bytes as it had. Bytes that are no UTF-8 stay.
void dbk_text_fold(dbk_text text, char *out);
// Does the text contain the needle, which is folded already? `room` holds text.length bytes.
bool dbk_text_contains_folded(dbk_text text, dbk_text needle, char *room);

#endif
