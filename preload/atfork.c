/*
 * atfork: whoever registers fork handlers comes by here, and finds tarn's
 * registered already (api/fork.c says why that must be).
 *
 * libc.so has no pthread_atfork to be linked with: each program and library has
 * a copy, which calls __register_atfork and tells it which object it is in. So
 * that is what is defined here. It is weak for programs that have all of libc
 * in them, where libc's own is taken; these call our pthread_atfork, which is
 * linked before libc's.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>

#include "api/fork.h"
#include "base/atomic.h"
#include "base/attr.h"

#ifdef __GLIBC__

#define EXPORTED_WEAK __attribute__((weak, visibility("default")))

typedef void fork_handler(void);
typedef int atfork_register(fork_handler *prepare, fork_handler *parent,
			    fork_handler *child, void *object);

/* dlsym may be missing in a static program. */
#pragma weak dlsym

extern HIDDEN void *__dso_handle;
EXPORTED_WEAK atfork_register __register_atfork;

EXPORTED_WEAK int __register_atfork(fork_handler *prepare, fork_handler *parent,
				    fork_handler *child, void *object)
{
	/* Atomic, relaxed: every thread that races here finds the same. */
	static atfork_register *real;
	atfork_register *found = load_relaxed(&real);
	if (found == NULL && dlsym != NULL) {
		*(void **)&found = dlsym(RTLD_NEXT, "__register_atfork");
		store_relaxed(&real, found);
	}
	fork_watch();
	/* None: a static program without a fork in it. */
	return found == NULL ? 0 : found(prepare, parent, child, object);
}

HIDDEN int pthread_atfork(fork_handler *prepare, fork_handler *parent,
			  fork_handler *child)
{
	fork_watch();
	return __register_atfork(prepare, parent, child, __dso_handle);
}

#endif
