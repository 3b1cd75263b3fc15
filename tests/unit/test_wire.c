/*
 * wire: what is written is read back, and nothing that is read is trusted.
 *
 * A report is read where a page that cannot be read follows its last byte, so
 * that a reader that goes too far is killed.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../stress/random.h"
#include "wire/wire.h"

#define PAGE_BYTES 4096
#define ROOM_BYTES (16 * PAGE_BYTES)

/* --- reports -------------------------------------------------------------- */

static struct wire_writer writer;

/* What was written: LENGTH bytes, and behind them a page without access. */
static unsigned char *report;
static size_t length;

static struct wire_process process = {.pid = 7, .lost_bytes = 1 << 20};
static struct wire_module module = {
	.id = 1, .build_id_bytes = 3, .build_id = {1, 2, 3}};
static struct wire_stack stack = {.site = 1, .n_frames = 2};
static struct wire_frame frames[2] = {{.module = 1, .address = 0x1234},
				      {.address = 0x5678}};
static struct wire_finding finding = {.id = 1, .verdict = WIRE_CYCLE};
static struct wire_member member = {.finding = 1, .bytes = 48};
static struct wire_edge edge = {.finding = 1, .closes = 1, .offset = 8};

/* Each kind once, in order, as it must come out. */
static const struct {
	enum wire_kind kind;
	const void *fixed;
	size_t fixed_bytes;
	const void *tail;
	size_t tail_bytes;
} records[] = {
	{WIRE_PROCESS, &process, sizeof(process), "a program", 9},
	{WIRE_MODULE, &module, sizeof(module), "/lib/libx.so.1", 14},
	{WIRE_STACK, &stack, sizeof(stack), frames, sizeof(frames)},
	{WIRE_FINDING, &finding, sizeof(finding), NULL, 0},
	{WIRE_MEMBER, &member, sizeof(member), "dict", 4},
	{WIRE_EDGE, &edge, sizeof(edge), NULL, 0},
	{WIRE_END, NULL, 0, NULL, 0},
};

#define N_RECORDS (sizeof(records) / sizeof(records[0]))

/* BYTES at the end of a mapping, behind which there is nothing. */
static unsigned char *place(size_t bytes)
{
	static unsigned char *at;
	if (at == NULL) {
		at = mmap(NULL, ROOM_BYTES + PAGE_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		cr_assert_neq(at, MAP_FAILED);
		mprotect(at + ROOM_BYTES, PAGE_BYTES, PROT_NONE);
	}
	cr_assert_leq(bytes, ROOM_BYTES);
	return at + ROOM_BYTES - bytes;
}

static void start_report(void)
{
	wire_start(&writer, memfd_create("report", 0));
}

static void put(enum wire_kind kind, const void *fixed, size_t fixed_bytes)
{
	wire_put(&writer, kind, fixed, fixed_bytes, NULL, 0);
}

static void put_record(size_t i)
{
	wire_put(&writer, records[i].kind, records[i].fixed,
		 records[i].fixed_bytes, records[i].tail,
		 records[i].tail_bytes);
}

static void end_report(void)
{
	cr_assert(wire_finish(&writer));
	length = (size_t)lseek(writer.fd, 0, SEEK_END);
	report = place(length);
	cr_assert_eq(pread(writer.fd, report, length, 0), (ssize_t)length);
	close(writer.fd);
}

static void make_report(void)
{
	start_report();
	for (size_t i = 0; i + 1 < N_RECORDS; i++)
		put_record(i);
	end_report();
}

/* Reads to the end, touching all that is said to be there; the result that
 * ended it, and the number of records before it. */
static enum wire_result read_all(const void *at, size_t bytes, size_t *n,
				 bool *is_complete)
{
	struct wire_reader reader;
	struct wire_record record;
	*n = 0;
	*is_complete = false;
	enum wire_result result = wire_open(&reader, at, bytes);
	while (result == WIRE_OK && !*is_complete) {
		result = wire_next(&reader, &record);
		if (result != WIRE_OK)
			break;
		const char *from = record.fixed;
		for (; from < record.tail + record.tail_bytes; from++)
			(void)*(const volatile char *)from;
		++*n;
		*is_complete = reader.is_complete;
	}
	return result;
}

static void expect_result(enum wire_result right, size_t n_right)
{
	size_t n;
	bool is_complete;
	cr_assert_eq(read_all(report, length, &n, &is_complete), right);
	cr_assert_eq(n, n_right);
	cr_assert_eq(is_complete, right == WIRE_OK);
}

/* --- whole --------------------------------------------------------------- */

Test(wire, every_kind_is_read_as_it_was_written)
{
	struct wire_reader reader;
	struct wire_record record;
	make_report();
	cr_assert_eq(wire_open(&reader, report, length), WIRE_OK);
	for (size_t i = 0; i < N_RECORDS; i++) {
		cr_assert_not(reader.is_complete);
		cr_assert_eq(wire_next(&reader, &record), WIRE_OK);
		cr_assert_eq(record.kind, records[i].kind);
		cr_assert_eq((uintptr_t)record.fixed % 8, 0);
		cr_assert(records[i].fixed_bytes == 0 ||
			  memcmp(record.fixed, records[i].fixed,
				 records[i].fixed_bytes) == 0);
		cr_assert_eq(record.tail_bytes, records[i].tail_bytes);
		cr_assert(record.tail_bytes == 0 ||
			  memcmp(record.tail, records[i].tail,
				 record.tail_bytes) == 0);
	}
	cr_assert(reader.is_complete);
	cr_assert_eq(reader.left, 0);
	cr_assert_eq(wire_next(&reader, &record), WIRE_CUT_SHORT);
}

Test(wire, a_report_without_records_is_complete)
{
	start_report();
	end_report();
	expect_result(WIRE_OK, 1);
}

Test(wire, records_larger_than_the_buffer)
{
	static char path[3 * WIRE_BUFFER_BYTES + 5];
	struct wire_reader reader;
	struct wire_record record;
	memset(path, 'x', sizeof(path));
	start_report();
	for (int i = 0; i < 2; i++)
		wire_put(&writer, WIRE_MODULE, &module, sizeof(module), path,
			 sizeof(path) - (size_t)i);
	end_report();
	cr_assert_eq(wire_open(&reader, report, length), WIRE_OK);
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(wire_next(&reader, &record), WIRE_OK);
		cr_assert_eq(record.tail_bytes, sizeof(path) - i);
		cr_assert_eq(memcmp(record.tail, path, record.tail_bytes), 0);
	}
	expect_result(WIRE_OK, 3);
}

Test(wire, the_length_is_a_multiple_of_eight_for_every_tail)
{
	for (size_t n = 0; n <= 17; n++) {
		start_report();
		wire_put(&writer, WIRE_PROCESS, &process, sizeof(process),
			 "0123456789abcdefg", n);
		end_report();
		cr_assert_eq(length % 8, 0);
		expect_result(WIRE_OK, 2);
	}
}

/* --- not written --------------------------------------------------------- */

Test(wire, a_write_that_fails_is_told)
{
	int fd = open("/dev/full", O_WRONLY);
	wire_start(&writer, fd);
	for (int i = 0; i < 1000; i++)
		put(WIRE_FINDING, &finding, sizeof(finding));
	errno = 0;
	cr_assert_not(wire_finish(&writer));
	cr_assert(writer.has_failed);
	close(fd);
	wire_start(&writer, -1);
	cr_assert_not(wire_finish(&writer));
	cr_assert_eq(errno, EBADF);
}

/* A pipe that takes less than is written at once. */
Test(wire, short_writes_are_continued)
{
	int ends[2];
	cr_assert_eq(pipe(ends), 0);
	fcntl(ends[1], F_SETPIPE_SZ, PAGE_BYTES);
	pid_t child = fork();
	if (child == 0) {
		wire_start(&writer, ends[1]);
		for (int i = 0; i < 300; i++)
			put(WIRE_FINDING, &finding, sizeof(finding));
		_exit(!wire_finish(&writer));
	}
	close(ends[1]);
	length = sizeof(struct wire_header) + sizeof(struct wire_head) +
		 300 * (sizeof(struct wire_head) + sizeof(finding));
	report = place(length);
	size_t n = 0;
	ssize_t got;
	while ((got = read(ends[0], report + n,
			   1000 < length - n ? 1000 : length - n)) > 0)
		n += (size_t)got;
	cr_assert_eq(n, length);
	expect_result(WIRE_OK, 301);
}

/* --- wrong ---------------------------------------------------------------- */

Test(wire, cut_short_at_every_byte)
{
	unsigned char whole[PAGE_BYTES];
	size_t n_before = 0;
	make_report();
	memcpy(whole, report, length);
	for (size_t n = 0; n < length; n++) {
		size_t n_read;
		bool is_complete;
		/* Aligned, so that a few bytes are behind it. */
		unsigned char *at = place((n + 7) / 8 * 8);
		memset(at, 0xff, (n + 7) / 8 * 8);
		memcpy(at, whole, n);
		enum wire_result result =
			read_all(at, n, &n_read, &is_complete);
		cr_assert_eq(result, n < sizeof(struct wire_header)
					     ? WIRE_NOT_A_REPORT
					     : WIRE_CUT_SHORT);
		cr_assert_not(is_complete);
		cr_assert_geq(n_read, n_before);
		cr_assert_lt(n_read, N_RECORDS);
		n_before = n_read;
	}
	cr_assert_eq(n_before, N_RECORDS - 1);
}

Test(wire, another_magic_is_not_a_report)
{
	for (size_t i = 0; i < 8; i++) {
		make_report();
		report[i] ^= 1;
		expect_result(WIRE_NOT_A_REPORT, 0);
	}
}

Test(wire, another_version_is_refused)
{
	make_report();
	((struct wire_header *)report)->version++;
	expect_result(WIRE_OTHER_VERSION, 0);
}

Test(wire, kinds_that_are_not_known_are_skipped)
{
	static const uint32_t kinds[] = {0, WIRE_END + 1, 1000, UINT32_MAX};
	start_report();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		wire_put(&writer, (enum wire_kind)kinds[i], "some", 4, "more",
			 i);
		put_record(0);
	}
	end_report();
	expect_result(WIRE_OK, 5);
}

Test(wire, a_report_of_unknown_kinds_alone_is_cut_short)
{
	start_report();
	for (int i = 0; i < 1000; i++)
		put((enum wire_kind)(WIRE_END + 1), NULL, 0);
	end_report();
	length -= sizeof(struct wire_head);
	expect_result(WIRE_CUT_SHORT, 0);
}

/* The head of the first record. */
static struct wire_head *first_head(void)
{
	return (struct wire_head *)(report + sizeof(struct wire_header));
}

Test(wire, a_record_shorter_than_its_struct_is_broken)
{
	for (size_t i = 0; i + 1 < N_RECORDS; i++) {
		start_report();
		wire_put(&writer, records[i].kind, records[i].fixed,
			 records[i].fixed_bytes - 1, NULL, 0);
		end_report();
		expect_result(WIRE_BROKEN, 0);
	}
}

Test(wire, a_record_longer_than_the_report_is_cut_short)
{
	static const uint32_t lengths[] = {1 << 16, INT32_MAX, UINT32_MAX - 8,
					   UINT32_MAX - 7, UINT32_MAX};
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		make_report();
		first_head()->bytes = lengths[i];
		expect_result(WIRE_CUT_SHORT, 0);
		first_head()->kind = WIRE_END + 1;
		expect_result(WIRE_CUT_SHORT, 0);
	}
}

Test(wire, a_stack_that_says_it_has_more_frames_is_broken)
{
	static const uint32_t lies[] = {3, 1 << 28, UINT32_MAX};
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		struct wire_stack lie = {.site = 1, .n_frames = lies[i]};
		start_report();
		wire_put(&writer, WIRE_STACK, &lie, sizeof(lie), frames,
			 sizeof(frames));
		end_report();
		expect_result(WIRE_BROKEN, 0);
	}
}

Test(wire, a_stack_that_says_it_has_fewer_frames_is_read)
{
	struct wire_stack lie = {.site = 1, .n_frames = 1};
	start_report();
	wire_put(&writer, WIRE_STACK, &lie, sizeof(lie), frames,
		 sizeof(frames));
	end_report();
	expect_result(WIRE_OK, 2);
}

/* --- at random ----------------------------------------------------------- */

static void corrupt(struct random *random)
{
	size_t n = random_between(random, 1, 8);
	for (size_t i = 0; i < n; i++) {
		size_t at = random_below(random, length);
		switch (random_below(random, 3)) {
		case 0:
			report[at] = (unsigned char)random_next(random);
			break;
		case 1:
			report[at] ^= (unsigned char)(1u << (at & 7));
			break;
		default:
			memset(report + at, 0xff,
			       length - at < 4 ? length - at : 4);
		}
	}
}

Test(wire, a_corrupt_report_is_never_read_beyond_its_end)
{
	struct random random = {.state = 1};
	unsigned char whole[PAGE_BYTES];
	unsigned n_of[WIRE_BROKEN + 1] = {0};
	make_report();
	cr_assert_leq(length, sizeof(whole));
	memcpy(whole, report, length);
	for (int i = 0; i < 200000; i++) {
		size_t n;
		bool is_complete;
		memcpy(report, whole, length);
		corrupt(&random);
		n_of[read_all(report, length, &n, &is_complete)]++;
		cr_assert_leq(n, length / sizeof(struct wire_head));
	}
	for (int result = WIRE_OK; result <= WIRE_BROKEN; result++)
		cr_assert_gt(n_of[result], 0);
}

Test(wire, noise_behind_a_header_is_never_read_beyond_its_end)
{
	struct random random = {.state = 2};
	make_report();
	for (int i = 0; i < 100000; i++) {
		uint64_t *words = (uint64_t *)report;
		size_t n_words = length / sizeof(*words), n;
		bool is_complete;
		/* Kinds and lengths that are small enough to be taken. */
		for (size_t w = 2; w < n_words; w++)
			words[w] = (uint64_t)random_below(&random, 64) << 32 |
				   random_below(&random, WIRE_END + 2);
		read_all(report, length, &n, &is_complete);
	}
}
