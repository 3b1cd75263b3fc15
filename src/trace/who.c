/*
 * who: a queue of blocks, and for each where its first pointer stands.
 */
#include "trace/who.h"

#include <string.h>

#include "base/arith.h"
#include "base/bits.h"
#include "base/lock.h"
#include "os/maps.h"
#include "os/system.h"
#include "trace/put.h"
#include "watch/modules.h"

/* As in mark.c: a tag may be in these bits; larger blocks are read with care.
 */
#define TAG_BYTES 8
#define CAREFUL_BYTES ((size_t)64 << 10)

#define REFERRERS_TOLD 64
/* So many steps at either end of a way. */
#define STEPS_TOLD 64

/* Where a pointer stands: the address, and above it what holds it; of a
 * register the thread. */
#define HOLDER_SHIFT 60
#define AT_MASK ((UINT64_C(1) << HOLDER_SHIFT) - 1)

struct who {
	const struct snapshot *snapshot;
	struct os_reader *reader;
	struct roots *roots;
	const struct trace_options *options;
	struct place target;
	uint64_t *from;	   /* of each block; 0: not reached */
	uint64_t *hints;   /* the same of pointers to the inside */
	uint64_t *scanned; /* bits: its words were looked at */
	uintptr_t *queue;
	size_t n_queued;
	size_t n_done;
	enum wire_holder holder; /* of the words that are looked at now */
	bool follows;		 /* what is met is reached */
	uint64_t n_referrers;
	struct {
		uint64_t from;
		uintptr_t value;
	} referrers[REFERRERS_TOLD];
};

static uint64_t pack(enum wire_holder holder, uint64_t at)
{
	return (uint64_t)holder << HOLDER_SHIFT | (at & AT_MASK);
}

static enum wire_holder holder_of(uint64_t from)
{
	return (enum wire_holder)(from >> HOLDER_SHIFT);
}

static void reach(struct who *who, const struct place *place, uint64_t from)
{
	uint64_t *known = &who->from[place->bit];
	/* Of roots, one with a name tells more than a stack. */
	if (*known != 0 && holder_of(from) == WIRE_BY_GLOBAL &&
	    holder_of(*known) != WIRE_BY_BLOCK)
		*known = from;
	if (*known != 0)
		return;
	*known = from;
	who->queue[who->n_queued++] = run_block(place->run, place->slot);
}

static void look_at_word(struct who *who, uint64_t from, uintptr_t word,
			 bool is_surely)
{
	struct place place;
	if (!snapshot_find(who->snapshot, word, &place) ||
	    !bits_test(who->snapshot->live, place.bit))
		return;
	if (place.bit == who->target.bit) {
		uint64_t n = who->n_referrers++;
		if (n < REFERRERS_TOLD) {
			who->referrers[n].from = from;
			who->referrers[n].value = word;
		}
	}
	if (!who->follows)
		return;
	if (place.inside < TAG_BYTES || is_surely)
		reach(who, &place, from);
	else if (who->hints[place.bit] == 0)
		who->hints[place.bit] = from;
}

/* --- words of roots ---------------------------------------------------- */

static void see(const struct roots *roots, uintptr_t at, const uintptr_t *words,
		size_t n)
{
	for (size_t i = 0; i < n; i++)
		look_at_word(
			roots->context,
			pack(roots->holder,
			     at == 0 ? roots->thread : at + i * sizeof(*words)),
			words[i], false);
}

static void hold(const struct roots *roots, uintptr_t at,
		 const uintptr_t *words, size_t n)
{
	(void)at;
	for (size_t i = 0; i < n; i++)
		look_at_word(roots->context, pack(roots->holder, roots->thread),
			     words[i], true);
}

/* --- words of blocks --------------------------------------------------- */

static void look_at_piece(void *context, uintptr_t at, const uintptr_t *words,
			  size_t n)
{
	for (size_t i = 0; i < n; i++)
		look_at_word(context,
			     pack(WIRE_BY_BLOCK, at + i * sizeof(*words)),
			     words[i], false);
}

static void look_at_block(struct who *who, const struct place *place)
{
	const struct trace_run *run = place->run;
	uintptr_t block = run_block(run, place->slot);
	if (bits_test(who->scanned, place->bit))
		return;
	bits_set(who->scanned, place->bit);
	if (run->block_bytes > CAREFUL_BYTES || run->is_guarded)
		os_read(who->reader, block, run->block_bytes, OS_PAGES_PRESENT,
			look_at_piece, who);
	else
		look_at_piece(who, block, (const uintptr_t *)block,
			      run->block_bytes / sizeof(uintptr_t));
}

static void follow_queue(struct who *who)
{
	struct place place;
	while (who->n_done < who->n_queued)
		if (snapshot_find(who->snapshot, who->queue[who->n_done++],
				  &place))
			look_at_block(who, &place);
}

/* Calls VISIT with each live block. */
static void visit_blocks(struct who *who,
			 void (*visit)(struct who *who,
				       const struct place *place))
{
	const struct snapshot *snapshot = who->snapshot;
	for (uint32_t i = 1; i <= snapshot->n_runs; i++) {
		struct place place = {.run = &snapshot->runs[i]};
		for (; place.slot < place.run->n_slots; place.slot++) {
			place.bit = place.run->first_bit + place.slot;
			if (bits_test(snapshot->live, place.bit))
				visit(who, &place);
		}
	}
}

static void follow_hint(struct who *who, const struct place *place)
{
	if (who->hints[place->bit] != 0)
		reach(who, place, who->hints[place->bit]);
}

static enum wire_verdict search(struct who *who)
{
	const uint64_t *from = &who->from[who->target.bit];
	enum wire_verdict verdict = WIRE_REACHED;
	who->follows = true;
	trace_hold_ignored(who->roots, who->options);
	roots_look(who->roots);
	follow_queue(who);
	if (*from == 0)
		verdict = WIRE_FOREIGN;
	roots_look_at_mappings(who->roots);
	follow_queue(who);
	if (*from == 0) {
		verdict = WIRE_POSSIBLE;
		visit_blocks(who, follow_hint);
		follow_queue(who);
	}
	if (*from == 0)
		verdict = WIRE_LOST;
	/* The others may point to it too. */
	who->follows = false;
	visit_blocks(who, look_at_block);
	return verdict;
}

/* --- telling ----------------------------------------------------------- */

static bool is_told_by_mapping(enum wire_holder holder)
{
	return holder == WIRE_BY_OTHER_MAPPING || holder == WIRE_BY_REGION;
}

/* The name of the mapping that AT lies in, into NAME. */
static size_t find_mapping_name(uintptr_t at, char *name, size_t room)
{
	struct os_mapping mapping;
	struct os_maps maps;
	size_t n = 0;
	if (!os_maps_find(&maps, at, &mapping))
		return 0;
	n = min_size(strlen(mapping.name), room);
	memcpy(name, mapping.name, n);
	return n;
}

static void put_pointer(struct who *who, struct put *put, enum wire_kind kind,
			uint64_t from, uintptr_t value)
{
	struct example_member member = {.type_bytes = 0};
	struct wire_pointer wire = {
		.holder = holder_of(from),
		.at = from & AT_MASK,
		.value = value,
	};
	struct place place;
	if (wire.at <= UINT32_MAX) { /* nowhere, or in a register */
		wire.thread = (uint32_t)wire.at;
		wire.at = 0;
	} else if (wire.holder == WIRE_BY_STACK || wire.holder == WIRE_BY_TLS) {
		wire.thread = stacks_owner(&who->roots->stacks, wire.at,
					   wire.holder == WIRE_BY_TLS);
	} else if (wire.holder == WIRE_BY_GLOBAL) {
		wire.module = modules_find_locked(wire.at);
		if (wire.module != 0)
			wire.address =
				wire.at - modules_get(wire.module)->wire.bias;
	} else if (is_told_by_mapping(wire.holder)) {
		member.type_bytes = find_mapping_name(wire.at, member.type,
						      sizeof(member.type));
	} else if (snapshot_find(who->snapshot, wire.at, &place)) {
		example_describe(&member, 0, place.run, place.slot);
		wire.block = member.wire.address;
		wire.bytes = member.wire.bytes;
		wire.site = put_site(put, member.wire.site);
		wire.first_word_module = member.wire.first_word_module;
		wire.first_word_address = member.wire.first_word_address;
	}
	put_module(put, wire.module);
	put_module(put, wire.first_word_module);
	wire_put(&put->writer, kind, &wire, sizeof(wire), member.type,
		 member.type_bytes);
}

/* From the target back to its root, so the steps are found in the wrong order:
 * `queue`, which is done with, holds them. */
static uint64_t find_steps(struct who *who)
{
	uint64_t n = 0, from = who->from[who->target.bit];
	struct place place;
	for (; from != 0; n++) {
		who->queue[n] = from;
		if (holder_of(from) != WIRE_BY_BLOCK ||
		    !snapshot_find(who->snapshot, from & AT_MASK, &place))
			return n + 1;
		from = who->from[place.bit];
	}
	return n;
}

/* A pointer's value, as it is now. */
static uintptr_t value_at(uint64_t from, uintptr_t target)
{
	uintptr_t value;
	if (holder_of(from) == WIRE_BY_REGISTER ||
	    !os_peek(from & AT_MASK, &value, sizeof(value)))
		return target;
	return value;
}

static void put_steps(struct who *who, struct put *put, uint64_t n)
{
	uintptr_t block = run_block(who->target.run, who->target.slot);
	for (uint64_t i = n; i-- > 0;)
		if (i < STEPS_TOLD || i >= n - min_size(n, STEPS_TOLD))
			put_pointer(who, put, WIRE_STEP, who->queue[i],
				    value_at(who->queue[i], block));
}

static void put_who(struct who *who, struct put *put, struct wire_who *wire)
{
	struct example_member member;
	example_describe(&member, 0, who->target.run, who->target.slot);
	wire->place = WIRE_IN_BLOCK;
	wire->verdict = search(who);
	wire->block = member.wire.address;
	wire->bytes = member.wire.bytes;
	wire->n_referrers = who->n_referrers;
	wire->n_steps = find_steps(who);
	wire->site = put_site(put, member.wire.site);
	wire->first_word_module = member.wire.first_word_module;
	wire->first_word_address = member.wire.first_word_address;
	put_module(put, wire->first_word_module);
	wire_put(&put->writer, WIRE_WHO, wire, sizeof(*wire), member.type,
		 member.type_bytes);
	put_steps(who, put, wire->n_steps);
	for (size_t i = 0; i < min_size(who->n_referrers, REFERRERS_TOLD); i++)
		put_pointer(who, put, WIRE_REFERRER, who->referrers[i].from,
			    who->referrers[i].value);
}

static bool begin(struct who *who, struct trace *trace)
{
	struct work *work = &trace->work;
	size_t n_bits = trace->snapshot.n_words * 64 + 1;
	who->from = work_take(work, n_bits, sizeof(*who->from));
	who->hints = work_take(work, n_bits, sizeof(*who->hints));
	who->scanned = work_take(work, trace->snapshot.n_words + 1,
				 sizeof(*who->scanned));
	who->queue = work_take(work, trace->snapshot.n_live + 1,
			       sizeof(*who->queue));
	return !work->has_failed;
}

bool who_write(struct trace *trace, const struct trace_options *options,
	       const struct os_world *world, uintptr_t address, int fd)
{
	struct snapshot *snapshot = &trace->snapshot;
	struct who *who = work_take(&trace->work, 1, sizeof(*who));
	trace->reader = work_take(&trace->work, 1, sizeof(*trace->reader));
	if (trace->work.has_failed || !snapshot_take(snapshot, &trace->work) ||
	    !begin(who, trace))
		return false;
	struct roots roots = trace_roots(trace, options, world);
	roots.reader = trace->reader;
	roots.see = see;
	roots.hold = hold;
	roots.context = who;
	who->snapshot = snapshot;
	who->reader = trace->reader;
	who->roots = &roots;
	who->options = options;
	os_reader_begin(trace->reader, options->original);
	struct wire_who wire = {.asked = address, .place = WIRE_NOT_IN_HEAP};
	struct put put;
	if (!roots_begin(&roots) || !put_begin(&put, trace, fd))
		return false;
	lock_acquire(&modules_lock);
	if (snapshot_find_run(snapshot, address, &who->target))
		wire.place = WIRE_IN_FREE;
	if (snapshot_find(snapshot, address, &who->target) &&
	    bits_test(snapshot->live, who->target.bit))
		put_who(who, &put, &wire);
	else
		wire_put(&put.writer, WIRE_WHO, &wire, sizeof(wire), NULL, 0);
	lock_release(&modules_lock);
	os_reader_end(trace->reader);
	return wire_finish(&put.writer);
}
