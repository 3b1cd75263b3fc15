/* double_free_cancelled: by a thread that is to be cancelled; it aborts. */
#include "mistake.h"

#include <pthread.h>

static void *free_twice(void *block)
{
	pthread_cancel(pthread_self());
	free(block);
	free(opaque(block));
	return NULL;
}

int main(void)
{
	pthread_t thread;
	char *block = malloc(40);
	expect_line("free(%p): double free of a 48-byte block", opaque(block));
	pthread_create(&thread, NULL, free_twice, block);
	pthread_join(thread, NULL);
	return 0;
}
