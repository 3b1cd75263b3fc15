/*
 * growth: which held blocks only ever become more, from several looks.
 *
 * The amounts of each look are kept by unit: a site; a kind, which is a size
 * and what the first word points to; and a size, which is all its kinds. A unit
 * grows if it became more in each interval, and by more than noise. Kinds that
 * grow are taken out of their size, so that what remains of it can be judged by
 * itself.
 */
#include "cli/growth.h"

#include <stdlib.h>
#include <string.h>

/* Beyond this each block has pages of its own, and hardly two are of a size:
 * they count as one. */
#define LARGE_BYTES ((uint64_t)32 << 10)
#define LARGE UINT64_MAX

/* Less is noise: so many bytes; or so many blocks, bytes, and a hundredth. */
#define MANY_BYTES ((uint64_t)64 << 10)
#define SOME_BLOCKS 16
#define SOME_BYTES 4096

/* Of so many kinds a report tells the largest. */
#define KINDS_TOLD 4096

#define TABLE_BITS_MIN 10

enum unit_type { UNIT_SITE = 1, UNIT_KIND, UNIT_SIZE };

struct unit_key {
	uint64_t type;
	uint64_t which; /* a site, or a size; LARGE */
	uint64_t word;	/* of a kind; 0: points to no module */
};

struct unit {
	struct unit_key key;
	uint64_t *blocks; /* by look */
	uint64_t *bytes;
	bool is_growing;
	size_t told_at; /* in struct model_growth, if it is growing */
	bool has_sites; /* they are told */
};

struct growth {
	struct arena arena;
	size_t n_looks, n_looks_max;
	double *seconds;
	uint64_t *live_blocks, *live_bytes;
	uint64_t *least_bytes; /* what is not told has no more than this */
	size_t n_units;
	struct unit **units;
	size_t table_size; /* a power of two */
	struct unit **table;
};

static uint64_t *take_series(const struct growth *growth, struct arena *arena)
{
	return arena_take(arena, growth->n_looks_max * sizeof(uint64_t));
}

static void make_table(struct growth *growth, size_t size)
{
	growth->table_size = size;
	growth->table =
		arena_take(&growth->arena, size * sizeof(growth->table[0]));
}

struct growth *growth_start(size_t n_looks)
{
	struct arena arena = {0};
	struct growth *growth = arena_take(&arena, sizeof(*growth));
	growth->arena = arena;
	growth->n_looks_max = n_looks;
	growth->seconds = arena_take(&growth->arena, n_looks * sizeof(double));
	growth->live_blocks = take_series(growth, &growth->arena);
	growth->live_bytes = take_series(growth, &growth->arena);
	growth->least_bytes = take_series(growth, &growth->arena);
	make_table(growth, (size_t)1 << TABLE_BITS_MIN);
	return growth;
}

void growth_free(struct growth *growth)
{
	/* It lies in its own arena. */
	struct arena arena = growth->arena;
	arena_free(&arena);
}

/* --- units --------------------------------------------------------------- */

static bool is_same(const struct unit_key *a, const struct unit_key *b)
{
	return a->type == b->type && a->which == b->which && a->word == b->word;
}

/* Where KEY is in the table, or would be. */
static struct unit **place_of(const struct growth *growth,
			      const struct unit_key *key)
{
	uint64_t hash = key->type;
	hash = (hash ^ key->which) * UINT64_C(0x9e3779b97f4a7c15);
	hash = (hash ^ hash >> 29 ^ key->word) * UINT64_C(0xd6e8feb86659fd93);
	size_t at = (size_t)(hash >> 32);
	for (;; at++) {
		struct unit **place =
			&growth->table[at & (growth->table_size - 1)];
		if (!*place || is_same(&(*place)->key, key))
			return place;
	}
}

static struct unit *find_unit(const struct growth *growth, struct unit_key key)
{
	return *place_of(growth, &key);
}

static struct unit *make_unit(struct growth *growth, struct unit_key key)
{
	struct unit *unit = arena_take(&growth->arena, sizeof(*unit));
	unit->key = key;
	unit->blocks = take_series(growth, &growth->arena);
	unit->bytes = take_series(growth, &growth->arena);
	growth->units = arena_grow(&growth->arena, growth->units,
				   growth->n_units, sizeof(unit));
	growth->units[growth->n_units++] = unit;
	if (2 * growth->n_units > growth->table_size) {
		make_table(growth, 4 * growth->table_size);
		for (size_t i = 0; i + 1 < growth->n_units; i++)
			*place_of(growth, &growth->units[i]->key) =
				growth->units[i];
	}
	*place_of(growth, &key) = unit;
	return unit;
}

static void add_to(struct growth *growth, struct unit_key key,
		   const struct wire_finding *wire)
{
	struct unit *unit = find_unit(growth, key);
	if (!unit)
		unit = make_unit(growth, key);
	unit->blocks[growth->n_looks] += wire->own_blocks;
	unit->bytes[growth->n_looks] += wire->own_bytes;
}

/* --- what a finding counts for ------------------------------------------- */

/* The size of its blocks; 0: they are not all of one. */
static uint64_t size_of(const struct model_finding *finding)
{
	const struct wire_finding *wire = &finding->wire;
	if (wire->own_blocks == 0)
		return 0;
	uint64_t size = wire->own_bytes / wire->own_blocks;
	if (finding->n_members && finding->members[0].wire.bytes != size)
		return 0;
	return size * wire->own_blocks == wire->own_bytes ? size : 0;
}

static struct unit_key site_key(const struct model_finding *finding)
{
	return (struct unit_key){UNIT_SITE, finding->wire.site, 0};
}

static struct unit_key size_key(const struct model_finding *finding)
{
	uint64_t size = size_of(finding);
	return (struct unit_key){UNIT_SIZE, size > LARGE_BYTES ? LARGE : size,
				 0};
}

/* The number of a module is that of one look; where it lies is of all. */
static struct unit_key kind_key(const struct model_process *process,
				const struct model_finding *finding)
{
	struct unit_key key = size_key(finding);
	const struct wire_member *member =
		finding->n_members ? &finding->members[0].wire : NULL;
	key.type = UNIT_KIND;
	for (size_t i = 0; member && i < process->n_modules; i++) {
		const struct wire_module *module = &process->modules[i].wire;
		if (module->id == member->first_word_module)
			key.word = module->bias + member->first_word_address;
	}
	return key;
}

/* Whether the finding is of blocks in a sample, whose kind tells their number.
 */
static bool is_sample(const struct model_process *process,
		      const struct model_finding *finding)
{
	return finding->wire.site && !(process->wire.flags & WIRE_SITES_ALL);
}

/*
 * Of lost blocks a finding tells how many there are, and they grow by
 * themselves. What is held by less than a pointer to its start is held here:
 * Python's objects are, by pointers behind their head.
 */
static bool is_held(const struct model_finding *finding)
{
	const struct wire_finding *wire = &finding->wire;
	return wire->verdict == WIRE_REACHED || wire->verdict == WIRE_FOREIGN ||
	       (wire->verdict == WIRE_POSSIBLE &&
		wire->basis != WIRE_BY_NOTHING);
}

static void add_finding(struct growth *growth,
			const struct model_process *process,
			const struct model_finding *finding)
{
	const struct wire_finding *wire = &finding->wire;
	if (!is_held(finding))
		return;
	if (wire->site)
		add_to(growth, site_key(finding), wire);
	if ((wire->site && !is_sample(process, finding)) ||
	    size_of(finding) == 0)
		return;
	add_to(growth, size_key(finding), wire);
	add_to(growth, kind_key(process, finding), wire);
}

void growth_add(struct growth *growth, const struct model_process *process,
		double seconds)
{
	size_t look = growth->n_looks;
	if (look == growth->n_looks_max)
		return;
	growth->seconds[look] = seconds;
	growth->live_blocks[look] = process->wire.live_blocks;
	growth->live_bytes[look] = process->wire.live_bytes;
	for (size_t i = 0; i < process->n_held; i++)
		add_finding(growth, process, &process->held[i]);
	for (size_t i = 0; i < process->n_findings; i++)
		add_finding(growth, process, &process->findings[i]);
	if (process->n_held >= KINDS_TOLD)
		growth->least_bytes[look] =
			process->held[process->n_held - 1].wire.own_bytes;
	growth->n_looks++;
}

/* --- judging ------------------------------------------------------------- */

static bool grows(const struct growth *growth, const struct unit *unit)
{
	size_t last = growth->n_looks - 1;
	uint64_t first_bytes = unit->bytes[0];
	for (size_t i = 0; i < last; i++) {
		if (unit->bytes[i + 1] <= unit->bytes[i] ||
		    unit->blocks[i + 1] < unit->blocks[i])
			return false;
	}
	if (last == 0)
		return false;
	uint64_t bytes = unit->bytes[last] - first_bytes;
	uint64_t blocks = unit->blocks[last] - unit->blocks[0];
	return bytes >= MANY_BYTES ||
	       (blocks >= SOME_BLOCKS && bytes >= SOME_BYTES &&
		bytes >= first_bytes / 100);
}

/* Kinds whose first word tells a type; what is left of their size comes after
 * them. */
static void judge_kinds(struct growth *growth)
{
	for (size_t i = 0; i < growth->n_units; i++) {
		struct unit *kind = growth->units[i];
		if (kind->key.type != UNIT_KIND || kind->key.word == 0 ||
		    !grows(growth, kind))
			continue;
		struct unit *size = find_unit(
			growth,
			(struct unit_key){UNIT_SIZE, kind->key.which, 0});
		kind->is_growing = true;
		for (size_t look = 0; look < growth->n_looks; look++) {
			size->blocks[look] -= kind->blocks[look];
			size->bytes[look] -= kind->bytes[look];
		}
	}
}

/* What was not told may have been there all the same: that is no growth. */
static void fill_gaps(struct growth *growth)
{
	for (size_t i = 0; i < growth->n_units; i++) {
		struct unit *unit = growth->units[i];
		for (size_t look = 0; look < growth->n_looks; look++) {
			if (unit->bytes[look] == 0)
				unit->bytes[look] = growth->least_bytes[look];
		}
	}
}

static void judge(struct growth *growth, bool has_all_sites)
{
	judge_kinds(growth);
	for (size_t i = 0; i < growth->n_units; i++) {
		struct unit *unit = growth->units[i];
		if (unit->key.type == UNIT_SIZE ||
		    (unit->key.type == UNIT_SITE && has_all_sites))
			unit->is_growing = grows(growth, unit);
	}
}

/* Of all that became more, steadily or not. */
static uint64_t all_growth(const struct growth *growth, bool has_all_sites)
{
	size_t last = growth->n_looks - 1;
	uint64_t sum = 0;
	for (size_t i = 0; i < growth->n_units; i++) {
		const struct unit *unit = growth->units[i];
		if (unit->key.type == UNIT_KIND ||
		    (unit->key.type == UNIT_SITE && !has_all_sites))
			continue;
		if (unit->bytes[last] > unit->bytes[0])
			sum += unit->bytes[last] - unit->bytes[0];
	}
	return sum;
}

/* --- what is told -------------------------------------------------------- */

/* The growing unit that the finding counts for; NULL: none. */
static struct unit *unit_of(const struct growth *growth,
			    const struct model_process *process,
			    const struct model_finding *finding)
{
	struct unit *unit = NULL;
	if (finding->wire.site && !is_sample(process, finding)) {
		unit = find_unit(growth, site_key(finding));
	} else if (size_of(finding)) {
		unit = find_unit(growth, kind_key(process, finding));
		if (unit && !unit->is_growing)
			unit = find_unit(growth, size_key(finding));
	}
	return unit && unit->is_growing ? unit : NULL;
}

static void tell(struct growth *growth, struct arena *arena, struct unit *unit,
		 struct model_growth *told)
{
	struct model_growing *growing;
	size_t bytes = growth->n_looks * sizeof(uint64_t);
	told->all = arena_grow(arena, told->all, told->n_all, sizeof(*growing));
	unit->told_at = told->n_all;
	growing = &told->all[told->n_all++];
	*growing = (struct model_growing){
		.is_large =
			unit->key.type != UNIT_SITE && unit->key.which == LARGE,
		.blocks = take_series(growth, arena),
		.bytes = take_series(growth, arena),
		.is_sampled = unit->key.type != UNIT_SITE,
	};
	if (unit->key.type != UNIT_SITE && !growing->is_large)
		growing->block_bytes = unit->key.which;
	memcpy(growing->blocks, unit->blocks, bytes);
	memcpy(growing->bytes, unit->bytes, bytes);
}

/* A block of a site that is known is a better example than any of its size. */
static void take_example(struct model_growing *growing,
			 const struct model_finding *finding, uint64_t n)
{
	bool is_first = growing->example.wire.address == 0;
	bool is_better =
		n > (growing->n_sites ? growing->sites[0].n_sampled : 0);
	if (finding->n_members && (is_first || is_better))
		growing->example = finding->members[0];
}

/* What came since the look SINCE. */
static void add_site(struct growth *growth, struct arena *arena,
		     struct model_growing *growing,
		     const struct model_finding *finding, size_t since)
{
	const struct unit *unit = find_unit(growth, site_key(finding));
	uint64_t n = finding->wire.own_blocks;
	if (growing->is_sampled)
		n -= unit->blocks[since] < n ? unit->blocks[since] : n;
	if (n == 0)
		return;
	take_example(growing, finding, n);
	growing->n_sampled += n;
	growing->sites = arena_grow(arena, growing->sites, growing->n_sites,
				    sizeof(growing->sites[0]));
	struct model_growing_site *site = &growing->sites[growing->n_sites++];
	*site = (struct model_growing_site){finding->wire.site, n};
	/* The first is the one with most, for take_example(). */
	if (growing->sites[0].n_sampled < n) {
		struct model_growing_site first = growing->sites[0];
		growing->sites[0] = *site;
		*site = first;
	}
}

static int compare_sites(const void *a, const void *b)
{
	const struct model_growing_site *one = a, *other = b;
	if (one->n_sampled != other->n_sampled)
		return one->n_sampled > other->n_sampled ? -1 : 1;
	return (one->site > other->site) - (one->site < other->site);
}

/* Each of the last look's findings goes to the unit that grew. */
static void tell_finding(struct growth *growth, struct model_process *process,
			 struct model_growth *told,
			 const struct model_finding *finding, size_t since)
{
	const struct unit *unit = unit_of(growth, process, finding);
	struct model_growing *growing = unit ? &told->all[unit->told_at] : NULL;
	if (!growing || unit->has_sites || !is_held(finding))
		return;
	if (!growing->is_sampled)
		growing->block_bytes = size_of(finding);
	if (finding->wire.site)
		add_site(growth, &process->model->arena, growing, finding,
			 since);
	else if (growing->n_sites == 0)
		take_example(growing, finding, 0);
}

static void tell_findings(struct growth *growth, struct model_process *process,
			  struct model_growth *told, size_t since)
{
	for (size_t i = 0; i < process->n_held; i++)
		tell_finding(growth, process, told, &process->held[i], since);
	for (size_t i = 0; i < process->n_findings; i++)
		tell_finding(growth, process, told, &process->findings[i],
			     since);
	for (size_t i = 0; i < growth->n_units; i++) {
		struct unit *unit = growth->units[i];
		if (unit->is_growing)
			unit->has_sites = told->all[unit->told_at].n_sites > 0;
	}
}

/*
 * Sites are noted since the first look as a rule, and then even those whose
 * blocks come and go without becoming more have more and more in the sample,
 * until all of their blocks are of that time. So what counts is what came after
 * the second look; and all, if that is nothing.
 */
static void tell_all(struct growth *growth, struct model_process *process,
		     struct model_growth *told)
{
	for (size_t i = 0; i < growth->n_units; i++) {
		if (growth->units[i]->is_growing)
			tell(growth, &process->model->arena, growth->units[i],
			     told);
	}
	if (growth->n_looks > 2)
		tell_findings(growth, process, told, 1);
	tell_findings(growth, process, told, 0);
	for (size_t i = 0; i < told->n_all; i++) {
		struct model_growing *growing = &told->all[i];
		if (growing->n_sites)
			qsort(growing->sites, growing->n_sites,
			      sizeof(growing->sites[0]), compare_sites);
	}
}

/* --- kinds of one site --------------------------------------------------- */

/* The site that nine in ten blocks of the sample are from, of two at least; 0:
 * there is none. */
static uint32_t main_site(const struct model_growing *growing)
{
	if (!growing->is_sampled || growing->n_sites == 0 ||
	    growing->sites[0].n_sampled < 2 ||
	    growing->sites[0].n_sampled * 10 < growing->n_sampled * 9)
		return 0;
	return growing->sites[0].site;
}

static void add_growing(const struct growth *growth, struct model_growing *to,
			const struct model_growing *from)
{
	for (size_t i = 0; i < growth->n_looks; i++) {
		to->blocks[i] += from->blocks[i];
		to->bytes[i] += from->bytes[i];
	}
	if (to->block_bytes != from->block_bytes)
		to->block_bytes = 0;
	to->is_large &= from->is_large;
	to->n_sampled += from->n_sampled;
	to->sites[0].n_sampled += from->sites[0].n_sampled;
	/* The others are few, and have no place in the sum. */
	to->n_sites = 1;
}

/* Strings of one site, say, are of several sizes. */
static void join_by_site(const struct growth *growth, struct model_growth *told)
{
	size_t n = 0;
	for (size_t i = 0; i < told->n_all; i++) {
		uint32_t site = main_site(&told->all[i]);
		size_t at = 0;
		while (at < n && (!site || main_site(&told->all[at]) != site))
			at++;
		if (at < n)
			add_growing(growth, &told->all[at], &told->all[i]);
		else
			told->all[n++] = told->all[i];
	}
	told->n_all = n;
}

static int compare_growing(const void *a, const void *b)
{
	const struct model_growing *one = a, *other = b;
	if (one->share != other->share)
		return one->share > other->share ? -1 : 1;
	return (one->example.wire.address > other->example.wire.address) -
	       (one->example.wire.address < other->example.wire.address);
}

void growth_finish(struct growth *growth, struct model_process *process)
{
	struct arena *arena = &process->model->arena;
	struct model_growth *told = arena_take(arena, sizeof(*told));
	bool has_all_sites = process->wire.flags & WIRE_SITES_ALL;
	size_t n = growth->n_looks, last = n ? n - 1 : 0;
	process->growth = told;
	told->n_looks = n;
	told->seconds = (double *)arena_text(
		arena, (const char *)growth->seconds, n * sizeof(double));
	told->live_blocks = (uint64_t *)arena_text(
		arena, (const char *)growth->live_blocks, n * sizeof(uint64_t));
	told->live_bytes = (uint64_t *)arena_text(
		arena, (const char *)growth->live_bytes, n * sizeof(uint64_t));
	if (n < 2)
		return;
	fill_gaps(growth);
	uint64_t all = all_growth(growth, has_all_sites);
	judge(growth, has_all_sites);
	tell_all(growth, process, told);
	join_by_site(growth, told);
	for (size_t i = 0; i < told->n_all; i++) {
		struct model_growing *growing = &told->all[i];
		double bytes =
			(double)(growing->bytes[last] - growing->bytes[0]);
		growing->bytes_per_second = bytes / told->seconds[last];
		growing->share = all ? bytes / (double)all : 0;
	}
	if (told->n_all)
		qsort(told->all, told->n_all, sizeof(told->all[0]),
		      compare_growing);
	for (size_t i = 0; i < told->n_all; i++)
		told->all[i].id = (uint32_t)i + 1;
}
