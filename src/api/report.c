/*
 * report: what is wrong, where, and what tarn knows of the place.
 *
 * The heap reports a mistake after it has let its locks go, as if the call had
 * not been: then a handler of SIGABRT that jumps away finds it usable. What is
 * found where that cannot be (a broken law, a signal handler that allocates
 * inside malloc) is reported under locks, which are let go then: so the handler
 * does not wait for itself, but the heap may be half changed.
 */
#include "api/report.h"

#include "api/leaks.h"
#include "base/lock.h"
#include "base/message.h"
#include "heap/registry.h"
#include "os/maps.h"
#include "watch/modules.h"

#define WHAT_BYTES 256

static void abandon_locks(void)
{
	registry_abandon_locks();
	lock_abandon(&modules_lock);
	leaks_abandon_lock();
}

void report_start(void)
{
	message_before_abort = abandon_locks;
}

_Noreturn COLD void report_mistake(const char *operation, const void *pointer,
				   enum heap_mistake mistake)
{
	struct heap_block block = heap_look_up(pointer);
	uintptr_t address = (uintptr_t)pointer;
	char what[WHAT_BYTES];
	switch (mistake) {
	case HEAP_DOUBLE_FREE:
		message_abort("%s(%p): double free of a %zu-byte block",
			      operation, pointer, block.usable_bytes);
	case HEAP_INTERIOR:
		message_abort("%s(%p): points %zu bytes into a %zu-byte block "
			      "at %p",
			      operation, pointer,
			      (size_t)(address - block.start),
			      block.usable_bytes, (void *)block.start);
	case HEAP_FOREIGN:
		message_abort("%s(%p): not a block of tarn's; it lies in %s",
			      operation, pointer,
			      os_describe_address(address, what, sizeof(what)));
	case HEAP_NEVER_ALLOCATED:
	case HEAP_FREED:
		break;
	}
	message_abort("%s(%p): no block was ever allocated here", operation,
		      pointer);
}

_Noreturn COLD void report_wrong_size(const char *operation, const void *block,
				      size_t alignment, size_t size,
				      size_t usable_bytes)
{
	if (alignment != 0)
		message_abort("%s(%p, %zu, %zu): wrong size; the block has %zu "
			      "bytes",
			      operation, block, alignment, size, usable_bytes);
	message_abort("%s(%p, %zu): wrong size; the block has %zu bytes",
		      operation, block, size, usable_bytes);
}

_Noreturn COLD void report_no_bad_alloc(void)
{
	message_abort("operator new: out of memory, and no C++ library to "
		      "throw std::bad_alloc");
}
