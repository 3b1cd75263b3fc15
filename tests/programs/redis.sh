#!/bin/bash
# redis-server: redis-benchmark, then data that can be told by its digest, saved in
# the background, reloaded by a new server, changed, and read from its log.
. "$(dirname "$0")/lib.sh"
need redis-server redis-benchmark redis-cli awk

cli() {
	redis-cli -s "$work/run/socket" "$@"
}

start_redis() {
	rm -f socket
	start redis-server --port 0 --unixsocket "$work/run/socket" \
		--dir "$work/run" --save '' --daemonize no --io-threads 2 \
		--enable-debug-command yes --hash-max-listpack-entries 16 "$@"
	until_true cli ping
	is_served "$server"
}

commands() {
	awk 'BEGIN {
		for (i = 0; i < 4000; i++) {
			k = i * 7919 % 10007
			text = sprintf("%" i % 500 "d", i)
			print "SET string:" k " x" i "y" length(text)
			print "APPEND string:" i % 300 " part" i
			print "HSET hash:" i % 40 " field" k " value" i
			print "RPUSH list:" i % 30 " element" i
			print "SADD set:" i % 20 " member" k
			print "ZADD zset:" i % 10 " " k " member" i
			if (i % 3 == 0) print "DEL string:" (i * 31) % 10007
			if (i % 5 == 0) print "LPOP list:" i % 30
			if (i % 7 == 0) print "SETRANGE big " i * 50 " z"
		}
	}'
}

saved() {
	test -s dump.rdb && cli info persistence |
		grep -q rdb_bgsave_in_progress:0
}

rewritten() {
	cli info persistence | grep -q 'aof_rewrite_in_progress:0' &&
		cli info persistence | grep -q 'aof_rewrite_scheduled:0'
}

work_it() {
	start_redis
	redis-benchmark -s socket -n 5000 -c 20 -P 8 -d 700 -r 5000 -q \
		-t set,get,incr,lpush,lpop,sadd,hset,zadd,lrange_100,mset \
		>benchmark.log || return
	grep -a -c 'requests per second' benchmark.log || return
	cli flushall
	cli <../input/commands | sha256sum
	cli eval 'local n = 0
		for i = 1, 20000 do n = n + #(tostring(i) .. string.rep("x", i % 90)) end
		return n' 0
	cli memory usage list:1 samples 0 | wc -l
	cli memory purge
	cli bgsave >bgsave.log
	until_true saved
	cli debug digest
	cli shutdown nosave
	wait "$server" || return

	start_redis
	cli dbsize
	cli debug digest
	cli bgrewriteaof >rewrite.log
	until_true rewritten
	cli config set appendonly yes
	until_true rewritten
	cli sort list:3 alpha limit 0 10
	cli flushall async
	cli set last word
	cli debug reload
	stop || return

	start_redis --appendonly yes
	cli dbsize
	cli get last
	stop
}

commands >"$input/commands"
same_output work_it
served redis-server redis-cli redis-benchmark
