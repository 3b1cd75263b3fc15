/*
 * refusals: what a malloc that fails asks of the kernel: three times for memory
 * at most, however often it happens, and it gives nothing back that cannot
 * help.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "oscalls.h"
#include "tarn.h"

#define N_TIMES 200
#define CALLS_MAX 3

int main(int argc, char **argv)
{
	size_t sizes[] = {(size_t)100 << 10, (size_t)1 << 20, (size_t)64 << 20,
			  (size_t)1 << 40, (size_t)1 << 46};
	(void)argc;
	if (getenv(OSCALLS_PLAN) == NULL) {
		/* All but the first calls fail, those that the start takes. */
		setenv(OSCALLS_PLAN, "1:30:1000000000", 1);
		execv(argv[0], argv);
		return 1;
	}
	/* Until nothing is left that is mapped and free. */
	while (tarn_malloc((size_t)100 << 10) != NULL)
		;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned long before = oscalls_made();
		for (int k = 0; k < N_TIMES; k++) {
			if (tarn_malloc(sizes[i]) != NULL || errno != ENOMEM) {
				puts("refusals: there was memory");
				return 1;
			}
		}
		unsigned long made = oscalls_made() - before;
		printf("%zu bytes: %lu calls in %d mallocs\n", sizes[i], made,
		       N_TIMES);
		if (made > N_TIMES * CALLS_MAX)
			return 1;
	}
	return 0;
}
