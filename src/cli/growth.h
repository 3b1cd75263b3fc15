/*
 * growth: which held blocks only ever become more, from several looks. Those
 * that are possibly lost count as held, if anything points to them.
 *
 * Sizes of blocks of one size and type are exact in each look. Where sites of a
 * sample are noted, these tell where the blocks come from, not how many there
 * are.
 */
#ifndef TARN_CLI_GROWTH_H
#define TARN_CLI_GROWTH_H

#include "cli/model.h"

struct growth;

/* For N_LOOKS looks at most. */
struct growth *growth_start(size_t n_looks);
void growth_free(struct growth *growth);

/* A look at PROCESS, so many SECONDS after the first one. */
void growth_add(struct growth *growth, const struct model_process *process,
		double seconds);

/* Sets PROCESS->growth; PROCESS is that of the last look. */
void growth_finish(struct growth *growth, struct model_process *process);

#endif
