/*
 * plugin: libc's dlopen, and the flag.
 */
#define _GNU_SOURCE
#include "api/plugin.h"

#include <dlfcn.h>

#include "base/atomic.h"
#include "base/attr.h"
#include "conf/conf.h"

plugin_opener *plugin_real_dlopen(void)
{
	/* Atomic, relaxed: every thread that races here finds the same. */
	static plugin_opener *real;
	plugin_opener *found = load_relaxed(&real);
	if (UNLIKELY(found == NULL)) {
		*(void **)&found = dlsym(RTLD_NEXT, "dlopen");
		store_relaxed(&real, found);
	}
	return found;
}

int plugin_open_flags(int flags)
{
	return load_relaxed(&conf.deepbind) ? flags : flags & ~RTLD_DEEPBIND;
}
