/*
 * tls: the sum of the TLS segments of what is in the dynamic linker's list.
 */
#define _GNU_SOURCE
#include "os/tls.h"

#include <elf.h>
#include <link.h>
#include <string.h>

#include "os/read.h"
#include "os/system.h"

/* More objects than this are a list that does not end. */
#define OBJECTS_MAX 65536

static size_t tls_of(const ElfW(Phdr) * segments, size_t n)
{
	size_t bytes = 0;
	ElfW(Phdr) segment;
	for (size_t i = 0; i < n; i++)
		if (os_peek((uintptr_t)&segments[i], &segment,
			    sizeof(segment)) &&
		    segment.p_type == PT_TLS)
			bytes += segment.p_memsz + segment.p_align;
	return bytes;
}

static size_t tls_of_object(uintptr_t bias)
{
	ElfW(Ehdr) header;
	if (!os_peek(bias, &header, sizeof(header)) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
		return 0;
	return tls_of((const void *)(bias + header.e_phoff), header.e_phnum);
}

size_t os_static_tls_bytes(void)
{
	const struct os_given *given = os_given();
	size_t bytes = tls_of((const void *)given->segments, given->n_segments);
	struct link_map object;
	const struct link_map *at = _r_debug.r_map;
	for (int i = 0; at != NULL && i < OBJECTS_MAX &&
			os_peek((uintptr_t)at, &object, sizeof(object));
	     i++, at = object.l_next)
		if (i > 0) /* the first is the program */
			bytes += tls_of_object(object.l_addr);
	return bytes;
}
