/*
 * lsan_options: what LSAN_OPTIONS and the program's hooks say, as far as it
 * means something here.
 */
#ifndef TARN_API_LSAN_OPTIONS_H
#define TARN_API_LSAN_OPTIONS_H

#include "base/attr.h"

#define LSAN_PATH_BYTES 512
#define LSAN_SUPPRESSIONS_BYTES 65536
#define LSAN_SUPPRESSIONS_MAX 1024

struct lsan_options {
	bool detect_leaks;
	bool report_objects;
	bool print_suppressions;
	unsigned root_kinds; /* of src/trace */
	int exitcode;
	uint32_t max_leaks; /* 0: all */
	char suppressions_file[LSAN_PATH_BYTES];
	char log_path[LSAN_PATH_BYTES];
};

/* A pattern, and what it has kept out of reports. */
struct lsan_suppression {
	const char *pattern;
	uint64_t n_blocks;
	uint64_t n_bytes;
};

struct lsan_suppressions {
	struct lsan_suppression all[LSAN_SUPPRESSIONS_MAX];
	size_t n;
	char text[LSAN_SUPPRESSIONS_BYTES];
	size_t length;
};

/* Takes what the text says; of options that are not known nothing is said. */
void lsan_options_read(struct lsan_options *options, const char *text);

/* Adds the lines "leak:PATTERN" of a text, or of a file; false if that cannot be
 * read. */
void lsan_suppressions_add(struct lsan_suppressions *suppressions,
			   const char *text, size_t length);
bool lsan_suppressions_add_file(struct lsan_suppressions *suppressions,
				const char *path);

/* The first that matches TEXT, or NULL. */
struct lsan_suppression *
lsan_suppression_for(struct lsan_suppressions *suppressions, const char *text);

#endif
