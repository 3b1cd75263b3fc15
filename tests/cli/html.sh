#!/bin/bash
# html.sh: the page: that it is well-formed and needs nothing else, that nothing
# a program has named breaks out of its place, that it tells what the other
# formats tell, and that it stays small.
. "$(dirname "$0")/cli.bash"

has python3 || skip "python3 is not installed"

# page ARGUMENT...: `tarn report` of them into page, which is judged.
page() {
	rm -f page
	tarn report --html page "$@"
	ends 0
	is "tarn report --html page $* says something" "$(cat out err)" ""
	judge page
}

# judge FILE ARGUMENT...: by page.py, which says what is wrong.
judge() {
	is_true "the page $1, after $last" \
		python3 "$here/page.py" "$@"
}

# shows TEXT...: each is text of the page, as a reader sees it.
shows() {
	is_true "what the page shows, after $last" \
		python3 "$here/page.py" page --has "$@"
}

# keep DIRECTORY PROGRAM ARGUMENT...: its reports.
keep() {
	mkdir "$1"
	TARN_REPORTS=$PWD/$1 TARN_CONF=leaks:true,sites:all \
		LD_PRELOAD=$TARN_SO "${@:2}" >/dev/null 2>&1
}

# --- what it shows -----------------------------------------------------------

keep kept "$play" lose lose ring hide exit
reports=(kept/*.report)
report=${reports[0]}
page "$report"
"$TARN" report --json --show=all "$report" >json
is_true "the page tells something else than the JSON" \
	python3 "$here/page.py" page --as json
shows 'play' '4 blocks lost' '2 findings' 'closes the cycle' 'lose_block' \
	'the last pointer to it was overwritten' 'Block #0 is allocated by' \
	'held only by pointers to their inside'
is_true "no light and dark" grep -q 'prefers-color-scheme: dark' page
is_true "nothing for paper" grep -q '@media print' page
is_true "nothing for small windows" grep -q '@media (max-width' page

# Its sentences are those of the text.
"$TARN" report --show=all --max=0 "$report" >text
sed -n 's/^     hint: //p' text >hints
is_true "there are no hints" test -s hints
mapfile -t hints <hints
shows "${hints[@]}"

keep clean "$play" exit
page clean/*.report
shows 'nothing lost'
page clean/*.report "$report"
shows 'Leaks of 2 processes'

# --- options -------------------------------------------------------------------

# One number in it is another each time.
plain() {
	sed -E 's/nonce[-=]"?[0-9a-f]{32}/nonce/g' "$1"
}
page "$report"
plain page >first
tarn report --format=html "$report"
ends 0
is_true "--format=html" eval 'plain out | cmp -s - first'
tarn report --format=html -o page "$report"
is_true "-o" eval 'plain page | cmp -s - first'
tarn report --html - "$report"
is_true "--html -" eval 'plain out | cmp -s - first'
tarn report --html page --max=1 "$report"
is_true "--max=1" eval 'plain page | cmp -s - first'
is_true "the number is always the same" eval "! cmp -s page out"
tarn run --leaks --html page "$play" lose exit
ends 3
is "stderr with --html" "$(cat err)" ""
judge page
tarn run --html page "$play"
ends 125
says 'run: without --leaks there is nothing to report'
tarn report --html
ends 125
says "option '--html' needs a value"
tarn report --html /dev/full "$report"
ends 125
says '^tarn: cannot write /dev/full: No space'
tarn report --html /nowhere/page "$report"
ends 125
printf 'leak:lose_block\n' >supp
page --suppressions supp "$report"
shows 'suppressed' 'left out on demand'
is_true "what is suppressed is shown" eval "! grep -q '>lose_block<' page"

# --- graphs --------------------------------------------------------------------

cat >shapes.c <<'END'
#include <stdlib.h>
#include <string.h>

struct node {
	struct node *volatile to[4];
};

static __attribute__((noinline)) struct node *take(void)
{
	return calloc(1, sizeof(struct node));
}

/* N blocks, each with pointers to the next, the one before, the one after the
 * next, and to itself, as BITS tells. */
static __attribute__((noinline)) void lose(int n, int bits)
{
	struct node *all[100];
	for (int i = 0; i < n; i++)
		all[i] = take();
	for (int i = 0; i < n; i++) {
		if (bits & 1)
			all[i]->to[0] = all[(i + 1) % n];
		if (bits & 2)
			all[i]->to[1] = all[(i + n - 1) % n];
		if (bits & 4)
			all[i]->to[2] = all[(i + 2) % n];
		if (bits & 8)
			all[i]->to[3] = all[i];
	}
	memset(all, 0, sizeof(all));
	__asm__ volatile("" : : "r"(all) : "memory");
}

int main(void)
{
	lose(1, 8);
	for (int n = 2; n < 18; n++)
		lose(n, 1 + n % 8);
	lose(5, 15);
	lose(100, 1);
	lose(100, 3);
	return 0;
}
END
build shapes.c shapes || cat build.err
keep shaped ./shapes
page shaped/*.report
"$TARN" report --json --show=all shaped/*.report >json
is_true "the graphs tell something else than the JSON" \
	python3 "$here/page.py" page --as json
shows '88 more' 'cycle would be open'

# --- hostile names -----------------------------------------------------------

# Its own name, a source file, a function, a type, contents.
name=$'<img src=x onerror=alert(1)>&"\'\xff\x01\n\xe2\x80\xae-->'
cat >hostile.c <<'END'
#include <stdlib.h>
#include <string.h>

/* As CPython's: the second word is the type, whose fourth is its name. */
struct type {
	long count;
	struct type *type;
	long more;
	const char *name;
};
static struct type type_of_types = {1, &type_of_types, 0, "type"};
static struct type hostile = {
	1, &type_of_types, 0,
	"</title><i onclick='x'>&lt;\"\xff\xc0\x80\xed\xa0\x80\xef\xbf\xbf\x1b"};

struct object {
	long count;
	struct type *type;
	struct object *volatile other;
	char room[40];
};

static __attribute__((noinline)) struct object *take(void)
{
	struct object *object = calloc(1, sizeof(*object));
	object->type = &hostile;
	return object;
}

__attribute__((noinline)) void lose_a_block(void)
{
	char *volatile block = malloc(100);
	memset(block, 0, 100);
	strcpy(block, "</pre><script>\x01\xff&amp;");
	block = NULL;
}

#line 7 "</code><script src='x'>alert(3)&quot;\"]]>.c"
__attribute__((noinline)) void lose_two(void)
{
	struct object *one = take(), *other = take();
	one->other = other;
	other->other = one;
}

/* What calls have left on the stack may hold the blocks. */
__attribute__((noinline)) void forget(void)
{
	volatile char room[9000];
	memset((char *)room, 0, sizeof(room));
}

int main(void)
{
	lose_a_block();
	lose_two();
	forget();
	return 0;
}
END
build hostile.c hostile || cat build.err
if has objcopy; then
	# Without debug information names are those of the symbols.
	build hostile.c bare -g0 || cat build.err
	objcopy --redefine-sym 'lose_a_block=<script>alert(2)</script>&"' \
		bare
	keep bare_kept ./bare
	page bare_kept/*.report
	shows '<script>alert(2)</script>&"'
fi
mv hostile "$name"
keep hostile_kept "./$name"
page hostile_kept/*.report
shows '<img src=x onerror=alert(1)>&"' "</title><i onclick='x'>&lt;\"??" \
	"script src='x'>alert(3)&quot;\"]]>.c:" '</pre><script>..'
is_true "controls are in the page" \
	eval "! tr -d '\\n' <page | grep -q '[[:cntrl:]]'"
# A NUL within a name ends it.
is_true "no report to patch" python3 - hostile_kept/*.report <<'END'
import sys

report = open(sys.argv[1], "rb").read()
patched = report.replace(b"<i onclick", b"<i\0onclick").replace(
    b"<img src=x", b"<img\0\0\0\0\0\0")
assert patched != report
open("patched", "wb").write(patched)
END
page patched
shows '<img' '</title><i'

# --- a thousand findings -------------------------------------------------------

cat >thousand.c <<'END'
#include <stdlib.h>
#include <string.h>

struct link {
	struct link *volatile next;
	char room[40];
};

#define LOSE(n)                                                              \
	static __attribute__((noinline)) void                                \
		a_function_with_a_name_that_is_rather_long_##n(void)         \
	{                                                                    \
		struct link *one = calloc(1, 64 + n % 97 * 16);              \
		if (n % 3 == 0) {                                            \
			one->next = calloc(1, 48);                           \
			one->next->next = one;                               \
		}                                                            \
		one = NULL;                                                  \
		__asm__ volatile("" : : : "memory");                         \
	}
#define CALL(n) a_function_with_a_name_that_is_rather_long_##n();
#define TEN(f, n)                                                            \
	f(n##0) f(n##1) f(n##2) f(n##3) f(n##4) f(n##5) f(n##6) f(n##7)      \
		f(n##8) f(n##9)
#define LOSE_TEN(n)                                                          \
	LOSE(n##0) LOSE(n##1) LOSE(n##2) LOSE(n##3) LOSE(n##4) LOSE(n##5)    \
		LOSE(n##6) LOSE(n##7) LOSE(n##8) LOSE(n##9)
#define CALL_TEN(n)                                                          \
	CALL(n##0) CALL(n##1) CALL(n##2) CALL(n##3) CALL(n##4) CALL(n##5)    \
		CALL(n##6) CALL(n##7) CALL(n##8) CALL(n##9)
#define HUNDRED(f, n)                                                        \
	f(n##0) f(n##1) f(n##2) f(n##3) f(n##4) f(n##5) f(n##6) f(n##7)      \
		f(n##8) f(n##9)

#define LOSE_HUNDRED(n) HUNDRED(LOSE_TEN, n)
#define CALL_HUNDRED(n) HUNDRED(CALL_TEN, n)

TEN(LOSE_HUNDRED, 1)

__attribute__((noinline)) void forget(void)
{
	volatile char room[9000];
	memset((char *)room, 0, sizeof(room));
}

int main(void)
{
	TEN(CALL_HUNDRED, 1)
	forget();
	return 0;
}
END
build thousand.c thousand || cat build.err
keep many ./thousand
page many/*.report
is_true "a page of $(wc -c <page) bytes" test "$(wc -c <page)" -lt 1000000
is "findings in the page" "$(grep -c 'class="finding[ "]' page)" 1000
is_true "few details" test "$(grep -c '<details' page)" -gt 200
is_true "it is not said what is missing" \
	grep -q 'The page stays below 1 MB: the largest [0-9]* have' page
shows 'a_function_with_a_name_that_is_rather_long_1999'

# More than there is room for: those after that are counted.
cp many/*.report one
page one one one one one
is_true "it is not said what is left out" grep -q 'are left out' page
many=()
for ((i = 0; i < 300; i++)); do
	many+=("$report")
done
page "${many[@]}" # the judge knows how large
is_true "processes are not counted" grep -q 'more processes' page

# --- a report that is not whole -----------------------------------------------

bytes=$(wc -c <"$report")
for ((at = 100; at < bytes; at += 1 + bytes / 12)); do
	head -c $at "$report" >part
	tarn report --html page part
	ends 125
	judge page
done
head -c $((bytes - 8)) "$report" >part
tarn report --html page part
shows 'uncertain' 'the report is not complete'

finish
