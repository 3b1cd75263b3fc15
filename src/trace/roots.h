/*
 * roots: every place outside the heap that may hold a pointer.
 *
 * Each has a kind, and each kind can be left out. Memory that somebody mapped
 * for purposes unknown to us is a root too, but what only it holds is said to
 * be held by a mapping: so it comes after the others.
 */
#ifndef TARN_TRACE_ROOTS_H
#define TARN_TRACE_ROOTS_H

#include "os/read.h"
#include "trace/missing.h"
#include "trace/snapshot.h"
#include "trace/stacks.h"
#include "wire/wire.h"

enum root_kind {
	ROOT_REGISTERS = 1 << 0, /* of every thread */
	ROOT_STACKS = 1 << 1,	 /* from the red zone up */
	ROOT_TLS = 1 << 2,	/* static and dynamic, and what is in the TCB */
	ROOT_GLOBALS = 1 << 3,	/* data of programs and libraries */
	ROOT_REGIONS = 1 << 4,	/* that the program has registered */
	ROOT_MAPPINGS = 1 << 5, /* all others */
	ROOT_ALL = (1 << 6) - 1,
};

struct root_range {
	uintptr_t start;
	uintptr_t end;
};

/* Written by the program's calls, read by the tracer. */
#define ROOT_REGIONS_MAX 256

/* N words in a root that stand at AT; 0: in a register, or nowhere. */
struct roots;
typedef void roots_visitor(const struct roots *roots, uintptr_t at,
			   const uintptr_t *words, size_t n);

struct roots {
	struct snapshot *snapshot;
	struct os_reader *reader;
	struct stacks stacks;
	unsigned kinds;
	roots_visitor *see;  /* words that may be pointers */
	roots_visitor *hold; /* words that are pointers */
	void *context;
	/* For the visitors: what it is that they see. */
	enum wire_holder holder;
	uint32_t thread;
	const struct root_range *regions; /* registered */
	size_t n_regions;
	struct root_range trace;	 /* where the state of this trace is */
	const struct root_range *hidden; /* tarn's own, besides what is found */
	size_t n_hidden;
	/* Below a thread's descriptor: what its thread-local data take, and
	 * with what they may take. */
	size_t used_tls_bytes;
	size_t tls_bytes;
	/* Tarn's own memory, sorted. */
	struct root_range *own;
	size_t n_own;
	/* Words of memory that this copy did not get, see roots_begin. */
	struct missing *missing;
	uint64_t n_bytes;      /* looked at */
	uint64_t unread_bytes; /* could not be */
};

/*
 * Finds tarn's own memory, and which blocks have pages that cannot be read. In
 * a copy also reads, from the original that goes on, what madvise(2) has kept
 * from the copy: at once, so that little has changed there since the copy was
 * made. false if there is no memory for all that.
 */
bool roots_begin(struct roots *roots);

/* Looks at all roots but ROOT_MAPPINGS, and at these. */
void roots_look(struct roots *roots);
void roots_look_at_mappings(struct roots *roots);

#endif
