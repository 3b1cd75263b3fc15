#!/bin/bash
# refusals.sh: processes that cannot be asked, or only in part: the message says
# why and what to do, the status is 125, and the process goes on as it was. And
# what is done while they change, while several ask, and when who asks is killed.
#
# What must be a part of make check takes half a minute; LIVE_ROUNDS=50 repeats
# what happens by chance more often.

. "$(dirname "$0")/live.bash"
rounds=${LIVE_ROUNDS:-3}
n_skipped=0

# Another user may not read the directory that this was built in.
cp "$tests/refuse" "$ask" "$work" && cp "$(readlink -f "$TARN_SO")" libtarn.so
ask=$work/ask
TARN_SO=$work/libtarn.so
mkdir -m 777 "$work/ticks"

# It is the user who owns the process that is asked, if root runs this.
as_root=no
user=()
test "$(id -u)" != 0 || as_root=yes
if test $as_root = yes && has setpriv; then
	user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi

without() {
	echo "skipped: $*"
	n_skipped=$((n_skipped + 1))
}

ticks() {
	cut -d ' ' -f 1 "$work/ticks/$1"
}

ticks_more() {
	test "$(ticks "$1")" -gt "$2"
}

goes_on() {
	soon ticks_more "$1" "$(ticks "$1")"
}

# become NAME STATE [NUMBER] [-- COMMAND...]: starts refuse, by COMMAND; its id is
# in `pid`.
become() {
	local name=$1 arguments=()
	shift
	while test $# != 0 && test "$1" != --; do
		arguments+=("$1")
		shift
	done
	test $# = 0 || shift
	rm -f "$work/ticks/$name" "$name.before"
	launch "$name" "$@" env LD_PRELOAD="$TARN_SO" TARN_CONF="${conf-}" \
		"$work/refuse" "$work/ticks/$name" "${arguments[@]}"
	soon test -s "$work/ticks/$name" ||
		fail "$name: does not start" "$name.err"
}

# after NAME: the process, asked, goes on, as it was, and ends when it is told to.
after() {
	if ! is_gone "$pid"; then
		unchanged "$1" "$pid" "$1.before"
		goes_on "$1" || fail "$1: does not go on"
	else
		fail "$1: the process has ended" "$1.err"
	fi
	finish "$pid"
	n_done=$((n_done + 1))
}

# later NAME [COMMAND...]: `pid` is asked, by COMMAND, while the script goes on, for
# refused_later.
declare -A later_pid later_ask
later() {
	local name=$1
	shift
	later_pid[$name]=$pid
	picture "$pid" >"$name.before"
	"${@:-$ask}" "$pid" >"$name.said" 2>&1 &
	later_ask[$name]=$!
}

# refused NAME PATTERN [COMMAND...]: `pid` is asked, by COMMAND.
refused() {
	local name=$1 pattern=$2
	shift 2
	later "$name" "$@"
	refused_later "$name" "$pattern"
}

refused_later() {
	local name=$1 pattern=$2 result
	pid=${later_pid[$name]}
	wait "${later_ask[$name]}"
	result=$?
	test $result = 125 || fail "$name: status $result, not 125" "$name.said"
	grep -Eq "^tarn: .*($pattern)" "$name.said" ||
		fail "$name: another message" "$name.said"
	test "$(grep -c '^tarn: ' "$name.said")" = 1 ||
		fail "$name: not one line" "$name.said"
	echo "$name: $(grep '^tarn: ' "$name.said")"
	after "$name"
}

# Where it took 50 ms to stop the threads, other programs kept the processors busy.
slow=' stopped_us ([5-9]|[1-9][0-9]+)[0-9]{4} '

# answered NAME PATTERN [COMMAND...]: each of its looks is like PATTERN, or slow in
# each of five sessions.
answered() {
	local name=$1 pattern=$2 result tries
	shift 2
	test -e "$name.before" || picture "$pid" >"$name.before"
	for tries in 1 2 3 4 5; do
		"${@:-$ask}" "$pid" >"$name.said" 2>&1
		result=$?
		grep -Evq "$pattern" "$name.said" || break
		grep -Eq "$slow" "$name.said" || break
	done
	test $result = 0 || fail "$name: status $result" "$name.said"
	grep -Evq "$pattern" "$name.said" &&
		fail "$name: another answer" "$name.said"
	echo "$name: $(tail -n 1 "$name.said" | cut -d ' ' -f 3-)"
	after "$name"
}

sure=' flags - .* lost 1 '
unsure=' flags threads_ran.registers_unseen .* lost 0 possible [1-9]'

# --- who may be asked ------------------------------------------------------

pid=4194305
"$ask" $pid >said 2>&1
test $? = 125 && grep -q "^tarn: there is no process $pid" said ||
	fail "no such process" said

launch sleep sleep 1000
soon grep -q sleep /proc/$pid/comm
"$ask" $pid >said 2>&1
test $? = 125 && grep -q '^tarn: .*does not run on tarn' said ||
	fail "not on tarn" said

if test $as_root = yes && test -r /proc/2/status; then
	"$ask" 2 >said 2>&1
	test $? = 125 && grep -q '^tarn: process 2 does not run on tarn' said ||
		fail "a kernel thread" said
fi

conf=control:false become no_control plain
refused no_control 'control:false'
become handled handled
later handled # it takes some seconds until that is clear
become ignored ignored
refused ignored 'ignores SIGURG'
become reset reset
refused reset 'has reset SIGURG'

if test ${#user[@]} != 0; then
	become root_asks_user plain -- "${user[@]}"
	answered root_asks_user "$sure"
	become user_asks_user plain -- "${user[@]}"
	answered user_asks_user "$sure" "${user[@]}" "$ask"
	become user_asks_root plain
	refused user_asks_root 'belongs to another user' "${user[@]}" "$ask"
	become undumpable undumpable -- "${user[@]}"
	refused undumpable 'undumpable' "${user[@]}" "$ask"
	become undumpable_root undumpable -- "${user[@]}"
	answered undumpable_root "$sure"
else
	without "other users: not root, or no setpriv"
fi

# --- its state -----------------------------------------------------------

become stopped plain
picture $pid >stopped.before
kill -STOP $pid
soon grep -q '^State:.T' /proc/$pid/status
"$ask" $pid >said 2>&1
test $? = 125 && grep -q "^tarn: .*is stopped.*kill -CONT $pid" said ||
	fail stopped said
kill -CONT $pid
after stopped

# A zombie: its parent, a shell, does not wait.
bash -c 'sleep 0.3 & echo $! >zombie; exec sleep 1000' &
started+=($!)
soon test -s zombie
soon grep -q '^State:.Z' "/proc/$(cat zombie)/status"
"$ask" "$(cat zombie)" >said 2>&1
test $? = 125 && grep -q '^tarn: .*has ended' said || fail zombie said

# Root may make a thread take the signal; who else may depends on the system.
become blocked blocked 2
if test $as_root = yes; then
	answered blocked "$sure"
else
	finish $pid
fi

become vforking vforking 400
answered vforking "$unsure"
become descriptors descriptors 20000
answered descriptors "$sure"
become threads threads 1000
answered threads "$sure"
become sparse sparse 8
answered sparse "$sure"
become busy busy 8
answered busy "$sure"

# --- what is forbidden ---------------------------------------------------

# filtered CALL WHAT...: what happens when CALL fails with EPERM.
filtered() {
	become "without_$1" filtered "$1"
	shift
	"$@"
}
filtered ptrace refused without_ptrace 'has a filter of system calls'
filtered ptrace answered without_ptrace "$unsure" "$ask" -c
filtered clone refused without_clone 'cannot be copied: Op' "$ask" -c
filtered memfd_create later without_memfd_create "$ask" -c
filtered process_vm_readv answered without_process_vm_readv ' flags - ' "$ask" -c

if has strace; then
	become strace threads 3
	asked=$pid
	launch tracer strace -f -p $asked -o /dev/null
	tracer=$pid
	pid=$asked
	soon grep -q '^TracerPid:.[1-9]' "/proc/$pid/status"
	answered strace "$unsure"
	finish $tracer
else
	without "strace is not installed"
fi

if has gdb; then
	become gdb threads 3
	picture $pid >gdb.before
	cat >gdb.commands <<-END
		handle SIGURG nostop noprint pass
		shell "$ask" $pid >gdb.stopped 2>&1
		shell (sleep 1; "$ask" $pid; kill -INT $pid) >gdb.asked 2>&1 &
		continue
		detach
	END
	timeout 60 gdb -nx -batch -p $pid -x gdb.commands >gdb.log 2>&1
	grep -q '^tarn: .*is stopped by its debugger' gdb.stopped ||
		fail "stopped in gdb" gdb.stopped
	grep -qE "$unsure" gdb.asked || fail gdb gdb.asked
	after gdb
else
	without "gdb is not installed"
fi

# --- what is scarce ------------------------------------------------------

if test ${#user[@]} != 0; then
	become without_processes without_processes -- "${user[@]}"
	refused without_processes 'cannot be copied: .*RLIMIT_NPROC'
fi
become narrow narrow 1
refused narrow 'not enough memory|cannot be copied'
become less_narrow narrow 64
answered less_narrow "$sure"

# A cgroup of its own, of the second or of the first kind.
group=
if test $as_root = yes; then
	for parent in /sys/fs/cgroup /sys/fs/cgroup/unified \
		/sys/fs/cgroup/memory; do
		mkdir "$parent/tarn.$$" 2>/dev/null || continue
		for limit in memory.max memory.limit_in_bytes; do
			test -w "$parent/tarn.$$/$limit" && break
		done
		if test -w "$parent/tarn.$$/$limit"; then
			group=$parent/tarn.$$
			break
		fi
		rmdir "$parent/tarn.$$"
	done
fi
if test -n "$group"; then
	trap 'end_all; sleep 0.3; rmdir "$group"' EXIT
	echo $((48 << 20)) >"$group/$limit"
	become despite_memory narrow 100000 -- \
		bash -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$group"
	answered despite_memory ' flags ' "$ask" -m
	become crowded narrow 100000 -- \
		bash -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$group"
	refused crowded 'cgroup is near its limit.*--despite-memory'
else
	without "no cgroup can be made"
fi

# --- other worlds -------------------------------------------------------

if test $as_root = yes && unshare --pid --fork --mount-proc true 2>/dev/null
then
	become namespace plain -- unshare --pid --fork --mount-proc --kill-child
	outer=$pid
	soon eval 'test -n "$(children $outer)"'
	pid=$(children $outer | tr -d ' ')
	soon grep -q refuse "/proc/$pid/comm"
	picture "$pid" >inside.before
	nsenter --pid --mount --target "$pid" "$ask" 1 >inside.said 2>&1
	grep -qE "$sure" inside.said || fail "inside a namespace" inside.said
	unchanged inside "$pid" inside.before
	answered namespace "$sure"
	kill -KILL $outer && wait $outer 2>/dev/null
else
	without "no namespaces of processes can be made"
fi

if test $as_root = yes && has chroot; then
	mkdir -p root/proc
	for file in $(ldd "$work/refuse" "$TARN_SO" "$(command -v env)" |
		grep -o '/[^ :]*' | sort -u); do
		test -f "$file" || continue
		mkdir -p "root$(dirname "$file")"
		cp -L "$file" "root$file"
	done
	mkdir -p "root$work"
	cp "$(command -v env)" root/env
	mkdir -p root/usr/bin "root$work/ticks"
	cp root/env root/usr/bin/env
	cp refuse libtarn.so "root$work"
	ln -s "$work/root$work/ticks/chroot" ticks/chroot
	launch chroot chroot root env LD_PRELOAD="$TARN_SO" \
		"$work/refuse" "$work/ticks/chroot" plain
	soon test -s ticks/chroot
	later chroot
else
	without "chroot needs root"
fi

refused_later handled 'handles SIGURG itself'
refused_later without_memfd_create 'filter'
test -z "${later_pid[chroot]-}" || refused_later chroot '/proc'

# --- meanwhile ------------------------------------------------------------

# many NAME STATE NUMBER: asked again and again, whatever that answers.
many() {
	local name=$1
	become "$@"
	for ((i = 0; i < rounds; i++)); do
		timeout 30 "$ask" -k 3 -w 1 $pid >>"$name.said" 2>&1
		result=$?
		test $result = 0 -o $result = 125 ||
			fail "$name: status $result" "$name.said"
		sleep 0.0$((RANDOM % 10))
	done
	grep -q ' flags - ' "$name.said" || fail "$name: no answer" "$name.said"
	goes_on "$name" || fail "$name: does not go on"
}
many executing executing 4
finish $pid
echo "executing: $(grep -c ' look ' executing.said) looks"
many forking forking 10
soon has_no_copy $pid || fail "forking: a copy stays"
finish $pid
echo "forking: $(grep -c ' look ' forking.said) looks"

# Its id is another one every 40 ms.
become moving_on moving_on 4
for ((i = 0; i < rounds; i++)); do
	timeout 30 "$ask" -k 3 -w 1 "$(cut -d ' ' -f 2 ticks/moving_on)" \
		>>moving_on.said 2>&1
	result=$?
	test $result = 0 -o $result = 125 ||
		fail "moving_on: status $result" moving_on.said
done
goes_on moving_on || fail "moving_on: does not go on" moving_on.said
rm ticks/moving_on
echo "moving_on: $(grep -c ' look ' moving_on.said) looks"

# Ten at once: each gets its answer.
become ten threads 20
picture $pid >ten.before
asking=()
for i in {1..10}; do
	"$ask" $pid >"ten.$i" 2>&1 &
	asking+=($!)
done
for i in {1..10}; do
	wait "${asking[i - 1]}" || fail "ten at once: status $?" "ten.$i"
	grep -qE "$sure|$slow" "ten.$i" ||
		fail "ten at once: no answer" "ten.$i"
done
after ten
echo "ten at once: answered"

# Who asks is killed: the copy ends, and the next look buries it.
copies_have_ended() {
	local child
	for child in $(children $pid); do
		is_gone "$child" || return
	done
}
become killed narrow 100000
picture $pid >killed.before
for ((i = 0; i < rounds; i++)); do
	"$ask" -n 100 -k 2 -w 0 $pid >/dev/null 2>&1 &
	asking=$!
	sleep 0.$((RANDOM % 4))$((RANDOM % 10))
	kill -KILL $asking
	wait $asking 2>/dev/null
done
soon copies_have_ended || fail "killed: a copy goes on"
answered killed "$sure"

# The copy is killed, as by the kernel when memory is short.
become copy_killed narrow 100000
picture $pid >copy_killed.before
n_killed=0
for ((i = 0; i < rounds; i++)); do
	timeout 30 "$ask" -k 1 $pid >copy_killed.said 2>&1 &
	asking=$!
	while has_no_copy $pid; do
		:
	done
	sleep 0.0$((i % 3))
	kill -KILL $(children $pid) 2>/dev/null
	wait $asking
	result=$?
	test $result = 0 || grep -q '^tarn: .*\(has ended\|did not answer\)' \
		copy_killed.said || fail "copy_killed: status $result" \
		copy_killed.said
	test $result = 0 || n_killed=$((n_killed + 1))
done
echo "copy_killed: $n_killed of $rounds"
answered copy_killed "$sure"

echo "$n_done processes, $SECONDS s"
exit $status
