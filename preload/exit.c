/*
 * exit: ending at once, without destructors, is an end too: reports are made
 * before it.
 *
 * Others may stand before libc's _exit as well, to write what they know, and so
 * it is passed on to the next that has the name. It is looked up at the start:
 * _exit may be called where dlsym must not be, in handlers and in the child of
 * a vfork.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api/leaks.h"
#include "base/atomic.h"

#define EXPORTED __attribute__((visibility("default")))

_Noreturn void _exit(int status);
_Noreturn void _Exit(int status);

typedef void ender(int status);

/* dlsym may be missing in a static program. */
#pragma weak dlsym

/* Fixed at the start, or by an _exit before it. NULL: the kernel. Atomic,
 * relaxed: every thread that races here finds the same. */
static ender *next_exit, *next_Exit;
static bool has_looked;

static void look_for_next(void)
{
	ender *found;
	if (load_relaxed(&has_looked) || dlsym == NULL)
		return;
	*(void **)&found = dlsym(RTLD_NEXT, "_exit");
	store_relaxed(&next_exit, found);
	*(void **)&found = dlsym(RTLD_NEXT, "_Exit");
	store_relaxed(&next_Exit, found);
	store_relaxed(&has_looked, true);
}

__attribute__((constructor)) static void construct(void)
{
	look_for_next();
}

static _Noreturn void end(ender *const *next, int status)
{
	leaks_at_exit();
	look_for_next();
	ender *found = load_relaxed(next);
	if (found != NULL)
		found(status);
	for (;;)
		syscall(SYS_exit_group, status);
}

EXPORTED void _exit(int status)
{
	end(&next_exit, status);
}

EXPORTED void _Exit(int status)
{
	end(&next_Exit, status);
}
