#!/bin/bash
# live_stat.sh: what `tarn stat` says adds up, to what the kernel says and to what
# the process has; growth, limits, --watch, and what it says of processes that
# cannot be asked or looked at.
. "$(dirname "$0")/cli.bash"
. "$here/live.bash"

top_srcdir=${top_srcdir:-$here/../..}

# --- mappings and limits that are made up ------------------------------

mkdir made_up
sources=("$top_srcdir"/src/cli/{memory,limits,util}.c "$top_srcdir/src/wire/wire.c")
is_true "memory_check does not compile: $(cat build.err)" \
	build "$here/memory_check.c" memory_check -D_GNU_SOURCE \
	-I"$top_srcdir/src" "${sources[@]}"
is_true "memory_check" eval '(cd made_up && ../memory_check)'

# --- real ones ---------------------------------------------------------

cat >judge.py <<'END_OF_PYTHON'
import json, sys

what = sys.argv[1]
stat = json.load(open("out"))
MIB = 1 << 20
status = 0

def check(what, is_good, *found):
    global status
    if not is_good:
        print("FAILED:", what, *found)
        status = 1

def near(found, expected, share):
    return abs(found - expected) <= share * expected

check("keys", set(stat) == set(
    "version pid program user library threads running_s resident_bytes "
    "swapped_bytes huge_bytes places heap heap_unknown growth limits".split()),
    set(stat))
check("version", stat["version"] == 1)
places = stat["places"]
check("places", list(places) == "heap program libraries stacks anonymous "
      "shared files".split(), list(places))
resident = sum(place["resident_bytes"] for place in places.values())
check("the sum of places", resident == stat["resident_bytes"], resident, stat)
check("the sum of swap", sum(place["swapped_bytes"] for place in
      places.values()) == stat["swapped_bytes"])
heap = stat["heap"]
if heap:
    found = (sum(heap[part + "_bytes"] for part in
             "live rounding free magazine cached metadata uncounted".split())
             - heap["untouched_bytes"] - places["heap"]["swapped_bytes"])
    check("the parts of the heap", found == places["heap"]["resident_bytes"],
          found, stat)
    check("why the heap is not known", stat["heap_unknown"] is None)
else:
    check("why not", stat["heap_unknown"].startswith("it "))
for limit in stat["limits"]:
    growth, room = stat["growth"], limit["limit_bytes"] - limit["used_bytes"]
    rate = growth["resident_bytes_per_s"] if growth else 0
    if rate >= 2 and 0 < room / rate < 86400 * 999:
        check("when it is reached", near(limit["reached_in_s"], room / rate,
              0.51 / rate + 1e-6), limit, rate)
    elif rate <= 0 and room > 0:
        check("it is reached without growth", limit["reached_in_s"] is None)

def of(name):
    return places[name]["resident_bytes"]

if what == "idle":
    live = 10000 * 1000 + 32 * MIB
    check("live", live <= heap["live_bytes"] <= 1.02 * live, heap)
    check("blocks", 10001 <= heap["live_blocks"] < 10100, heap)
    check("untouched", 31.5 * MIB < heap["untouched_bytes"] < 33 * MIB, heap)
    check("free", near(heap["free_bytes"] + heap["magazine_bytes"] +
          heap["cached_bytes"], 10e6, 0.1), heap)
    check("uncounted", heap["uncounted_bytes"] == 0, heap)
    check("program", 4 * MIB <= of("program") < 4.2 * MIB, places)
    check("stacks", MIB <= of("stacks") < 1.3 * MIB, places)
    check("anonymous", 2 * MIB <= of("anonymous") < 2.2 * MIB, places)
    check("shared", 3 * MIB <= of("shared") < 3.2 * MIB, places)
    check("files", MIB <= of("files") < 2 * MIB, places)
    check("threads", stat["threads"] == 3)
    check("library", stat["library"] == sys.argv[2], stat["library"])
elif what == "grow":
    growth = stat["growth"]
    for rate in "resident", "live":
        check(rate, 2 * MIB < growth[rate + "_bytes_per_s"] < 9 * MIB, growth)
    check("over", near(growth["over_s"], 0.5, 0.5), growth)
    check("RLIMIT_AS", [limit["limit_bytes"] for limit in stat["limits"]
          if limit["name"] == "RLIMIT_AS"] == [8 << 30], stat["limits"])
elif what == "status":
    # The kernel rounds VmRSS to some pages a processor.
    check("VmRSS", near(resident, int(sys.argv[2]) * 1024, 0.10), resident,
          sys.argv[2])
elif what == "unknown":
    check("the heap is known", heap is None and of("heap") == 0)
    check("why", sys.argv[2] in stat["heap_unknown"], stat["heap_unknown"])
sys.exit(status)
END_OF_PYTHON

# judged WHAT ARGUMENT...: the JSON in out is as it should be.
judged() {
	is_true "$* after $last" python3 judge.py "$@"
}

# smaps_sum PID: what it has resident, by a reading of our own.
smaps_sum() {
	awk '/^Rss:/ { sum += $2 } END { print sum * 1024 }' "/proc/$1/smaps"
}

# stat_is_exact PID: what it says is what smaps says just after.
stat_is_exact() {
	tarn stat --json --interval=0 "$1"
	test "$(python3 -c \
		'import json; print(json.load(open("out"))["resident_bytes"])')" = \
		"$(smaps_sum "$1")"
}

version=$("$TARN" --version | sed 's/^tarn //')
LD_PRELOAD=$TARN_SO start "$work/serve" idle
idle=$started
is_true "RSS is not that of smaps" until_true stat_is_exact "$idle"
tarn stat --json "$idle"
ends 0
is "stat complains" "$(cat err)" ""
judged idle "$version"

tarn stat --interval=0.1 "$idle"
ends 0
is "first line" "$(head -n 1 out | sed 's/[0-9.]* s,/N s,/')" \
	"tarn: memory of serve (pid $idle), user $(id -un), runs for N s, tarn $version"
is_true "the screen has lines of more than 80 columns" \
	test "$(wc -L <out)" -le 80
is_true "the screen has more than 24 lines" test "$(wc -l <out)" -lt 24
for row in '  heap ' '    live ' '    never touched  *-3[12]\.' '  program  *4\.' \
	'  stacks  *1\.[0-2] MiB .* of 3 threads' '  anonymous  *2\.' \
	'  shared  *3\.' '  files  *1\.' '  = resident .* 100.0 %' \
	'  growth: resident [+-].*B/s, live \+0 B/s, over [0-9.]+ s'; do
	is_true "no row '$row'" grep -Eq "^$row" out
done
stop "$idle"

# --- under load --------------------------------------------------------

LD_PRELOAD=$TARN_SO start "$work/serve" churn
churn=$started
for _ in 1 2 3; do
	tarn stat --json --interval=0 "$churn"
	ends 0
	judged status \
		"$(sed -n 's/VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$churn/status")"
done
stop "$churn"

(
	ulimit -Sv $((8 << 20))
	LD_PRELOAD=$TARN_SO exec "$work/serve" grow
) <&9 >/dev/null 2>&1 &
grow=$!
all_started+=("$grow")
until_true grep -qs libtarn "/proc/$grow/maps"
sleep 0.2
tarn stat --json --interval=0.5 "$grow"
ends 0
judged grow
tarn stat --interval=0.5 "$grow"
is_true "no prediction" grep -Eq \
	'^    RLIMIT_AS \(8\.0 GiB, .*iB used\) is reached in [0-9]+ (min|h) [0-9]+' out
is_true "no rate" grep -Eq '^  growth: resident \+[2-9]\.[0-9] MiB/s, live .*rate$' out

# --- again and again ---------------------------------------------------

: >watched
"$TARN" stat --watch --interval=0.1 "$grow" >watched 2>err &
watcher=$!
until_true eval 'test "$(wc -l <watched)" -ge 4'
kill -INT $watcher
wait $watcher
is "status after Ctrl-C" $? 0
is "watch complains" "$(cat err)" ""
is_true "a line" grep -Eq \
	'^[0-9:]{8}  resident .*iB \(\+.*iB/s\)  live .*iB \(\+.*/s\)  .* in [0-9]' watched
is_true "another line" eval '! grep -Ev "^[0-9:]{8}  resident .*" watched'
: >watched
"$TARN" stat --watch --json --interval=0.1 "$grow" >watched 2>err &
watcher=$!
until_true eval 'test "$(wc -l <watched)" -ge 3'
is_true "the process was harmed" stop "$grow"
wait $watcher
is "status when it has ended" $? 0
says "^tarn: process $grow \(serve\) has ended$"
while read -r line; do
	printf '%s' "$line" >out
	judged any
done <watched

# On a terminal it is drawn over what was drawn before.
LD_PRELOAD=$TARN_SO start "$work/serve" wait
waiting=$started
if has script; then
	timeout -s INT 1 script -qec \
		"stty rows 12 cols 80; timeout -s INT 0.7 $TARN stat --watch --interval=0.2 $waiting" \
		/dev/null <&9 >drawn 2>&1
	is_true "it is not drawn again" grep -q $'\033\\[11A' drawn
	is_true "more than the terminal has" eval "! grep -q $'\\033\\\\[12A' drawn"
fi

# --- what cannot be asked ----------------------------------------------

start "$work/serve" idle
tarn stat --json --interval=0 "$started"
ends 0
judged unknown 'does not run on tarn'
tarn stat --interval=0 "$started"
ends 0
is_true "why not" grep -q \
	'^  no parts of the heap: it does not run on tarn$' out
LD_PRELOAD=$TARN_SO TARN_CONF=control:false start "$work/serve" wait
tarn stat --json --interval=0 "$started"
ends 0
judged unknown 'control is switched off'
LD_PRELOAD=$TARN_SO start "$work/serve" wait
kill -STOP "$started"
until_true grep -q '^State:.*T (stopped)' "/proc/$started/status"
tarn stat --json --interval=0 "$started"
ends 0
judged unknown 'it cannot be asked, see stderr'
says "process $started is stopped"

# --- what cannot be looked at ------------------------------------------

# refuses REGEX ARGUMENT...: fails and says so in a line; no figures.
refuses() {
	local regex=$1
	shift
	tarn stat "$@"
	ends 125
	says "^tarn: $regex"
	is "lines on stderr" "$(wc -l <err)" 1
	is "something on stdout" "$(cat out)" ""
}
refuses 'there is no process 2147483647' 2147483647
sleep 0 &
gone=$!
wait $gone
refuses "there is no process $gone" $gone
for text in 0 -- -1 x 1x 99999999999; do
	refuses "stat: .* try 'tarn (ls|--help)'" $text
done
refuses "stat: which process\? try 'tarn ls'"
refuses "stat: one process at a time" 1 2
for text in x -1 1x '' 86401 nan; do
	refuses "--interval: '$text' is no number of seconds" --interval="$text" 1
done
refuses "--watch needs an --interval above 0" --watch --interval=0 1
refuses "stat: unknown or wrong option '--frob'" --frob 1
refuses "stat: option '--interval' needs a value" 1 --interval
python3 -c '
import os, sys, time
pid = os.fork()
if pid == 0:
    os._exit(0)
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
print(pid, flush=True)
time.sleep(60)
' >zombie &
all_started+=($!)
until_true test -s zombie
refuses "process $(cat zombie) \(python3\) has ended; only its parent" "$(cat zombie)"
thread=$(basename "$(ls -d "/proc/$waiting"/task/*)")
is "threads of serve wait" "$thread" "$waiting"
LD_PRELOAD=$TARN_SO start "$work/serve" churn
thread=$(basename "$(ls -d "/proc/$started"/task/* | tail -n 1)")
refuses "$thread is a thread of process $started; try 'tarn stat $started'" "$thread"
stop "$started"
if grep -qs '^Kthread:.*1' /proc/2/status ||
	test -z "$(tr -d '\0' </proc/2/cmdline 2>&1)"; then
	refuses '2 \(.*\) is a thread of the kernel' 2
fi
if can_be_nobody; then
	"${nobody[@]}" ./tarn stat "$waiting" >out 2>err
	result=$?
	ends 125
	says "^tarn: may not look at the memory of process $waiting \(serve\): Permission denied; its user may, or root"
	is "something on stdout" "$(cat out)" ""
	LD_PRELOAD=$work/libtarn.so start "${nobody[@]}" "$work/serve" wait
	"${nobody[@]}" ./tarn stat --json --interval=0 "$started" >out 2>err
	result=$?
	ends 0
	judged any
	is_true "nobody may not ask his own" grep -q '"heap_unknown": null' out
	tarn stat --json --interval=0 "$started"
	judged any
	is_true "root may not ask" grep -q '"heap_unknown": null' out
fi
is "stat into a full device" "$("$TARN" stat --interval=0 "$waiting" \
	2>&1 >/dev/full | grep -c 'cannot write where memory is: No space')" 1
tarn stat --help
ends 0
is_true "no help" grep -q -- --interval out

finish
