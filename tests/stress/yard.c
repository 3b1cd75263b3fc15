/*
 * yard: places with a state each, taken by compare and swap.
 */
#include "yard.h"

#define N_PLACES 4096
#define TRIES 4

enum { PLACE_EMPTY, PLACE_BUSY, PLACE_FULL };

static struct place {
	/* Atomic: BUSY is taken with acquire and left with release. */
	int state;
	/* Owned by whoever made the state BUSY. */
	struct shadow_block block;
} places[N_PLACES];

static bool grab(struct place *place, int state)
{
	return __atomic_compare_exchange_n(&place->state, &state, PLACE_BUSY, 0,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void let_go(struct place *place, int state)
{
	__atomic_store_n(&place->state, state, __ATOMIC_RELEASE);
}

bool yard_leave(struct random *random, const struct shadow_block *block)
{
	for (int i = 0; i < TRIES; i++) {
		struct place *place = &places[random_below(random, N_PLACES)];
		if (grab(place, PLACE_EMPTY)) {
			place->block = *block;
			let_go(place, PLACE_FULL);
			return true;
		}
	}
	return false;
}

bool yard_pick_up(struct random *random, struct shadow_block *block)
{
	for (int i = 0; i < TRIES; i++) {
		struct place *place = &places[random_below(random, N_PLACES)];
		if (grab(place, PLACE_FULL)) {
			*block = place->block;
			let_go(place, PLACE_EMPTY);
			return true;
		}
	}
	return false;
}

bool yard_pick_up_any(struct shadow_block *block)
{
	for (size_t i = 0; i < N_PLACES; i++) {
		if (grab(&places[i], PLACE_FULL)) {
			*block = places[i].block;
			let_go(&places[i], PLACE_EMPTY);
			return true;
		}
	}
	return false;
}

void yard_count(uint64_t *blocks, uint64_t *usable_bytes)
{
	for (size_t i = 0; i < N_PLACES; i++) {
		if (places[i].state != PLACE_FULL)
			continue;
		shadow_check(&places[i].block);
		*blocks += 1;
		*usable_bytes += places[i].block.usable;
	}
}
