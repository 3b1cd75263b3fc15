/*
 * plugin_caller: a library that opens an object by its bare name. It is found
 * only if the dynamic linker knows that this library calls, whose RUNPATH says
 * where to look.
 */
#include <dlfcn.h>

void *caller_open(const char *name, int flags);

void *caller_open(const char *name, int flags)
{
	/* Volatile, so that this is no jump, which would hide who calls. */
	void *volatile handle = dlopen(name, flags);
	return handle;
}
