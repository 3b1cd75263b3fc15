/*
 * oracle_model: shapes, and blocks made after them.
 */
#include "oracle.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tarn.h"

#define LARGE_BYTES_MIN (40 << 10)
#define LARGE_BYTES_MAX (1 << 20)
#define LARGE_MAX 40
#define ROOTS_MAX 100000

/* --- shapes -------------------------------------------------------------- */

static uint32_t draw_bytes(struct model *model, struct random *random)
{
	if (model->large_left > 0 && random_one_in(random, 200)) {
		model->large_left--;
		return (uint32_t)random_between(random, LARGE_BYTES_MIN,
						LARGE_BYTES_MAX);
	}
	if (random_one_in(random, 50))
		return (uint32_t)random_between(random, 1, 2000);
	return (uint32_t)random_by_doubling(random, 16, 400);
}

static void add_edge(struct model *model, struct random *random, uint32_t from,
		     uint32_t to)
{
	uint32_t draw = (uint32_t)random_below(random, 256);
	uint32_t pointer = TO_START;
	if (model->n_edges == model->room_edges)
		return;
	for (uint32_t p = TO_TAG; p < N_POINTERS; p++) {
		if (draw < model->odd[p]) {
			pointer = p;
			break;
		}
		draw -= model->odd[p];
	}
	model->edges[model->n_edges++] =
		(struct edge){.from = from, .to = to, .pointer = pointer};
}

/* What a shape is drawn on: N blocks from FIRST. */
struct canvas {
	struct model *model;
	struct random *random;
	uint32_t first, n;
};

static void join(struct canvas *canvas, uint32_t from, uint32_t to)
{
	add_edge(canvas->model, canvas->random, canvas->first + from,
		 canvas->first + to);
}

static void draw_random(struct canvas *canvas)
{
	size_t n_edges =
		(size_t)canvas->n * random_between(canvas->random, 1, 24) / 8;
	for (size_t i = 0; i < n_edges; i++)
		join(canvas, (uint32_t)random_below(canvas->random, canvas->n),
		     (uint32_t)random_below(canvas->random, canvas->n));
}

/* Without cycles. */
static void draw_random_down(struct canvas *canvas)
{
	size_t n_edges =
		(size_t)canvas->n * random_between(canvas->random, 1, 24) / 8;
	for (size_t i = 0; i < n_edges && canvas->n > 1; i++) {
		size_t from = random_below(canvas->random, canvas->n - 1);
		size_t left = canvas->n - from - 1;
		size_t most = random_by_doubling(canvas->random, 1, left);
		join(canvas, (uint32_t)from,
		     (uint32_t)(from +
				random_between(canvas->random, 1, most)));
	}
}

static void draw_chain(struct canvas *canvas)
{
	for (uint32_t i = 1; i < canvas->n; i++)
		join(canvas, i - 1, i);
}

static void draw_ring(struct canvas *canvas)
{
	draw_chain(canvas);
	join(canvas, canvas->n - 1, 0);
}

static void draw_list_double(struct canvas *canvas)
{
	for (uint32_t i = 1; i < canvas->n; i++) {
		join(canvas, i - 1, i);
		join(canvas, i, i - 1);
	}
}

static void draw_tree(struct canvas *canvas)
{
	uint32_t fan = (uint32_t)random_between(canvas->random, 1, 9);
	bool has_parents = random_one_in(canvas->random, 2);
	for (uint32_t i = 1; i < canvas->n; i++) {
		join(canvas, (i - 1) / fan, i);
		if (has_parents)
			join(canvas, i, (i - 1) / fan);
	}
}

/* Two chains, the first with a pointer to the second at each step, or the
 * other way, or each at random. */
static void draw_ladder(struct canvas *canvas)
{
	uint32_t n = canvas->n / 2;
	size_t way = random_below(canvas->random, 3);
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0) {
			join(canvas, i - 1, i);
			join(canvas, n + i - 1, n + i);
		}
		if (way == 0 || (way == 2 && random_one_in(canvas->random, 2)))
			join(canvas, i, n + i);
		else if (way == 1 || random_one_in(canvas->random, 2))
			join(canvas, n + i, i);
	}
}

static void draw_grid(struct canvas *canvas)
{
	uint32_t width =
		(uint32_t)random_by_doubling(canvas->random, 1, canvas->n);
	bool is_torus = random_one_in(canvas->random, 3);
	for (uint32_t i = 0; i < canvas->n; i++) {
		if ((i + 1) % width != 0 && i + 1 < canvas->n)
			join(canvas, i, i + 1);
		if (i + width < canvas->n)
			join(canvas, i, i + width);
		else if (is_torus)
			join(canvas, i, i % width);
	}
}

/* All with all, in groups that hang in a chain. */
static void draw_cliques(struct canvas *canvas)
{
	uint32_t most = (uint32_t)random_between(canvas->random, 2, 8);
	for (uint32_t at = 0; at < canvas->n; at += most) {
		uint32_t left = canvas->n - at;
		uint32_t n = left < most ? left : most;
		for (uint32_t i = 0; i < n * n; i++)
			join(canvas, at + i / n, at + i % n);
		if (at > 0 && random_one_in(canvas->random, 2))
			join(canvas, at - 1, at);
	}
}

static void draw_equal_rings(struct canvas *canvas)
{
	uint32_t n = (uint32_t)random_between(canvas->random, 1, 6);
	for (uint32_t i = 0; i + n <= canvas->n; i++)
		join(canvas, i, i % n == n - 1 ? i + 1 - n : i + 1);
}

static void draw_star(struct canvas *canvas)
{
	bool is_inward = random_one_in(canvas->random, 2);
	for (uint32_t i = 1; i < canvas->n; i++)
		join(canvas, is_inward ? i : 0, is_inward ? 0 : i);
}

static void draw_nothing(struct canvas *canvas)
{
	(void)canvas;
}

static void (*const shapes[])(struct canvas *) = {
	draw_random,  draw_random_down, draw_chain,  draw_ring,
	draw_tree,    draw_list_double, draw_ladder, draw_grid,
	draw_cliques, draw_equal_rings, draw_star,   draw_nothing,
};

#define N_SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static void draw_shapes(struct model *model, struct random *random)
{
	uint32_t first = 0;
	while (first < model->n_blocks) {
		uint32_t left = model->n_blocks - first;
		struct canvas canvas = {
			model, random, first,
			(uint32_t)random_by_doubling(random, 1, left)};
		shapes[random_below(random, N_SHAPES)](&canvas);
		first += canvas.n;
	}
}

/* Between shapes, mostly from earlier ones to later ones. */
static void draw_across(struct model *model, struct random *random)
{
	static const uint32_t rarities[] = {1000000, 1000, 50, 5};
	size_t n = model->n_blocks / rarities[random_below(random, 4)];
	for (size_t i = 0; i < n; i++) {
		uint32_t a = (uint32_t)random_below(random, model->n_blocks);
		uint32_t b = (uint32_t)random_below(random, model->n_blocks);
		bool is_down = a < b || random_one_in(random, 50);
		add_edge(model, random, is_down ? a : b, is_down ? b : a);
	}
}

static void draw_roots(struct model *model, struct random *random)
{
	size_t most = model->n_blocks / 20 + 1;
	most = most < ROOTS_MAX ? most : ROOTS_MAX;
	size_t n = random_one_in(random, 2)
			   ? 0
			   : random_by_doubling(random, 1, most);
	for (size_t i = 0; i < n; i++)
		add_edge(model, random, NONE,
			 (uint32_t)random_below(random, model->n_blocks));
}

void model_draw(struct model *model, struct random *random, uint32_t n)
{
	static const uint32_t rarities[] = {UINT32_MAX, 100, 10, 3};
	uint32_t rarity = rarities[random_below(random, 4)];
	bool is_odd = random_one_in(random, 2);
	*model = (struct model){
		.n_blocks = n,
		.room_edges = 8 * n + 64,
		.odd = {0, 20, is_odd ? 10 : 0, is_odd ? 5 : 0},
		.large_left = LARGE_MAX,
	};
	model->bytes = take(n, sizeof(*model->bytes));
	model->hidden = take(n, sizeof(*model->hidden));
	model->in_order = take(n, sizeof(*model->in_order));
	model->is_freed = take(n, sizeof(*model->is_freed));
	model->hand = take(n, sizeof(*model->hand));
	model->edges = take(model->room_edges, sizeof(*model->edges));
	for (uint32_t i = 0; i < n; i++) {
		model->bytes[i] = draw_bytes(model, random);
		model->is_freed[i] = random_one_in(random, rarity);
	}
	draw_roots(model, random);
	draw_shapes(model, random);
	draw_across(model, random);
}

/* --- hands ---------------------------------------------------------------- */

/* What a hand does to all blocks that are its own. */
struct task {
	struct model *model;
	const uint32_t *order;
	enum hand hand;
	bool frees;
};

static struct task task;
static sem_t may_work, has_worked;

static void *work(void *hand)
{
	struct model *model = task.model;
	for (uint32_t i = 0; i < model->n_blocks; i++) {
		uint32_t block = task.order == NULL ? i : task.order[i];
		if (model->hand[block] != *(enum hand *)hand)
			continue;
		if (task.frees && model->is_freed[block])
			tarn_free((void *)address_of(model, block));
		if (!task.frees)
			model->hidden[block] =
				~(uintptr_t)tarn_malloc(model->bytes[block]);
	}
	return NULL;
}

static _Noreturn void *work_on(void *hand)
{
	for (;;) {
		while (sem_wait(&may_work) != 0)
			;
		work(hand);
		sem_post(&has_worked);
	}
}

/* The other thread lives on, with what lies in its magazines. */
static void start_other(void)
{
	static enum hand other = BY_OTHER;
	static bool is_started;
	pthread_t thread;
	if (is_started)
		return;
	is_started = true;
	sem_init(&may_work, 0, 0);
	sem_init(&has_worked, 0, 0);
	if (pthread_create(&thread, NULL, work_on, &other) != 0)
		fail("there is no thread to be had");
}

static void work_all(struct task all)
{
	static enum hand hands[] = {BY_MAIN, BY_OTHER, BY_ENDED};
	pthread_t thread;
	task = all;
	start_other();
	work(&hands[BY_MAIN]);
	sem_post(&may_work);
	while (sem_wait(&has_worked) != 0)
		;
	if (pthread_create(&thread, NULL, work, &hands[BY_ENDED]) != 0)
		fail("there is no thread to be had");
	pthread_join(thread, NULL);
}

static void deal_hands(struct model *model, struct random *random)
{
	size_t rarity = random_by_doubling(random, 2, 64);
	for (uint32_t i = 0; i < model->n_blocks; i++)
		model->hand[i] = random_one_in(random, rarity)
					 ? BY_OTHER + random_below(random, 2)
					 : BY_MAIN;
}

/* --- blocks ------------------------------------------------------------- */

static uint32_t *draw_order(uint32_t n, struct random *random)
{
	uint32_t *order = take(n, sizeof(*order));
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = (uint32_t)random_below(random, i + (size_t)1);
		order[i] = order[k];
		order[k] = i;
	}
	return order;
}

static const struct model *sorted;

static int compare_addresses(const void *a, const void *b)
{
	uintptr_t first = address_of(sorted, *(const uint32_t *)a);
	uintptr_t second = address_of(sorted, *(const uint32_t *)b);
	return first < second ? -1 : first > second;
}

static void sort(struct model *model)
{
	sorted = model;
	for (uint32_t i = 0; i < model->n_blocks; i++)
		model->in_order[i] = i;
	qsort(model->in_order, model->n_blocks, sizeof(uint32_t),
	      compare_addresses);
}

uint32_t model_find(const struct model *model, uintptr_t address)
{
	uint32_t low = 0, high = model->n_blocks;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		uint32_t block = model->in_order[middle];
		if (address_of(model, block) == address)
			return block;
		if (address_of(model, block) < address)
			low = middle + 1;
		else
			high = middle;
	}
	return NONE;
}

/* Words that point to no block. */
static uintptr_t draw_noise(struct random *random)
{
	static const char text[] = "a table of functions";
	uint64_t word = random_next(random);
	switch (word >> 8 & 7) {
	case 0:
		return (uintptr_t)text + (word >> 32 & 7) * 8;
	case 1:
		return word >> 40;
	case 2:
		return word | UINT64_C(1) << 63;
	case 3:
		return UINT64_C(0x6c6c616d6e726174);
	default:
		return 0;
	}
}

/* A large block keeps pages that were never touched. */
static void fill_noise(uintptr_t *words, size_t n, struct random *random)
{
	size_t n_noisy = n < LARGE_BYTES_MIN / sizeof(*words) ? n : 64;
	memset(words, 0, n * sizeof(*words));
	if (n_noisy < n)
		madvise((void *)(((uintptr_t)words + 8191) & ~UINT64_C(4095)),
			16384, MADV_DONTNEED);
	for (size_t i = 0; i < n_noisy; i++)
		words[i] = draw_noise(random);
}

static uint32_t draw_offset(const struct edge *edge, uint32_t bytes,
			    struct random *random)
{
	switch ((enum pointer)edge->pointer) {
	case TO_TAG:
		return (uint32_t)random_between(random, 1, 7);
	case TO_INSIDE:
		if (random_one_in(random, 3))
			return random_one_in(random, 2) ? 8 : bytes - 1;
		return (uint32_t)random_between(random, 8, bytes - 1);
	case TO_END:
		return bytes;
	case TO_START:
	case N_POINTERS:
		break;
	}
	return 0;
}

/* Puts the pointers of EDGES into N WORDS, far from each other or close. */
static void put_pointers(struct model *model, struct random *random,
			 const uint32_t *edges, uint32_t n_edges,
			 uintptr_t *words, size_t n)
{
	size_t most = n / (n_edges > 0 ? n_edges : 1);
	size_t step = random_between(random, 1, most > 0 ? most : 1);
	size_t at = random_below(random, n);
	for (uint32_t i = 0; i < n_edges; i++, at = (at + step) % n) {
		struct edge *edge = &model->edges[edges[i]];
		if (i >= n) {
			edge->to = NONE;
			continue;
		}
		edge->offset =
			draw_offset(edge, model->bytes[edge->to], random);
		words[at] = address_of(model, edge->to) + edge->offset;
	}
}

static void fill(struct model *model, struct random *random)
{
	uint32_t n = model->n_blocks;
	uint32_t *from = take(model->n_edges, sizeof(*from));
	uint32_t *number = take(model->n_edges, sizeof(*number));
	for (uint32_t i = 0; i < model->n_edges; i++) {
		uint32_t block = model->edges[i].from;
		from[i] = block == NONE ? n : block;
		number[i] = i;
	}
	struct lists lists = lists_make(n + 1, from, number, model->n_edges);
	for (uint32_t i = 0; i < n; i++) {
		uintptr_t *words = (uintptr_t *)address_of(model, i);
		size_t n_words = model->bytes[i] / sizeof(*words);
		fill_noise(words, n_words, random);
		put_pointers(model, random, lists.items + lists.first[i],
			     lists.first[i + 1] - lists.first[i], words,
			     n_words);
	}
	model->n_roots = lists.first[n + 1] - lists.first[n] + 1;
	put_pointers(model, random, lists.items + lists.first[n],
		     model->n_roots - 1, model->roots, model->n_roots);
}

static void map_roots(struct model *model)
{
	static uintptr_t *roots;
	size_t bytes = (ROOTS_MAX + 1) * sizeof(*roots);
	if (roots == NULL)
		roots = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (roots == MAP_FAILED)
		fail("no memory for the roots");
	memset(roots, 0, bytes);
	model->roots = roots;
}

void model_build(struct model *model, struct random *random)
{
	uint32_t *order = draw_order(model->n_blocks, random);
	deal_hands(model, random);
	map_roots(model);
	work_all((struct task){.model = model, .order = order});
	for (uint32_t i = 0; i < model->n_blocks; i++) {
		if (model->hidden[i] == UINTPTR_MAX)
			fail("no memory for block %u", i);
		model->bytes[i] = (uint32_t)tarn_malloc_usable_size(
			(void *)address_of(model, i));
	}
	sort(model);
	fill(model, random);
	deal_hands(model, random);
	work_all((struct task){.model = model, .order = order, .frees = true});
	if (random_one_in(random, 3))
		tarn_purge();
}

void model_free(struct model *model)
{
	for (uint32_t i = 0; i < model->n_blocks; i++)
		model->is_freed[i] = !model->is_freed[i];
	work_all((struct task){.model = model, .frees = true});
}
