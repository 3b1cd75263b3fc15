#!/bin/bash
# Programs that cannot be preloaded, static ones and set-uid ones, run as ever.
. "$(dirname "$0")/lib.sh"
need "${CC%% *}"

cat >"$input/work.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

int main(void)
{
	char line[4096];
	int on_tarn = 0;
	FILE *maps = fopen("/proc/self/maps", "r");
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL)
		on_tarn |= strstr(line, TARN_FILE) != NULL;
	printf("%s, %s\n", getauxval(AT_SECURE) != 0 ? "secure" : "ordinary",
	       on_tarn ? "on tarn" : "not on tarn");
	free(realloc(malloc(1000), 100000));
	return 0;
}
END
build() {
	# shellcheck disable=SC2086
	$CC -O1 -DTARN_FILE="\"$tarn_file\"" "$@" "$input/work.c"
}

build -o "$input/dynamic" || fail "the compiler does not work"
run tarn "$input/dynamic"
grep -q 'ordinary, on tarn' "$work/tarn.out" || fail "an ordinary program is not"

if build -static -o "$input/static" 2>/dev/null; then
	same_output "$input/static"
	grep -q 'ordinary, not on tarn' "$work/tarn.out" || fail "static, and served"
else
	echo "no static libc, so no static program"
fi

# A set-uid program of our own, if we may give files away and the directory allows
# it; else one of the system's.
build -o "$input/setuid" && chmod 755 "$work" "$input" &&
	chown 65534 "$input/setuid" 2>/dev/null && chmod 4755 "$input/setuid"
if "$input/setuid" | grep -q '^secure'; then
	same_output "$input/setuid"
	grep -q 'secure, not on tarn' "$work/tarn.out" || fail "set-uid, and served"
fi
for program in su passwd mount; do
	program=$(command -v $program) || continue
	test -u "$program" && same_output "$program" --help
done
