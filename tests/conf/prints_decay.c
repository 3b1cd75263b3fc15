/*
 * prints_decay: has options of its own, and prints "AT_SECURE DECAY", the
 * option as tarn has it. With -DLINKED it is linked with tarn, else tarn is
 * preloaded.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>

#include "tarn.h"

const char *tarn_conf = "decay:7s";

typedef int option_get(const char *name, char *buffer, size_t size);

static option_get *find_option_get(void)
{
#ifdef LINKED
	return tarn_option_get;
#else
	option_get *found;
	*(void **)&found = dlsym(RTLD_DEFAULT, "tarn_option_get");
	return found;
#endif
}

int main(void)
{
	char decay[24];
	option_get *get = find_option_get();
	if (get == NULL || get("decay", decay, sizeof(decay)) != 0)
		return 1;
	printf("%lu %s\n", getauxval(AT_SECURE), decay);
	return 0;
}
