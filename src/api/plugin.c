/*
 * plugin: libc's dlopen, and the flag.
 */
#define _GNU_SOURCE
#include "api/plugin.h"

#include <dlfcn.h>

#include "base/atomic.h"
#include "base/attr.h"
#include "conf/conf.h"
#include "watch/sites.h"

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

int plugin_close(void *handle)
{
	/* Atomic, relaxed: every thread that races here finds the same. */
	static plugin_closer *real;
	plugin_closer *found = load_relaxed(&real);
	if (UNLIKELY(found == NULL)) {
		*(void **)&found = dlsym(RTLD_NEXT, "dlclose");
		store_relaxed(&real, found);
	}
	int result = found(handle);
	/* What is loaded from now on may lie where that was. */
	sites_forget_code();
	return result;
}

int plugin_open_flags(int flags)
{
	return load_relaxed(&conf.deepbind) ? flags : flags & ~RTLD_DEEPBIND;
}
