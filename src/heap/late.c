/*
 * late: one mistake is enough.
 */
#include "heap/late.h"

#include "base/message.h"

uintptr_t late_address;

/* Written before late_address, by who was first. */
static struct {
	enum pool_put_result mistake;
	uintptr_t start;
	uint32_t block_bytes;
} late;

void late_note(enum pool_put_result mistake, uintptr_t address, uintptr_t start,
	       uint32_t block_bytes)
{
	static uint32_t is_kept;
	uint32_t no = 0;
	if (!cas_relaxed(&is_kept, &no, 1))
		return;
	late.mistake = mistake;
	late.start = start;
	late.block_bytes = block_bytes;
	store_release(&late_address, address);
}

COLD void late_abort(void)
{
	uintptr_t address = load_acquire(&late_address);
	const void *block = (void *)address;
	/* Once: a handler of SIGABRT may allocate, and free. */
	store_relaxed(&late_address, 0);
	switch (late.mistake) {
	case POOL_DOUBLE_FREE:
		message_abort("free(%p): double free of a %u-byte block "
			      "(noticed late)",
			      block, late.block_bytes);
	case POOL_INTERIOR:
		message_abort("free(%p): points %zu bytes into a %u-byte block "
			      "at %p (noticed late)",
			      block, (size_t)(address - late.start),
			      late.block_bytes, (void *)late.start);
	case POOL_NEVER_CARVED:
	case POOL_PUT:
		break;
	}
	message_abort("free(%p): no block was ever allocated here "
		      "(noticed late)",
		      block);
}
