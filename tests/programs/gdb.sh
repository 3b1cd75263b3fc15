#!/bin/bash
# gdb on tarn; a program on tarn under gdb; both.
. "$(dirname "$0")/lib.sh"
need gdb gcc

cat >"$input/work.c" <<'END'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
	int number;
	char *name;
	struct node *next;
};

static struct node *push(struct node *list, int number)
{
	struct node *node = malloc(sizeof(*node));
	char name[32];
	snprintf(name, sizeof(name), "node %d", number);
	*node = (struct node){number, strdup(name), list};
	return node;
}

static void *work(void *arg)
{
	struct node *list = NULL;
	for (int i = 0; i < 1000; i++)
		list = push(list, i * *(int *)arg);
	return list;
}

int main(void)
{
	pthread_t thread;
	int factor = 3;
	void *list;
	pthread_create(&thread, NULL, work, &factor);
	pthread_join(thread, &list);
	printf("%s\n", ((struct node *)list)->name);
	return 0;
}
END
gcc -O0 -g -pthread -o "$input/work" "$input/work.c" || exit 1
cat >"$input/commands" <<'END'
set confirm off
set pagination off
set width 0
set print address off
set print thread-events off
set startup-with-shell off
set style enabled off
break push if number == 2700
run
backtrace
finish
print *$
print $.next->next->name
ptype struct node
info scope work
list main
info types node
delete
continue
END

# under_gdb ARGUMENT...: until the program ends. Threads have numbers that differ
# from run to run.
under_gdb() {
	gdb -nx -q -batch "$@" -x ../input/commands ../input/work |
		grep -a -v -e '^\[' -e '^Using host' -e '^Run till' \
			-e ' hit Breakpoint'
	return "${PIPESTATUS[0]}"
}

gdb_only() {
	under_gdb -ex 'unset environment LD_PRELOAD'
}
program_only() {
	unset LD_PRELOAD
	test "$mode" = plain || set -- -ex "set environment LD_PRELOAD $TARN_SO"
	under_gdb "$@"
}

run plain under_gdb
grep -q 'node 2700' "$work/plain.out" ||
	skip "gdb cannot run a program here: $(tail -n 1 "$work/plain.out")"
same_output under_gdb
served gdb work
same_output gdb_only
served gdb
same_output program_only
served work
