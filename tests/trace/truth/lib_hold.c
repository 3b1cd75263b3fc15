/*
 * lib_hold: a library which holds a block in its data, or in its thread-local
 * storage, or leaks one.
 */
#include <stdlib.h>

void hold_in_data(void);
void hold_in_tls(void);
void leak_in_library(void);

void *volatile held_by_library;
static __thread void *volatile held_by_thread;

void hold_in_data(void)
{
	held_by_library = calloc(1, 100);
}

void hold_in_tls(void)
{
	held_by_thread = calloc(1, 200);
}

void leak_in_library(void)
{
	void *volatile leaked = calloc(1, 300);
	leaked = NULL;
	(void)leaked;
}
