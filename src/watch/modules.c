/*
 * modules: asked of the dynamic linker by _dl_find_object, which takes no lock.
 */
#define _GNU_SOURCE
#include "watch/modules.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>

#include "base/arith.h"
#include "base/atomic.h"
#include "base/lock.h"
#include "base/syscall.h"
#include "os/symbols.h"

struct lock modules_lock = LOCK_INIT(LOCK_MODULES);

/* Guarded by modules_lock; below `n` never changed again. */
static struct module all[MODULES_MAX];
/* Atomic: stored with release after the module is complete. */
static uint32_t n;

const struct module *modules_get(uint32_t id)
{
	return &all[id - 1];
}

uint32_t modules_count(void)
{
	return load_acquire(&n);
}

#if HAVE_DL_FIND_OBJECT
/* The main program has no name in the linker's list. */
static void note_path(struct module *module, const char *name)
{
	size_t room = sizeof(module->path);
	if (name != NULL && *name != '\0') {
		module->path_bytes = min_size(strlen(name), room);
		memcpy(module->path, name, module->path_bytes);
		return;
	}
	long got = os_syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe",
			      module->path, room);
	module->path_bytes = got > 0 ? (size_t)got : 0;
}

static void note_build_id(struct wire_module *module, const char *notes,
			  size_t bytes)
{
	while (bytes >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *note = (const void *)notes;
		size_t name = round_up(note->n_namesz, 4);
		size_t content = round_up(note->n_descsz, 4);
		if (name > bytes || content > bytes ||
		    sizeof(*note) + name + content > bytes)
			return;
		const char *at = notes + sizeof(*note);
		if (note->n_type == NT_GNU_BUILD_ID && name == 4 &&
		    memcmp(at, "GNU", 4) == 0 &&
		    note->n_descsz <= sizeof(module->build_id)) {
			module->build_id_bytes = note->n_descsz;
			memcpy(module->build_id, at + name, note->n_descsz);
			return;
		}
		notes = at + name + content;
		bytes -= sizeof(*note) + name + content;
	}
}

/* The file's header lies at the start of the first mapping, unless somebody
 * has linked it in an unusual way. */
static void note_header(struct wire_module *module)
{
	const ElfW(Ehdr) *header = (const void *)module->start;
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return;
	const ElfW(Phdr) *segment =
		(const void *)(module->start + header->e_phoff);
	for (unsigned i = 0; i < header->e_phnum; i++, segment++)
		if (segment->p_type == PT_NOTE && module->build_id_bytes == 0)
			note_build_id(module,
				      (const char *)module->bias +
					      segment->p_vaddr,
				      segment->p_memsz);
}

static bool is_same(const struct module *module,
		    const struct dl_find_object *found)
{
	uintptr_t start = (uintptr_t)found->dlfo_map_start;
	const char *name = found->dlfo_link_map->l_name;
	if (module->wire.start != start ||
	    module->wire.bias != found->dlfo_link_map->l_addr)
		return false;
	return *name == '\0' ||
	       strncmp(module->path, name, module->path_bytes) == 0;
}

uint32_t modules_find_locked(uintptr_t address)
{
	struct dl_find_object found;
	if (_dl_find_object((void *)address, &found) != 0)
		return 0;
	/* The latest first: it is the one that is there. */
	for (uint32_t i = n; i-- > 0;)
		if (is_same(&all[i], &found))
			return i + 1;
	if (n == MODULES_MAX)
		return 0;
	struct module *module = &all[n];
	module->wire = (struct wire_module){
		.id = n + 1,
		.bias = found.dlfo_link_map->l_addr,
		.start = (uintptr_t)found.dlfo_map_start,
		.end = (uintptr_t)found.dlfo_map_end,
	};
	note_path(module, found.dlfo_link_map->l_name);
	note_header(&module->wire);
	store_release(&n, n + 1);
	return module->wire.id;
}

const char *modules_symbol(uintptr_t address)
{
	struct dl_find_object found;
	struct os_symbols symbols;
	if (_dl_find_object((void *)address, &found) != 0 ||
	    !os_symbols_open(&symbols, found.dlfo_link_map->l_addr,
			     found.dlfo_link_map->l_ld))
		return NULL;
	return os_symbols_name(&symbols, address);
}
#else
uint32_t modules_find_locked(uintptr_t address)
{
	(void)address;
	return 0;
}

const char *modules_symbol(uintptr_t address)
{
	(void)address;
	return NULL;
}
#endif
