/* SPDX-License-Identifier: MIT */
/* A swap device in memory, which the kernel thinks is elsewhere. */
#ifndef TESTS_SWAP_H
#define TESTS_SWAP_H

/* Begin to swap, anew if that was left on. 0 or a negative errno. */
int swap_start(void);
/* All that was swapped out comes back. 0 or a negative errno. */
int swap_stop(void);

#endif /* TESTS_SWAP_H */
