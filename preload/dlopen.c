/*
 * dlopen: libc's, but for one flag, and dlclose (see api/plugin.h).
 *
 * dlopen looks at its return address to know who calls: whose RUNPATH and which
 * namespace count. So the real one must be entered by a jump, with the return
 * address of our caller.
 */
#include "api/plugin.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED plugin_opener dlopen;
EXPORTED plugin_closer dlclose;

#if defined(__clang__)
#define MUST_TAIL __attribute__((musttail))
#define WITH_TAIL_CALLS
#else
/* gcc makes the tail call when it optimises, so it must. */
#define MUST_TAIL
#define WITH_TAIL_CALLS                                                        \
	__attribute__((optimize("O2", "no-stack-protector",                    \
				"optimize-sibling-calls")))
#endif

EXPORTED WITH_TAIL_CALLS void *dlopen(const char *file, int flags)
{
	plugin_opener *real = plugin_real_dlopen();
	MUST_TAIL return real(file, plugin_open_flags(flags));
}

EXPORTED int dlclose(void *handle)
{
	return plugin_close(handle);
}
