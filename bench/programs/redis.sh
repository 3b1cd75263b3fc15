#!/bin/bash
# redis.sh: a store of strings, lists, hashes and sets that is filled, changed and
# thinned out, over one connection. Every value is a block of its own.
. "$(dirname "$0")/lib.sh"
parameters n=400000 -- "$@"
need redis-server redis-server
need redis-cli redis-tools

commands() {
	awk -v n="$n" 'function put(count, a, b, c, d) {
		printf "*%d\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", count,
			length(a), a, length(b), b
		if (count > 2)
			printf "$%d\r\n%s\r\n", length(c), c
		if (count > 3)
			printf "$%d\r\n%s\r\n", length(d), d
	}
	BEGIN {
		text = "0123456789abcdef"
		while (length(text) < 2048)
			text = text text
		s = 1
		for (i = 0; i < n; i++) {
			s = (s * 69069 + 1) % 4294967296
			r = int(s / 65536)
			k = r % 30000
			size = r % 16 ? 10 + r % 90 : 200 + r % 1800
			v = substr(text, 1, size)
			if (i % 10 < 4) put(3, "SET", "s" k, v)
			else if (i % 10 < 5) put(2, "DEL", "s" (k * 7 % 30000))
			else if (i % 10 < 6) put(3, "APPEND", "s" k, v)
			else if (i % 10 < 7) put(3, "LPUSH", "l" k % 500, v)
			else if (i % 10 < 8) put(2, "RPOP", "l" (k * 3) % 500)
			else if (i % 10 < 9) put(4, "HSET", "h" k % 800, "f" i % 50, v)
			else put(3, "SADD", "m" k % 300, "member" r)
		}
	}'
}
input "redis-$n.resp" commands
end_of_preparation
$MEASURE redis-server --port 0 --unixsocket "$PWD/s" --save '' --appendonly no \
	--daemonize no --dir "$PWD" --activerehashing no --hz 10 \
	--enable-debug-command yes >log 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; wait $server' EXIT
for _ in $(seq 200); do
	redis-cli -s s ping >/dev/null 2>&1 && break
	sleep 0.02
done
redis-cli -s s --pipe <"$input" >piped 2>&1 || fail "$(tail -n 2 piped)"
grep -q '^errors: 0,' piped || fail "$(tail -n 2 piped)"
redis-cli -s s debug digest >digest || fail "no digest"
redis-cli -s s shutdown nosave >/dev/null 2>&1
wait $server
status=$?
trap - EXIT
test $status = 0 || fail "the server ended with $status: $(tail -n 3 log)"
check <digest
