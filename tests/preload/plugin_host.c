/*
 * plugin_host CALLER-LIBRARY PLUGIN KEEPS: opens PLUGIN in every way that there
 * is and exchanges memory with it. KEEPS is 1 if RTLD_DEEPBIND is to be kept,
 * so that the plugin calls the C library's malloc, and 0 if it is to be
 * cleared.
 */
#include "expect.h"

#include <malloc.h>

typedef char *copy_function(const char *text);
typedef char *print_function(int number);
typedef char *append_function(char *text, const char *more);
typedef void free_function(void *block);
typedef void *address_function(void);
typedef void *open_function(const char *name, int flags);

static void *symbol(void *object, const char *name)
{
	void *found = dlsym(object, name);
	if (found == NULL) {
		dprintf(STDOUT_FILENO, "%s: %s\n", name, dlerror());
		exit(1);
	}
	return found;
}

static void exchange_memory(void *plugin)
{
	copy_function *copy = (copy_function *)symbol(plugin, "plugin_copy");
	print_function *print =
		(print_function *)symbol(plugin, "plugin_print");
	append_function *append =
		(append_function *)symbol(plugin, "plugin_append");
	free_function *release = (free_function *)symbol(plugin, "plugin_free");
	for (int i = 0; i < 1000; i++) {
		char *ours = strdup("the program's"), *theirs = copy("theirs");
		ours = append(ours, " and a little more than that");
		EXPECT(strcmp(ours, "the program's and a little more than "
				    "that") == 0);
		theirs = realloc(theirs, 5000);
		EXPECT(strcmp(theirs, "theirs") == 0);
		EXPECT(malloc_usable_size(theirs) >= 5000);
		release(ours);
		free(theirs);
		free(print(i));
		release(calloc(1, (size_t)i * 500));
	}
	release(NULL);
}

static void calls_our_malloc(void *plugin, int expected)
{
	address_function *theirs =
		(address_function *)symbol(plugin, "plugin_malloc");
	void *(*ours)(size_t) = malloc;
	EXPECT((theirs() == (void *)ours) == expected);
}

static void failures_are_reported(void)
{
	EXPECT(dlopen("no_such_object.so", RTLD_NOW | RTLD_DEEPBIND) == NULL);
	const char *error = dlerror();
	EXPECT(error != NULL && strstr(error, "no_such_object.so") != NULL);
	EXPECT(dlopen(NULL, RTLD_NOW) != NULL);
}

int main(int argc, char **argv)
{
	expect_tarn();
	if (!EXPECT(argc == 4))
		return expect_status();
	int is_kept = argv[3][0] == '1';
	failures_are_reported();
	void *caller = dlopen(argv[1], RTLD_NOW);
	open_function *open = (open_function *)symbol(caller, "caller_open");
	/* The program has no RUNPATH and finds nothing under the bare name. */
	const char *bare = strrchr(argv[2], '/') + 1;
	EXPECT(dlopen(bare, RTLD_NOW) == NULL);
	void *plugin = open(bare, RTLD_NOW | RTLD_DEEPBIND);
	if (!EXPECT(plugin != NULL))
		return expect_status();
	calls_our_malloc(plugin, !is_kept);
	EXPECT(dlopen(argv[2], RTLD_LAZY | RTLD_DEEPBIND) == plugin);
	EXPECT(dlopen(argv[2], RTLD_LAZY | RTLD_NOLOAD) == plugin);
	if (!is_kept)
		exchange_memory(plugin);
	EXPECT(dlclose(plugin) == 0);
	return expect_status();
}
