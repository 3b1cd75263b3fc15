/*
 * thefts: how many magazines were robbed. Programs are linked with
 * -Wl,--wrap=magazine_robbed_locked.
 */
#ifndef TARN_TESTS_THEFTS_H
#define TARN_TESTS_THEFTS_H

#include <stdint.h>

/* Those in which something was found, and what that was. */
uint64_t thefts_count(void);
uint64_t thefts_count_blocks(void);

#endif
