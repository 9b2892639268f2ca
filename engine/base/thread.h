// SPDX-License-Identifier: Apache-2.0
// What a thread asks of the kernel.
#ifndef DBK_BASE_THREAD_H
#define DBK_BASE_THREAD_H

// For a thread that mostly waits and then works for microseconds, as an event loop does: when it wakes it
// gets a processor from threads that compute, instead of waiting for the end of their turn, which is some
// milliseconds. It gets no more of the processor for it. Linux 6.12 and later; elsewhere nothing happens.
void dbk_thread_be_prompt(void);
// For a thread whose work can wait: it only gets what others leave of the processors, and goes at once when
// one of them wakes. It cannot be taken back.
void dbk_thread_give_way(void);

#endif
