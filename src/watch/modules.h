/*
 * modules: the program and the libraries whose code or data was met.
 *
 * A module is noted when an address in it is first met, and kept when it is
 * unloaded: another one that comes to lie there later is another module. So an
 * address that was taken apart into module and offset never goes stale.
 *
 * Locks: modules_lock, but for modules_get.
 */
#ifndef TARN_WATCH_MODULES_H
#define TARN_WATCH_MODULES_H

#include <stddef.h>
#include <stdint.h>

#include "wire/wire.h"

#define MODULE_PATH_BYTES 256
#define MODULES_MAX 1024

struct module {
	struct wire_module wire;
	char path[MODULE_PATH_BYTES];
	size_t path_bytes;
};

struct lock;
extern struct lock modules_lock;

/*
 * The id of the module that ADDRESS lies in, or 0. Allocates nothing and calls
 * nothing that waits. modules_lock is held.
 */
uint32_t modules_find_locked(uintptr_t address);

/* The name of the exported symbol that ADDRESS lies in; NULL: none is known.
 * The module must stay loaded. */
const char *modules_symbol(uintptr_t address);

/* The module of an id from 1 to modules_count(). Never changes. */
const struct module *modules_get(uint32_t id);
uint32_t modules_count(void);

#endif
