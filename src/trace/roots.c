/*
 * roots: registers, then the kernel's list of mappings.
 *
 *	mapping                                 what of it
 *
 *	of a file, private                      globals: pages that were written
 *	anonymous, right behind such a one      globals: .bss
 *	with a stack pointer, above a guard     stack, from there (less the red
 *	page; the main thread's                 zone) up; above it TLS and TCB
 *	with one, anywhere else                 all of it: other stacks may lie
 *	                                        below, suspended coroutines'
 *	with a thread pointer alone             TLS and TCB: a main thread's
 *	with the TCB of a thread that ended     nothing: glibc reuses it; but
 *	                                        what waits to be joined
 *	of a device, or read-only and shared    nothing
 *	any other                               mapping
 *
 * Less, in each, what is tarn's own.
 */
#include "trace/roots.h"

#include <string.h>

#include "base/arith.h"
#include "base/atomic.h"
#include "heap/arena.h"
#include "meta/store.h"
#include "os/maps.h"
#include "os/memory.h"
#include "os/tls.h"
#include "trace/generations.h"

/* Static TLS lies below the thread pointer, and a little that objects get that
 * are in no list of ours, or around it. */
#define TLS_BYTES_MORE 2048

/* A thread's descriptor is in the last bytes of its stack's mapping. */
#define ENDED_TCB_BYTES ((size_t)64 << 10)
#define TCB_ALIGN 64
/* What is looked at of glibc's, which has some more, and how often it points to
 * itself in its first words. */
#define DESCRIPTOR_BYTES 2048
#define TCB_SELVES 2
#define TCB_PAGE_BYTES ((size_t)4096)

/* A region is not reserved: it has holes where others may have mapped. More
 * mappings than this no process has, as Linux is set up. */
#define OWN_MAX ((size_t)1 << 17)

/* The thread's descriptor begins as the ABI of TLS says; glibc's DTV has pairs
 * of words, and before the first the number of those that follow. */
#if defined(__x86_64__)
#define TCB_DTV_OFFSET sizeof(uintptr_t)
#define TCB_IS_SELF 1
#else
#define TCB_IS_SELF 0
#define TCB_DTV_OFFSET 0
#endif
#define DTV_MAX 4096

/* --- what is tarn's own -------------------------------------------------- */

static void add_own(void *context, uintptr_t at, size_t bytes)
{
	struct roots *roots = context;
	size_t i = roots->n_own;
	if (i == OWN_MAX || bytes == 0)
		return;
	roots->n_own++;
	/* Nearly in order: insertion is quick. */
	for (; i > 0 && roots->own[i - 1].start > at; i--)
		roots->own[i] = roots->own[i - 1];
	roots->own[i] = (struct root_range){at, at + bytes};
}

static void find_own(struct roots *roots)
{
	const struct work *work = roots->snapshot->work;
	/* These hold the address at which a region begins, and so does a block
	 * perhaps. */
	add_own(roots, (uintptr_t)regions, sizeof(regions));
	add_own(roots, roots->trace.start,
		roots->trace.end - roots->trace.start);
	for (size_t i = 0; i < roots->n_hidden; i++)
		add_own(roots, roots->hidden[i].start,
			roots->hidden[i].end - roots->hidden[i].start);
	region_visit_arrays_locked(add_own, roots);
	store_visit_locked(add_own, roots);
	generations_visit_memory(add_own, roots);
	for (uint32_t i = 0; i < work->n_pieces; i++)
		add_own(roots, work->pieces[i].at, work->pieces[i].bytes);
	if (roots->stacks.world->threads != NULL)
		add_own(roots, (uintptr_t)roots->stacks.world->threads,
			roots->stacks.world->map_bytes);
	arena_visit_mapped_locked(add_own, roots);
}

/* What lies between START and END cannot be read. */
static void note_guarded(struct roots *roots, uintptr_t start, uintptr_t end)
{
	const struct snapshot *snapshot = roots->snapshot;
	struct place place;
	start = max_size(start, snapshot->low);
	end = min_size(end, snapshot->low + snapshot->n_bytes);
	for (uintptr_t at = round_down(start, SLICE_BYTES); at < end;
	     at += SLICE_BYTES)
		if (snapshot_find_run(snapshot, at, &place))
			place.run->is_guarded = true;
}

static bool find_guarded(struct roots *roots)
{
	struct os_mapping mapping;
	struct os_maps maps;
	uintptr_t last_end = 0;
	if (!os_maps_open(&maps))
		return false;
	while (os_maps_next(&maps, &mapping)) {
		/* A copy does not get what madvise(2) keeps from forks. */
		note_guarded(roots, last_end, mapping.start);
		last_end = mapping.end;
		if (!mapping.is_readable)
			note_guarded(roots, mapping.start, mapping.end);
	}
	os_maps_close(&maps);
	/* Without roots everything would be lost. */
	return last_end != 0;
}

/* --- looking --------------------------------------------------------- */

static void look_at_piece(void *context, uintptr_t at, const uintptr_t *words,
			  size_t n)
{
	struct roots *roots = context;
	roots->n_bytes += n * sizeof(*words);
	roots->see(roots, at, words, n);
}

static void hold(struct roots *roots, enum wire_holder holder, uintptr_t word)
{
	roots->holder = holder;
	roots->hold(roots, 0, &word, 1);
}

/* The first of tarn's own that ends behind AT. */
static size_t first_own(const struct roots *roots, uintptr_t at)
{
	size_t low = 0, high = roots->n_own;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (roots->own[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Looks at [START, END) without what is tarn's own. */
static void look(struct roots *roots, enum wire_holder holder, uintptr_t start,
		 uintptr_t end, enum os_pages which)
{
	roots->holder = holder;
	start = round_up(start, sizeof(uintptr_t));
	end = round_down(end, sizeof(uintptr_t));
	for (size_t i = first_own(roots, start); i < roots->n_own; i++) {
		struct root_range own = roots->own[i];
		if (own.start >= end)
			break;
		if (own.start > start)
			roots->unread_bytes +=
				os_read(roots->reader, start, own.start - start,
					which, look_at_piece, roots);
		start = own.end;
	}
	if (start < end)
		roots->unread_bytes +=
			os_read(roots->reader, start, end - start, which,
				look_at_piece, roots);
}

/* What a copy did not get. */
static void look_at_missing(void *context, uintptr_t at, uintptr_t word)
{
	struct roots *roots = context;
	roots->see(roots, at, &word, 1);
}

static bool read_missing(struct roots *roots)
{
	struct work *work = roots->snapshot->work;
	roots->missing = work_take(work, 1, sizeof(*roots->missing));
	if (roots->missing == NULL)
		return false;
	roots->missing->snapshot = roots->snapshot;
	if (!missing_read(roots->missing, roots->reader, roots->trace.start,
			  roots->trace.end))
		return false;
	roots->n_bytes += roots->missing->n_bytes;
	roots->unread_bytes += roots->missing->unread_bytes;
	return true;
}

bool roots_begin(struct roots *roots)
{
	roots->own =
		work_take(roots->snapshot->work, OWN_MAX, sizeof(*roots->own));
	if (roots->own == NULL)
		return false;
	find_own(roots);
	/* A whole number of words: none is cut where TLS and stack meet. */
	roots->used_tls_bytes =
		round_up(os_static_tls_bytes(), sizeof(uintptr_t));
	roots->tls_bytes = roots->used_tls_bytes + TLS_BYTES_MORE;
	return find_guarded(roots) &&
	       (roots->reader->original == 0 || read_missing(roots));
}

/* --- of each kind -------------------------------------------------------- */

static bool wants(const struct roots *roots, enum root_kind kind)
{
	return (roots->kinds & kind) != 0;
}

static void look_at_registers(struct roots *roots)
{
	for (uint32_t i = 0; i < roots->stacks.world->n_threads; i++) {
		const struct os_thread *thread =
			&roots->stacks.world->threads[i];
		roots->holder = WIRE_BY_REGISTER;
		roots->thread = thread->id;
		roots->see(roots, 0, thread->general, thread->n_general);
		roots->see(roots, 0, thread->vector, thread->n_vector);
		/* A stack inside the heap is a block in use. */
		hold(roots, WIRE_BY_REGISTER, thread->stack_pointer);
	}
	roots->thread = 0;
}

/*
 * A thread's dynamic TLS lies in blocks that its DTV points to, somewhere
 * inside; the DTV itself is a block that the TCB points into.
 */
static void look_at_dynamic_tls(struct roots *roots, uintptr_t thread_pointer)
{
	struct {
		uintptr_t value;
		uintptr_t to_free;
	} entry;
	uintptr_t dtv;
	size_t n;
	if (!os_peek(thread_pointer + TCB_DTV_OFFSET, &dtv, sizeof(dtv)) ||
	    !os_peek(dtv - sizeof(entry), &n, sizeof(n)) || n > DTV_MAX)
		return;
	hold(roots, WIRE_BY_TLS, dtv);
	for (size_t i = 1; i <= n; i++)
		if (os_peek(dtv + i * sizeof(entry), &entry, sizeof(entry)) &&
		    entry.value != UINTPTR_MAX)
			hold(roots, WIRE_BY_TLS, entry.value);
}

static void look_at_dtvs(struct roots *roots)
{
	struct stack_user user;
	for (uint32_t i = 0; stacks_next(&roots->stacks, &i, &user);) {
		roots->thread = user.thread;
		look_at_dynamic_tls(roots, user.thread_pointer);
	}
	roots->thread = 0;
}

/* --- what a mapping is --------------------------------------------------- */

struct use {
	bool is_stack;
	bool is_dead_below; /* there is nothing but this stack */
	bool has_tcb;
	bool has_main_tcb;
	/* Of the stack and thread pointers in it. */
	struct stack_user lowest;
	uintptr_t highest;
};

static void note_user(struct use *use, const struct os_mapping *mapping,
		      const struct stack_user *user, bool is_main)
{
	if (os_mapping_has(mapping, user->stack_pointer)) {
		use->is_stack = true;
		use->highest = max_size(use->highest, user->stack_pointer);
		if (user->stack_pointer < use->lowest.stack_pointer) {
			use->lowest.stack_pointer = user->stack_pointer;
			use->lowest.thread = user->thread;
		}
	}
	if (os_mapping_has(mapping, user->thread_pointer)) {
		use->has_tcb = true;
		use->has_main_tcb |= is_main;
		use->highest = max_size(use->highest, user->thread_pointer);
		use->lowest.thread_pointer = min_size(
			use->lowest.thread_pointer, user->thread_pointer);
	}
}

/* True if below the lowest stack pointer in MAPPING is nothing but the rest of
 * that stack: below others may be stacks of threads that are on another one
 * just now, or of coroutines. */
static bool is_dead_below(const struct roots *roots,
			  const struct os_mapping *mapping,
			  const struct use *use, uintptr_t guard_end)
{
	if (use->lowest.thread == 0)
		return false;
	if (strcmp(mapping->name, "[stack]") == 0)
		return use->lowest.thread == roots->stacks.world->process;
	return use->has_tcb && !use->has_main_tcb &&
	       mapping->start == guard_end &&
	       stacks_has(&roots->stacks, use->lowest.thread,
			  use->lowest.thread_pointer);
}

static struct use find_use(const struct roots *roots,
			   const struct os_mapping *mapping,
			   uintptr_t guard_end)
{
	struct stack_user user;
	struct use use = {
		.is_stack = strcmp(mapping->name, "[stack]") == 0,
		.lowest = {0, UINTPTR_MAX, UINTPTR_MAX},
	};
	for (uint32_t i = 0; stacks_next(&roots->stacks, &i, &user);)
		note_user(&use, mapping, &user,
			  user.thread == roots->stacks.world->process);
	use.is_dead_below = is_dead_below(roots, mapping, &use, guard_end);
	return use;
}

/*
 * Of each thread whose stack is in MAPPING, upwards: the stack, then its
 * thread-local data. Just below what is known to be these may be more of them,
 * or the first frames, which is likelier.
 */
static void look_at_stack(struct roots *roots, const struct os_mapping *mapping,
			  const struct use *use)
{
	uintptr_t at = mapping->start, next;
	if (use->is_dead_below)
		at = max_size(at, use->lowest.stack_pointer - RED_ZONE_BYTES);
	for (; at < mapping->end; at = next) {
		uintptr_t tcb = stacks_next_tcb(&roots->stacks, at);
		uintptr_t tls = mapping->end;
		next = mapping->end;
		if (os_mapping_has(mapping, tcb))
			tls = max_size(at,
				       tcb - (wants(roots, ROOT_STACKS)
						      ? roots->used_tls_bytes
						      : roots->tls_bytes));
		if (tls != mapping->end && use->highest > tcb)
			next = min_size(next, tcb + DESCRIPTOR_BYTES);
		if (wants(roots, ROOT_STACKS))
			look(roots, WIRE_BY_STACK, at, tls, OS_PAGES_PRESENT);
		if (wants(roots, ROOT_TLS))
			look(roots, WIRE_BY_TLS, tls, next, OS_PAGES_PRESENT);
	}
}

static bool is_of_file(const struct os_mapping *mapping)
{
	return mapping->name[0] == '/';
}

/* A descriptor points to itself twice: where in PAGE, which stands at AT, or
 * 0. */
static uintptr_t find_tcb(const uintptr_t *page, uintptr_t at)
{
	size_t step = TCB_ALIGN / sizeof(*page);
	for (size_t i = TCB_PAGE_BYTES / sizeof(*page); i >= step; i -= step)
		if (page[i - step] == at + (i - step) * sizeof(*page) &&
		    page[i - step + 2] == page[i - step])
			return page[i - step];
	return 0;
}

/*
 * The descriptor of a thread that has ended, in the mapping of its stack, or 0.
 */
static uintptr_t ended_tcb(const struct roots *roots,
			   const struct os_mapping *mapping)
{
	uintptr_t page[TCB_PAGE_BYTES / sizeof(uintptr_t)];
	uintptr_t low = mapping->end - min_size(mapping->end - mapping->start,
						ENDED_TCB_BYTES);
	uintptr_t tcb = 0;
	if (!TCB_IS_SELF || !roots->stacks.world->is_stopped)
		return 0;
	for (uintptr_t at = mapping->end; at > low && tcb == 0;) {
		at -= TCB_PAGE_BYTES;
		if (os_peek(at, page, sizeof(page)))
			tcb = find_tcb(page, at);
	}
	return tcb;
}

/*
 * True if the thread at TCB, which has ended, waits for pthread_join(3), and so
 * does what it returned. The kernel has then cleared its id in the descriptor,
 * and nobody has put -1 there; where a thread's id is, our own tells. A
 * detached one is its own joiner: it points to itself once more.
 */
static bool waits_for_join(const struct roots *roots, uintptr_t tcb)
{
	uint32_t own[DESCRIPTOR_BYTES / sizeof(uint32_t)];
	union {
		uintptr_t words[DESCRIPTOR_BYTES / sizeof(uintptr_t)];
		uint32_t halves[DESCRIPTOR_BYTES / sizeof(uint32_t)];
	} its;
	size_t at = 0, n_self = 0;
	uintptr_t self = (uintptr_t)__builtin_thread_pointer();
	if (!os_peek(self, own, sizeof(own)) ||
	    !os_peek(tcb, &its, sizeof(its)))
		return false;
	while (at < DESCRIPTOR_BYTES / sizeof(*own) &&
	       own[at] != roots->stacks.world->caller)
		at++;
	for (size_t i = 0; i < DESCRIPTOR_BYTES / sizeof(uintptr_t); i++)
		n_self += its.words[i] == tcb;
	return at < DESCRIPTOR_BYTES / sizeof(*own) && its.halves[at] == 0 &&
	       n_self == TCB_SELVES;
}

static void look_at_other(struct roots *roots, struct os_mapping *mapping)
{
	uintptr_t ended = 0;
	if (!is_of_file(mapping) && !mapping->is_shared)
		ended = ended_tcb(roots, mapping);
	if (ended != 0) {
		/* Its DTV serves the next thread. */
		look_at_dynamic_tls(roots, ended);
		if (!waits_for_join(roots, ended))
			ended = min_size(ended + TCB_BYTES, mapping->end);
	}
	look(roots, WIRE_BY_OTHER_MAPPING, ended != 0 ? ended : mapping->start,
	     mapping->end,
	     mapping->is_shared ? OS_PAGES_SHARED : OS_PAGES_PRESENT);
}

/* The main thread's descriptor shares its mapping with whatever was mapped just
 * below. */
static void look_around_main_tcb(struct roots *roots,
				 const struct os_mapping *mapping,
				 const struct use *use, bool others)
{
	uintptr_t tls = max_size(mapping->start,
				 use->lowest.thread_pointer - roots->tls_bytes);
	if (others)
		look(roots, WIRE_BY_OTHER_MAPPING, mapping->start, tls,
		     OS_PAGES_PRESENT);
	else if (wants(roots, ROOT_TLS))
		look(roots, WIRE_BY_TLS, tls, mapping->end, OS_PAGES_PRESENT);
}

/* Where the mapping before ends, if it is one of these. */
struct before {
	uintptr_t globals_end;
	uintptr_t guard_end; /* no access */
};

/* Looks at it if it is of the kinds that all know, or with OTHERS if not. */
static void look_at_mapping(struct roots *roots, struct os_mapping *mapping,
			    struct before before, bool others)
{
	bool is_globals = (is_of_file(mapping) && !mapping->is_shared) ||
			  (mapping->start == before.globals_end &&
			   mapping->name[0] == '\0');
	struct use use = find_use(roots, mapping, before.guard_end);
	if (use.has_main_tcb && !use.is_stack && !is_globals)
		look_around_main_tcb(roots, mapping, &use, others);
	else if (others && !is_globals && !use.is_stack && !use.has_tcb)
		look_at_other(roots, mapping);
	else if (others)
		return;
	else if (use.is_stack || (use.has_tcb && !is_globals))
		look_at_stack(roots, mapping, &use);
	else if (is_globals && wants(roots, ROOT_GLOBALS))
		look(roots, WIRE_BY_GLOBAL, mapping->start, mapping->end,
		     OS_PAGES_WRITTEN);
}

static void look_at_all(struct roots *roots, bool others)
{
	struct os_mapping mapping;
	struct os_maps maps;
	struct before before = {0};
	if (!os_maps_open(&maps))
		return;
	while (os_maps_next(&maps, &mapping)) {
		if (os_may_hold_pointers(&mapping))
			look_at_mapping(roots, &mapping, before, others);
		bool is_globals = is_of_file(&mapping) && !mapping.is_shared &&
				  mapping.is_writable;
		before.globals_end = is_globals ? mapping.end : 0;
		before.guard_end = mapping.is_readable ? 0 : mapping.end;
	}
	os_maps_close(&maps);
}

void roots_look(struct roots *roots)
{
	if (wants(roots, ROOT_REGISTERS))
		look_at_registers(roots);
	if (wants(roots, ROOT_TLS))
		look_at_dtvs(roots);
	hold(roots, WIRE_BY_STACK, roots->stacks.stack_pointer);
	hold(roots, WIRE_BY_STACK, roots->stacks.interrupted);
	look_at_all(roots, false);
	if (wants(roots, ROOT_REGIONS))
		for (size_t i = 0; i < roots->n_regions; i++)
			look(roots, WIRE_BY_REGION, roots->regions[i].start,
			     roots->regions[i].end, OS_PAGES_PRESENT);
}

void roots_look_at_mappings(struct roots *roots)
{
	if (!wants(roots, ROOT_MAPPINGS))
		return;
	roots->holder = WIRE_BY_OTHER_MAPPING;
	if (roots->missing != NULL)
		missing_visit(roots->missing, look_at_missing, roots);
	look_at_all(roots, true);
}
