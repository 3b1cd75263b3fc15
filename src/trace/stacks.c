/*
 * stacks: from the threads' pointers and the mappings that these lie in.
 */
#include "trace/stacks.h"

#include <string.h>

#include "os/maps.h"

/* The caller's two places come before the threads of the world. */
#define CALLER_PLACES 2

static struct stack_user caller(const struct stacks *stacks, uint32_t place)
{
	return (struct stack_user){
		.thread = stacks->world->caller,
		.stack_pointer = place == 0 ? stacks->stack_pointer
					    : stacks->interrupted,
		.thread_pointer = (uintptr_t)__builtin_thread_pointer(),
	};
}

bool stacks_next(const struct stacks *stacks, uint32_t *i,
		 struct stack_user *user)
{
	const struct os_world *world = stacks->world;
	while (*i < CALLER_PLACES + world->n_threads) {
		uint32_t at = (*i)++;
		if (at < CALLER_PLACES) {
			*user = caller(stacks, at);
			if (user->stack_pointer != 0)
				return true;
			continue;
		}
		const struct os_thread *thread =
			&world->threads[at - CALLER_PLACES];
		if (!thread->is_seen)
			continue;
		*user = (struct stack_user){
			.thread = thread->id,
			.stack_pointer = thread->stack_pointer,
			.thread_pointer = thread->thread_pointer,
		};
		return true;
	}
	return false;
}

uintptr_t stacks_next_tcb(const struct stacks *stacks, uintptr_t at)
{
	struct stack_user user;
	uintptr_t next = UINTPTR_MAX;
	for (uint32_t i = 0; stacks_next(stacks, &i, &user);)
		if (user.thread_pointer >= at && user.thread_pointer < next)
			next = user.thread_pointer;
	return next;
}

bool stacks_has(const struct stacks *stacks, uint32_t thread,
		uintptr_t thread_pointer)
{
	struct stack_user user;
	bool has = false;
	for (uint32_t i = 0; !has && stacks_next(stacks, &i, &user);)
		has = user.thread == thread &&
		      user.thread_pointer == thread_pointer;
	return has;
}

/* Of the stack pointers in the mapping, the nearest whose stack ADDRESS can be
 * in: those below, and those just above, by less than the red zone. */
static uint32_t find_by_stack(const struct stacks *stacks,
			      const struct os_mapping *mapping,
			      uintptr_t address)
{
	struct stack_user user;
	uint32_t owner = 0;
	uintptr_t nearest = 0;
	for (uint32_t i = 0; stacks_next(stacks, &i, &user);) {
		uintptr_t lowest = user.stack_pointer - RED_ZONE_BYTES;
		if (os_mapping_has(mapping, user.stack_pointer) &&
		    lowest <= address && lowest >= nearest) {
			nearest = lowest;
			owner = user.thread;
		}
	}
	return owner;
}

/* Of the descriptors in the mapping, the nearest that ADDRESS is in or below;
 * behind them all the last. */
static uint32_t find_by_descriptor(const struct stacks *stacks,
				   const struct os_mapping *mapping,
				   uintptr_t address)
{
	struct stack_user user;
	uint32_t owner = 0;
	uintptr_t nearest = 0;
	for (uint32_t i = 0; stacks_next(stacks, &i, &user);) {
		uintptr_t at = user.thread_pointer;
		if (!os_mapping_has(mapping, at))
			continue;
		bool is_behind = address >= at + TCB_BYTES;
		bool was_behind = address >= nearest + TCB_BYTES;
		if (owner == 0 || (is_behind ? was_behind && at > nearest
					     : was_behind || at < nearest)) {
			nearest = at;
			owner = user.thread;
		}
	}
	return owner;
}

uint32_t stacks_owner(const struct stacks *stacks, uintptr_t address,
		      bool in_tls)
{
	struct os_mapping mapping;
	struct os_maps maps;
	uint32_t owner = 0;
	if (!os_maps_find(&maps, address, &mapping))
		return 0;
	if (!in_tls)
		owner = find_by_stack(stacks, &mapping, address);
	/* A thread that is on another stack just now. */
	if (owner == 0)
		owner = find_by_descriptor(stacks, &mapping, address);
	if (owner == 0 && strcmp(mapping.name, "[stack]") == 0)
		owner = stacks->world->process;
	return owner;
}
