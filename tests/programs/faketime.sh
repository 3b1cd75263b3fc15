#!/bin/bash
# A library that tells programs another time, and allocates for it, stands
# before or behind tarn.
. "$(dirname "$0")/lib.sh"
need date

found=
for faketime in /usr/lib/*/faketime/libfaketime.so.1 \
	/usr/lib/*/faketime/libfaketimeMT.so.1; do
	test -f "$faketime" || continue
	found=1
	# A program that takes slow paths, where tarn looks at the clock.
	cat >"$input/work.c" <<'END'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void *work(void *unused)
{
	static __thread void *blocks[1000];
	for (unsigned i = 0; i < 200000; i++) {
		free(blocks[i % 1000]);
		blocks[i % 1000] = malloc(i % 77777);
	}
	return unused;
}

int main(void)
{
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, work, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	time_t now = time(NULL);
	struct timespec also;
	clock_gettime(CLOCK_REALTIME, &also);
	printf("%.4s %d\n", ctime(&now) + 20, also.tv_sec - now < 100);
}
END
	# shellcheck disable=SC2086
	$CC -O1 -fno-builtin -pthread -o "$input/work" "$input/work.c" ||
		fail "the compiler does not work"
	for order in "$TARN_SO $faketime" "$faketime $TARN_SO"; do
		got=$(FAKETIME='@1999-05-05 12:00:00' LD_PRELOAD=$order \
			timeout 120 "$input/work" 2>&1)
		test "$got" = "1999 1" || fail "LD_PRELOAD='$order': $got"
		got=$(FAKETIME='@1999-05-05 12:00:00' LD_PRELOAD=$order \
			timeout 120 date +%Y 2>&1)
		test "$got" = 1999 || fail "LD_PRELOAD='$order' date: $got"
	done
done
test -n "$found" || skip "faketime is not installed"
