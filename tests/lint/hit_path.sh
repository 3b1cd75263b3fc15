#!/bin/bash
# hit_path.sh: malloc is at most 16 instructions on its hit path and free 27, for
# small sizes, without a call or an atomic. hit_path.c steps through them as
# they run; here their text is looked up in the disassembly. Larger sizes are
# reported only.
. "$(dirname "$0")/lint.bash"

test -n "$TARN_SO" || skip "no shared library in this build"
test "$(uname -m)" = x86_64 || skip "the bound is for x86-64"
command -v objdump >/dev/null || skip "no objdump"
# shellcheck disable=SC2086
macros=$($CC $CFLAGS $TARN_CPPFLAGS $TARN_CFLAGS -dM -E -x c /dev/null)
defined() {
	grep -q "^#define $1 " <<<"$macros"
}
defined __clang__ && skip "the bound is for gcc"
case " $CFLAGS " in
*' -O2 '*) ;;
*) skip "the bound is for -O2" ;;
esac
case " $TARN_CPPFLAGS " in
*' -DTARN_DEBUG=1 '*) skip "the bound is for builds without --enable-debug" ;;
esac

objdump -d --no-show-raw-insn "$TARN_SO" >"$work/text"

# text_of: the offsets on standard input, as disassembled.
text_of() {
	awk -F '[: \t]+' 'NR == FNR { text[$2] = $0; next }
		{ print ($1 in text) ? text[$1] : "nothing at " $1 }' \
		"$work/text" -
}

for size in 64 1024 8192; do
	LD_PRELOAD=$TARN_SO "$top_builddir/tests/lint/hit_path" $size \
		>"$work/steps"
	case $? in
	0) ;;
	77) skip "$(tail -n 1 "$work/steps")" ;;
	*)
		fail "$(cat "$work/steps")"
		continue
		;;
	esac
	for function in malloc free; do
		sed -n "s/^$function //p" "$work/steps" | text_of \
			>"$work/$function"
		n=$(wc -l <"$work/$function")
		echo "$function, $size bytes: $n instructions"
		test "$function" = malloc && bound=16 || bound=27
		test $size = 64 || continue
		((n <= bound)) ||
			fail "more than $bound:" "$(cat "$work/$function")"
		if grep -E $'\t(call|lock|syscall|xchg.*\\()|nothing at' \
			"$work/$function"; then
			fail "a call or an atomic in $function, see above"
		fi
	done
done

exit $status
