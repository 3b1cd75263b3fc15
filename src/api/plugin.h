/*
 * plugin: objects that a program opens with dlopen(3).
 *
 * An object opened with RTLD_DEEPBIND looks symbols up in itself and in what it
 * needs first, and so finds libc's malloc and free instead of ours; what it
 * then frees is not libc's, and what it allocates is not ours. PHP opens its
 * extensions so. The option deepbind says whether the flag is left as it is.
 */
#ifndef TARN_API_PLUGIN_H
#define TARN_API_PLUGIN_H

typedef void *plugin_opener(const char *file, int flags);

/* libc's dlopen. */
plugin_opener *plugin_real_dlopen(void);

/* FLAGS as they are to be passed on. */
int plugin_open_flags(int flags);

typedef int plugin_closer(void *handle);

/* libc's dlclose; call stacks taken from now on are not those from before. */
int plugin_close(void *handle);

#endif
