#!/bin/bash
# live_leaks.sh: what tarn leaks finds in a process that goes on, and what is
# growing in it.
. "$(dirname "$0")/cli.bash"
. "$here/live/service.bash"

# --- what is lost ------------------------------------------------------

start_service ./service
leaks
ends 0
has_line '^tarn: service \(pid [0-9]+\): nothing lost; ' \
	'^  threads    2, stopped for [0-9.]+ ms at most' '^  looks      2$' \
	'^  sites      not noted'
say put 20
say ring
say lose
leaks
ends 0
has_line '3 blocks lost, .*, in 2 findings$' '^[12]    lost: 1 block of 1.0 KiB$' \
	'^[12]    cycle: 2 blocks, 96 B' '\+0 → #[01]  closes the cycle'
is "leaks says more" "$(cat err)" ""
leaks --json
ends 0
json "json" '[f["verdict"] for f in j["processes"][0]["findings"]] ==
	["lost", "cycle"]'
json "json" 'j["processes"][0]["running"] is True'
json "json" 'j["processes"][0]["looks"] == 2'
json "json" 'j["processes"][0]["growth"] is None'
json "json" '0 < j["processes"][0]["stopped_ns"] < 10**9'
leaks --json --looks=4 --interval=0.05
ends 0
json "looks" 'j["processes"][0]["looks"] == 4'
leaks --looks 1 --show=all
ends 0
has_line '^  looks      1:' 'possible: 1 block of 512 B'
for format in dot lsan; do
	leaks --format=$format
	ends 0
	is_true "$format shows nothing" test -s out
done
leaks -o report.txt
ends 0
is_true "-o" grep -q '3 blocks lost' report.txt
is "-o writes to stdout" "$(cat out)" ""
leaks --html page.html
ends 0
is_true "a page without where memory is" grep -q 'where resident memory is' \
	page.html
leaks --fail-on=lost
ends 23
leaks --fail-on=cycle --format=lsan
ends 23

# The page has also where memory is.
leaks --html page
ends 0
is "--html writes to stdout" "$(cat out err)" ""
is_true "the page" python3 "$here/page.py" page
is_true "what the page shows" python3 "$here/page.py" page --has \
	'3 blocks lost' 'of a process that goes on' 'Where memory is' \
	'libraries' 'What the heap is used for' 'free in pools' \
	'closes the cycle' 'not known where from'

# The process goes on.
say put 1
is "the service" "$answer" ok

# --- what is growing ---------------------------------------------------

say grow 200
leaks --growing --interval=0.6 --fail-on=growing
ends 23
has_line '^tarn: held and growing in service \(pid [0-9]+\): ' \
	', in each of 2 intervals$' '^g1   growing: .*/s, .* an hour, .* blocks of 448 B' \
	'^     allocated by \([0-9]+ of [0-9]+ in the sample\)$' \
	'^       new_value  +.*service\.c:[0-9]+$' '^       put  +.*service\.c' \
	"^     hint: 'tarn who $pid 0x[0-9a-f]+' tells"
has_no_line start_thread
has_line '3 blocks lost, .*, in 2 findings$'
leaks --growing --interval=0.6 --html page
ends 0
is_true "the page of growth" python3 "$here/page.py" page
is_true "what grows in the page" python3 "$here/page.py" page --has \
	'Held and growing' 'blocks of 448 B' '% of all growth' new_value \
	"'tarn who $pid 0x" 'in the sample'
leaks --growing --interval=0.6 --json
ends 0
json "growth" 'len(j["processes"][0]["growth"]["seconds"]) == 3'
cat >judge.py <<'END'
import json

growth = json.load(open("out"))["processes"][0]["growth"]
texts, = [g for g in growth["growing"] if g["block_bytes"] == 448]
assert texts["id"] == 1, texts["id"]
assert texts["share"] > 0.5, texts["share"]
assert texts["sampled"] is True
series = texts["bytes"]
assert series[0] < series[1] < series[2], series
assert all(448 * n == b for n, b in zip(texts["blocks"], series))
rate = (series[2] - series[0]) / growth["seconds"][2]
assert abs(texts["bytes_per_second"] - rate) < 1 + rate / 1000
assert abs(texts["bytes_per_hour"] - 3600 * rate) < 3600 + 3.6 * rate
names = [frame["function"] for frame in texts["sites"][0]["site"]]
assert names[:3] == ["new_value", "put", "grow"], names
print(texts["example"])
END
example=$(python3 judge.py)
is "the judge" $? 0
# No growth without new blocks.
say stop
who "$example"
ends 0
has_line '^     \.bss (table\.slots\[17\]\.newest|last) → (entry\.next.* → )?entry\.value → value\.text → char'
leaks --growing --interval=0.3 --fail-on=growing
ends 0
has_line '^tarn: held and growing in service \(pid [0-9]+\): nothing, in each of 2'

# With all sites it is by site, and those can be left out.
start_service TARN_CONF=sites:all ./service
say lose
say grow 200
leaks --growing --interval=0.5 --fail-on=growing,lost
ends 23
has_line '^       lose_block  .*service\.c' \
	'^g1   growing: .*, 8[0-9] % of all growth; blocks of 448 B' \
	'^     allocated by$'
printf 'leak:^lose_block$\nleak:^put$\n' >supp
leaks --growing --interval=0.5 --fail-on=growing,lost --suppressions supp
ends 0
has_line 'nothing lost; .*; 1 block suppressed' \
	'^tarn: held and growing in service .*: nothing, in each of 2'
say stop

# --- interrupted, ended, refused ---------------------------------------

# What was seen until then is shown.
bash -c 'exec timeout --foreground --preserve-status -s INT 1 "$@"' - "$TARN" leaks "$pid" \
	--interval=100 >out 2>err
result=$?
last="tarn leaks --interval=100, interrupted"
ends 0
has_line '1 block lost, 1.0 KiB, in 1 finding' '^  looks      1:'
says '^tarn: interrupted after 1 of 2 looks$'

# And if the process ends meanwhile.
(sleep 0.7 && kill -KILL "$pid") &
leaks --looks=2 --interval=1.4
ends 125
has_line '1 block lost, 1.0 KiB, in 1 finding' '^  looks      1:'
wait

wrong 'leaks: of which process\?' leaks
wrong "leaks: one process at a time, not '2'" leaks 1 2
wrong "leaks: 'one' is not the id of a process" leaks one
wrong "leaks: '-1' is not the id|unknown or wrong option '-1'" leaks -1
wrong "leaks: '0' is no process" leaks 0
wrong "leaks: '99999999999' is no process" leaks 99999999999
wrong "$pid" leaks "$pid"
bash -c 'exec "$0" leaks $$ >out 2>err' "$TARN"
is "itself" "$(cat err)" "tarn: leaks: '$(grep -o "[0-9]*" err)' is this command\
 itself; try 'tarn --help'"
wrong "'0' is not a number from 1 to 20" leaks --looks=0 1
wrong "'21' is not a number from 1 to 20" leaks --looks=21 1
wrong "'x' is not a number from 1 to 20" leaks --looks=x 1
wrong "'-1' is not a number of seconds" leaks --interval=-1 1
wrong "'1x' is not a number of seconds" leaks --interval=1x 1
wrong "'1e9' is not a number of seconds" leaks --interval=1e9 1
wrong "'nan' is not a number of seconds" leaks --interval=nan 1
wrong 'what grows takes two looks' leaks --growing --looks=1 1
wrong 'dot and lsan do not have what is growing' leaks --growing --dot 1
wrong -- '--fail-on=growing takes --growing' leaks --fail-on=growing 1
wrong "unknown value 'growing'" report --fail-on=growing file
wrong "unknown or wrong option '--looks" report --looks=2 file
wrong "unknown or wrong option '--leaks" leaks --leaks 1
sleep 100 &
pid=$!
disown "$pid"
echo kept >kept
wrong "$pid" leaks $pid -o kept
is "the file of a report that was not made" "$(cat kept)" kept
stop_service

# --- damaged answers ---------------------------------------------------

start_service TARN_CONF=sites:all ./service
say ring
say grow 300
survives growing "$pid"

finish
