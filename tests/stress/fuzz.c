/*
 * fuzz: what libFuzzer sends is read as a sequence of operations.
 *
 *	input   operation operation ...
 *	operation   one byte: which one, and a bit that changes it
 *	            one byte: slot
 *	            two bytes, for a size: four bits shift, twelve value
 *
 * So every input means something, and a small change of the input is a small
 * change of the sequence. The shadow checks contents, overlap and alignment;
 * each input ends with nothing live, and the heap's laws are proved.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shadow.h"
#include "tarn.h"

#define N_SLOTS 64
#define MIB ((size_t)1 << 20)
#define LIVE_BYTES_MAX (256 * MIB)
#define ERRNO_UNTOUCHED 4242

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

struct input {
	const uint8_t *at;
	const uint8_t *end;
};

static struct shadow_block slots[N_SLOTS];
static size_t live_bytes;

static uint8_t next_byte(struct input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

/* 0 to 128 MiB, fine where it is small. */
static size_t next_size(struct input *input)
{
	unsigned high = next_byte(input), low = next_byte(input);
	return ((size_t)(high & 15) << 8 | low) << (high >> 4);
}

static void begin(const char *doing)
{
	shadow_context.doing = doing;
	shadow_context.op++;
	errno = ERRNO_UNTOUCHED;
}

static void settle(struct shadow_block *slot, void *start, size_t size,
		   size_t alignment)
{
	if (start == NULL || errno != ERRNO_UNTOUCHED)
		shadow_fail("got %p, errno %d", start, errno);
	shadow_adopt(slot, start, size, alignment, shadow_context.op);
	live_bytes += slot->usable;
}

static void give_up(struct shadow_block *slot)
{
	shadow_retire(slot);
	live_bytes -= slot->usable;
}

static void free_slot(struct shadow_block *slot, bool is_sized)
{
	if (slot->start != NULL)
		give_up(slot);
	begin("free");
	if (slot->start == NULL || !is_sized)
		tarn_free(slot->start);
	else if (slot->alignment != 0)
		tarn_free_aligned_sized(slot->start, slot->alignment,
					slot->size);
	else
		tarn_free_sized(slot->start, slot->size);
	if (errno != ERRNO_UNTOUCHED)
		shadow_fail("errno became %d", errno);
	slot->start = NULL;
}

static void malloc_slot(struct shadow_block *slot, size_t size, bool is_zeroed)
{
	free_slot(slot, false);
	begin(is_zeroed ? "calloc" : "malloc");
	void *start = is_zeroed ? tarn_calloc(1, size) : tarn_malloc(size);
	if (start != NULL && is_zeroed)
		shadow_check_zero(start, size, 0);
	settle(slot, start, size, 0);
}

static void align_slot(struct shadow_block *slot, size_t size, unsigned log)
{
	void *start = NULL;
	size_t alignment = (size_t)1 << log;
	free_slot(slot, false);
	if (log % 2 == 0) {
		begin("aligned_alloc");
		start = tarn_aligned_alloc(alignment, size);
	} else {
		begin("posix_memalign");
		alignment = alignment < 8 ? 8 : alignment;
		if (tarn_posix_memalign(&start, alignment, size) != 0)
			shadow_fail("posix_memalign failed");
	}
	settle(slot, start, size, alignment);
}

static void realloc_slot(struct shadow_block *slot, size_t size)
{
	struct shadow_block old = *slot;
	if (old.start == NULL || size == 0) {
		malloc_slot(slot, size, false);
		return;
	}
	give_up(&old);
	begin("realloc");
	void *start = tarn_realloc(old.start, size);
	if (start == NULL || errno != ERRNO_UNTOUCHED)
		shadow_fail("got %p, errno %d", start, errno);
	shadow_moved(slot, &old, start, size, shadow_context.op);
	live_bytes += slot->usable;
}

static void ask_for_too_much(struct shadow_block *slot, size_t size)
{
	/* Not known to the compiler, which warns of such sizes. */
	volatile size_t too_much = SIZE_MAX / 2 + 1;
	begin("too much");
	if (tarn_malloc(too_much + size) != NULL || errno != ENOMEM ||
	    tarn_calloc(too_much, size + 2) != NULL || errno != ENOMEM)
		shadow_fail("served the impossible");
	if (slot->start == NULL)
		return;
	if (tarn_realloc(slot->start, too_much + size) != NULL ||
	    errno != ENOMEM)
		shadow_fail("served the impossible");
	shadow_check(slot);
}

static void change_decay(uint8_t choice)
{
	begin("decay");
	const char *value = choice % 2 ? "0" : "1s";
	if (tarn_option_set("decay", value) != 0)
		shadow_fail("decay cannot be set");
}

static void look(uint8_t choice)
{
	begin("look");
	if (choice % 2)
		tarn_purge();
	tarn_heap_check();
	shadow_check_stats();
}

static void one_operation(struct input *input)
{
	uint8_t what = next_byte(input);
	uint8_t where = next_byte(input);
	struct shadow_block *slot = &slots[where % N_SLOTS];
	bool is_full = live_bytes > LIVE_BYTES_MAX;
	switch (is_full ? 1 : what % 8) {
	case 0:
		malloc_slot(slot, next_size(input), what & 8);
		break;
	case 1:
		free_slot(slot, what & 8);
		break;
	case 2:
		realloc_slot(slot, next_size(input));
		break;
	case 3:
		align_slot(slot, next_size(input), what >> 4);
		break;
	case 4:
		for (unsigned i = 0; i < 16; i++)
			malloc_slot(&slots[(where + i) % N_SLOTS], what, false);
		break;
	case 5:
		ask_for_too_much(slot, where);
		break;
	case 6:
		for (unsigned i = 0; i < 16; i++)
			free_slot(&slots[(where + i) % N_SLOTS], what & 8);
		break;
	default:
		if (what & 8)
			change_decay(where);
		else
			look(where);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct input input = {.at = data, .end = data + length};
	shadow_context = (struct shadow_context){.program = "fuzz"};
	while (input.at < input.end)
		one_operation(&input);
	for (size_t i = 0; i < N_SLOTS; i++)
		free_slot(&slots[i], false);
	begin("the end");
	tarn_heap_check();
	shadow_check_live(0, 0);
	return 0;
}
