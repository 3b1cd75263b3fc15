/*
 * service: a process that is asked while it runs. It reads commands from its
 * standard input, a word each, and says "ok" when each is done:
 *
 * ring	loses two blocks that hold each other
 * lose	loses a block of 1000 bytes
 * put N	puts so many entries into the table
 * grow N	puts one every N microseconds from now on, in a thread
 * stop	ends that
 * address WHAT	says where a block is: "entry", the last one that was put;
 *	"second", that which it points to; "oldest", the first one; "value",
 *	"stack", "list", "freed", "opaque", "inside"
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define N_SLOTS 64

struct value {
	long number;
	char *text;
};

struct entry {
	long key;
	union {
		double weight;
		struct value *value;
	};
	struct entry *next;
};

typedef struct {
	int n;
	struct {
		struct entry *newest;
		void *opaque;
	} slots[N_SLOTS];
} cache;

struct link {
	struct link *volatile other;
	char room[40];
};

/* Of no type that says what they point to. */
static void *opaque;
static char *inside;
static struct value **pointers;

/* Not static: clang would make several variables of it. */
cache table;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Points to the inside of the last entry, so that the way there is the table's,
 * wherever the compiler puts the two. */
static char *last;
#define LAST ((struct entry *)(last - offsetof(struct entry, value)))
static void *volatile on_stack;
static volatile unsigned int pause_us;
static volatile bool is_growing;

static NOINLINE struct value *new_value(long number)
{
	struct value *value = malloc(sizeof(*value));
	value->number = number;
	value->text = malloc(400);
	snprintf(value->text, 400, "value %ld", number);
	return value;
}

static NOINLINE void put(void)
{
	static long key;
	struct entry *entry = malloc(sizeof(*entry));
	pthread_mutex_lock(&lock);
	entry->key = ++key;
	entry->value = new_value(key);
	entry->next = table.slots[17].newest;
	table.slots[17].newest = entry;
	last = (char *)&entry->value;
	table.n++;
	pthread_mutex_unlock(&lock);
}

static NOINLINE void lose_ring(void)
{
	struct link *one = calloc(1, sizeof(*one));
	struct link *two = calloc(1, sizeof(*two));
	one->other = two;
	two->other = one;
}

static NOINLINE void lose_block(void)
{
	char *volatile block = malloc(1000);
	memset(block, 1, 1000);
	block = NULL;
}

/* What earlier calls left on the stack goes. */
static NOINLINE void wipe_stack(void)
{
	volatile char room[16384];
	memset((char *)room, 0, sizeof(room));
}

static void *grow(void *unused)
{
	(void)unused;
	while (is_growing) {
		put();
		usleep(pause_us);
	}
	return NULL;
}

/* Holds a block in its frame alone. */
static void *hold(void *unused)
{
	void *volatile held = malloc(200);
	(void)unused;
	memset(held, 0, 200);
	on_stack = (void *)((unsigned long)held ^ ~0ul);
	for (;;)
		pause();
	return held;
}

static NOINLINE void *freed_block(void)
{
	char *volatile block = malloc(3000);
	block[0] = 1;
	free(block);
	return block;
}

static NOINLINE struct entry *oldest(void)
{
	struct entry *entry = LAST;
	while (entry->next)
		entry = entry->next;
	return entry;
}

static void *address_of(const char *what)
{
	if (strcmp(what, "entry") == 0)
		return LAST;
	if (strcmp(what, "second") == 0)
		return LAST->next;
	if (strcmp(what, "oldest") == 0)
		return oldest();
	if (strcmp(what, "value") == 0)
		return LAST->next->value->text;
	if (strcmp(what, "list") == 0)
		return pointers[5];
	if (strcmp(what, "opaque") == 0)
		return *(void **)((char *)opaque + 16);
	if (strcmp(what, "inside") == 0)
		return inside - 100;
	if (strcmp(what, "freed") == 0)
		return freed_block();
	if (strcmp(what, "stack") == 0)
		return (void *)((unsigned long)on_stack ^ ~0ul);
	return NULL;
}

static NOINLINE void start(void)
{
	pthread_t thread;
	opaque = calloc(1, 64);
	*(void **)((char *)opaque + 16) = calloc(1, 128);
	inside = (char *)calloc(1, 500) + 100;
	pointers = calloc(8, sizeof(pointers[0]));
	pointers[5] = new_value(5);
	pthread_create(&thread, NULL, hold, NULL);
	while (!on_stack)
		usleep(1000);
}

static NOINLINE void obey(const char *word, const char *more)
{
	static pthread_t grower;
	if (strcmp(word, "start") == 0) {
		start();
	} else if (strcmp(word, "ring") == 0) {
		lose_ring();
	} else if (strcmp(word, "lose") == 0) {
		lose_block();
	} else if (strcmp(word, "put") == 0) {
		for (int n = atoi(more); n > 0; n--)
			put();
	} else if (strcmp(word, "grow") == 0) {
		pause_us = (unsigned int)atoi(more);
		is_growing = true;
		pthread_create(&grower, NULL, grow, NULL);
	} else if (strcmp(word, "stop") == 0) {
		is_growing = false;
		pthread_join(grower, NULL);
	} else if (strcmp(word, "address") == 0) {
		printf("%p\n", address_of(more));
		return;
	}
	puts("ok");
}

struct order {
	const char *word, *more;
};

/*
 * So deep that wipe_stack() reaches all that it leaves: the first words of a
 * frame are saved registers, which nobody wipes.
 */
static NOINLINE void obey_deep(const struct order *order)
{
	volatile char room[1024];
	room[0] = 0;
	obey(order->word, order->more);
	room[1] = room[0];
}

static void *follow(void *order)
{
	obey_deep(order);
	wipe_stack();
	return NULL;
}

/* In a thread that ends: the registers of those that go on, of vectors too,
 * have nothing of it. */
static NOINLINE void give(const char *word, const char *more)
{
	struct order order = {word, more};
	pthread_t thread;
	pthread_create(&thread, NULL, follow, &order);
	pthread_join(thread, NULL);
}

int main(void)
{
	char line[100], word[50], more[50];
	setvbuf(stdout, NULL, _IOLBF, 0);
	give("start", "");
	for (;;) {
		char *got = fgets(line, sizeof(line), stdin);
		if (got == NULL)
			break;
		more[0] = '\0';
		if (sscanf(line, "%49s %49s", word, more) < 1)
			continue;
		give(word, more);
	}
	return 0;
}
