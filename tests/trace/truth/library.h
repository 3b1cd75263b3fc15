/* library: loading lib_hold.so, which lies next to the program. */
#ifndef TARN_TESTS_LIBRARY_H
#define TARN_TESTS_LIBRARY_H

#include <dlfcn.h>

#include "truth.h"

static inline void *load_library(void)
{
	void *library = dlopen("lib_hold.so", RTLD_NOW);
	require(library != NULL);
	return library;
}

/* Calls the LIBRARY's function NAME. */
static inline void call_library(void *library, const char *name)
{
	void (*function)(void);
	*(void **)&function = dlsym(library, name);
	require(function != NULL);
	function();
}

#endif
