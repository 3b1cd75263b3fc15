#!/bin/bash
# soak.sh: one process under load, asked again and again: its memory, descriptors,
# threads and mappings do not grow.
#
# In make check it is asked 50 times; LIVE_LOOKS=3000 is for a run by hand, which
# then prints a line for each 100.

bound_seconds=7200
. "$(dirname "$0")/live.bash"
need_python
has redis-server || skip "redis-server is not installed"
looks=${LIVE_LOOKS:-50}

start redis redis-server --port 0 --unixsocket "$work/redis" --dir "$work" \
	--save '' --appendonly no --daemonize no
redis=$pid
soon "$python" "$here/load.py" redis "$work/redis" 1 0 ||
	fail "redis does not answer" redis.err
launch load "$python" "$here/load.py" redis "$work/redis" 8 7000
load=$pid
# Its keys are all there, and a first look has been.
sleep 2
"$ask" -k 10 $redis >first 2>&1 || fail "refused" first
sleep 0.5

# measure: RSS in KiB, descriptors, threads, mappings.
measure() {
	echo "$(awk '/^VmRSS/ { print $2 }' /proc/$redis/status)" \
		"$(ls /proc/$redis/fd | wc -l)" \
		"$(ls /proc/$redis/task | wc -l)" \
		"$(wc -l </proc/$redis/maps)"
}

before=$(measure)
echo "before: rss, descriptors, threads, mappings: $before"
for ((n = 0; n < looks; n += 100)); do
	"$ask" -k $((looks - n < 100 ? looks - n : 100)) -w 5 $redis \
		>looks 2>&1 || fail "refused" looks
	doubtful - looks >wrong && fail "a look was not sure" wrong
	grep -v ' lost 0 ' looks >wrong && fail "lost" wrong
	test "$looks" -le 100 || echo "$((n + 100)): $(measure)"
done
soon has_no_copy $redis || fail "a copy stays"
sleep 1.5
after=$(measure)
echo "after $looks looks: $after"
echo "$before $after" | awk '{
	exit !($5 - $1 < 4096 && $6 == $2 && $7 == $3 && $8 - $4 < 20)
}' || fail "it grows"
kill -0 $load || fail "a client saw an error" load.out
finish $load
finish $redis
exit $status
