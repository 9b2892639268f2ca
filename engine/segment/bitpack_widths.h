// SPDX-License-Identifier: Apache-2.0
// Loops compiled once per width: cases of a switch that call work(width, …) with the width as a constant.
#ifndef DBK_SEGMENT_BITPACK_WIDTHS_H
#define DBK_SEGMENT_BITPACK_WIDTHS_H

#define DBK_WIDTH_CASE(width, work, ...)                                                                     \
    case width:                                                                                              \
        work(width, __VA_ARGS__);                                                                            \
        break;

#define DBK_WIDTHS_8(first, work, ...)                                                                       \
    DBK_WIDTH_CASE(first, work, __VA_ARGS__)                                                                 \
    DBK_WIDTH_CASE(first + 1, work, __VA_ARGS__)                                                             \
    DBK_WIDTH_CASE(first + 2, work, __VA_ARGS__)                                                             \
    DBK_WIDTH_CASE(first + 3, work, __VA_ARGS__)                                                             \
    DBK_WIDTH_CASE(first + 4, work, __VA_ARGS__)                                                             \
    DBK_WIDTH_CASE(first + 5, work, __VA_ARGS__)                                                             \
    DBK_WIDTH_CASE(first + 6, work, __VA_ARGS__)                                                             \
    DBK_WIDTH_CASE(first + 7, work, __VA_ARGS__)

#endif
