/*
 * plugin: an object that frees, resizes and hands out memory which the program
 * also frees and resizes.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *plugin_copy(const char *text);
char *plugin_print(int number);
char *plugin_append(char *text, const char *more);
void plugin_free(void *block);
void *plugin_malloc(void);

/* The C library allocates. */
char *plugin_copy(const char *text)
{
	return strdup(text);
}

char *plugin_print(int number)
{
	char *text = NULL;
	return asprintf(&text, "number %d", number) < 0 ? NULL : text;
}

/* What somebody else has allocated is resized. */
char *plugin_append(char *text, const char *more)
{
	size_t length = strlen(text);
	text = realloc(text, length + strlen(more) + 1);
	return text == NULL ? NULL : strcat(text, more);
}

void plugin_free(void *block)
{
	free(block);
}

/* Whose malloc this object calls. */
void *plugin_malloc(void)
{
	void *(*function)(size_t) = malloc;
	return (void *)function;
}
