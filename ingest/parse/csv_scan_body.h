// SPDX-License-Identifier: Apache-2.0
// The scan over blocks of 64 bytes, once per instruction set. Before including, define
//   SCAN_NAME      the function's name
//   SCAN_TARGET    its target attribute, or nothing
//   SCAN_CLASSIFY  (block, &quotes, &ends): bit i of quotes is set where byte i is a quote, of ends where it
//                  is a comma or a line feed
//   SCAN_PREFIX    (x): bit i of the result is the XOR of bits 0..i of x
//   SCAN_PUT       (bits, from, out): writes from + i to out for each bit i, in order, at least one, and may
//                  write some more
// All five are undefined at the end.

SCAN_TARGET static size_t SCAN_NAME(dbk_csv_state *state, const char *data, size_t size, uint32_t base,
                                    uint32_t *positions)
{
    dbk_csv_state now = *state;
    size_t count = 0, at = 0;
    for (; size - at >= DBK_CSV_BLOCK; at += DBK_CSV_BLOCK) {
        uint64_t quotes, ends;
        SCAN_CLASSIFY(data + at, &quotes, &ends);
        if (quotes == 0) {
            // Most blocks of most files: all inside or all outside.
            if (now == DBK_CSV_INSIDE)
                continue;
            now = ends >> 63 ? DBK_CSV_OPENABLE : DBK_CSV_PLAIN;
        } else {
            uint64_t inside = SCAN_PREFIX(quotes) ^ (now == DBK_CSV_INSIDE ? ~(uint64_t)0 : 0);
            uint64_t before = (ends | quotes) << 1 | (now == DBK_CSV_OPENABLE);
            if (quotes & inside & ~before) {
                count += scan_bytes(&now, data + at, DBK_CSV_BLOCK, base + (uint32_t)at, positions + count);
                continue;
            }
            uint64_t outside_ends = ends & ~inside;
            now = inside >> 63                    ? DBK_CSV_INSIDE
                  : (outside_ends | quotes) >> 63 ? DBK_CSV_OPENABLE
                                                  : DBK_CSV_PLAIN;
            ends = outside_ends;
        }
        SCAN_PUT(ends, base + (uint32_t)at, positions + count);
        count += (size_t)__builtin_popcountll(ends);
    }
    count += scan_bytes(&now, data + at, size - at, base + (uint32_t)at, positions + count);
    *state = now;
    return count;
}

#undef SCAN_NAME
#undef SCAN_TARGET
#undef SCAN_CLASSIFY
#undef SCAN_PREFIX
#undef SCAN_PUT
