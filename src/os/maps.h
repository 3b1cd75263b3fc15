/*
 * maps: what the kernel says is mapped, read from /proc/self/maps without
 * allocating. Thread-safe.
 */
#ifndef TARN_OS_MAPS_H
#define TARN_OS_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct os_mapping {
	uintptr_t start;
	uintptr_t end;
	bool is_readable;
	bool is_writable;
	bool is_executable;
	bool is_shared;
	const char *name; /* "" for anonymous memory; until the next call */
};

/* Reads the mappings one by one, in the order of their addresses. */
struct os_maps {
	long fd;
	size_t length;
	size_t at;
	char chunk[1024];
	char line[384];
};

bool os_maps_open(struct os_maps *maps);

/* Those of another process. */
bool os_maps_open_of(struct os_maps *maps, uint32_t process);
bool os_maps_next(struct os_maps *maps, struct os_mapping *mapping);
void os_maps_close(struct os_maps *maps);

/* The mapping of this process that ADDRESS lies in, into MAPPING; its name
 * lies in MAPS. */
bool os_maps_find(struct os_maps *maps, uintptr_t address,
		  struct os_mapping *mapping);

static inline bool os_mapping_has(const struct os_mapping *mapping,
				  uintptr_t address)
{
	return address >= mapping->start && address < mapping->end;
}

/* False for what cannot be read, devices, and what is shared and read-only. */
bool os_may_hold_pointers(const struct os_mapping *mapping);

/*
 * Describes what lies at ADDRESS in BUFFER: "[stack]", "[heap]", the path of a
 * file, "the stack of this thread", "anonymous memory" or "no mapping";
 * "unknown memory" if the kernel does not tell. Returns BUFFER.
 */
const char *os_describe_address(uintptr_t address, char *buffer, size_t size);

#endif
