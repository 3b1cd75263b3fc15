/*
 * forking_library: a library whose constructor registers fork handlers before
 * anybody has called malloc. They take its lock, under which others of its
 * functions allocate.
 */
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void library_lock(void);
void library_unlock(void);
void library_allocate(size_t size);

void library_lock(void)
{
	pthread_mutex_lock(&mutex);
}

void library_unlock(void)
{
	pthread_mutex_unlock(&mutex);
}

void library_allocate(size_t size)
{
	library_lock();
	free(malloc(size));
	library_unlock();
}

__attribute__((constructor)) static void construct(void)
{
	pthread_atfork(library_lock, library_unlock, library_unlock);
}
