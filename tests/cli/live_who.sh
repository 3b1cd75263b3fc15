#!/bin/bash
# live_who.sh: who holds a block of a running process, by name and type.
. "$(dirname "$0")/cli.bash"
. "$here/live/service.bash"

# way WORD REGEX: so it is to the block that the service tells for WORD.
way() {
	say ${3-} "$1"
	address=$answer
	who "$address"
	ends 0
	is "$1: who says more" "$(cat err)" ""
	has_line "^     $2\$"
}

start_service ./service
say put 20

# --- by types ----------------------------------------------------------

newest='\.bss table\.slots\[17\]\.newest'
way entry "$newest → entry \(32 B\)" address
has_line "^tarn: service \(pid $pid\): $address is a block of 32 B, entry; held$" \
	"^    1  $newest +at 0x[0-9a-f]+, service$" '^    →  entry +0x' \
	'^  2 pointers to it$' '^       \.bss last  '
way second "$newest → entry\.next → entry \(32 B\)" address
way value "$newest → entry\.next → entry\.value → value\.text → char \(448 B\)" \
	address
has_line '^    4  value\.text +in 0x[0-9a-f]+ \(16 B\)$'
inner=$(printf '0x%x' $((address + 7)))
who "$inner"
ends 0
has_line ": $inner is 7 bytes inside a block of 448 B, char; held$"
way list '\.bss pointers → value\*\[5\] → value \(16 B\)' address
way opaque '\.bss opaque → 64 B block\+16 → 128 B block' address
way stack '(stack|register|thread-local data) of thread [0-9]+ → 224 B block' address

say put 3000
say address entry
first=$answer
who "$first" --json
json "a short way" 'j["who"]["n_steps"] == 1'
json "the summary" 'j["who"]["summary"] ==
	".bss table.slots[17].newest → entry (32 B)"'
step='j["who"]["steps"][0]'
json "a global" "$step[\"holder\"] == 'global' and $step[\"section\"] == '.bss'"
json "a global" "$step[\"variable\"] == 'table'"
json "a global" "$step[\"member\"] == '.slots[17].newest'"
json "a global" "$step[\"module\"].endswith('/service')"
json "the block" "int(j['who']['block'], 16) == $first"
json "the block" 'j["who"]["verdict"] == "reached" and j["who"]["bytes"] == 32'
json "who points to it" 'j["who"]["n_referrers"] == 2 and
	{r["variable"] for r in j["who"]["referrers"]} == {"table", "last"}'

# A long way is told at its ends.
say address oldest
who "$answer"
ends 0
has_line "^     $newest → entry\.next \(×63\) → … [0-9]+ more steps … → entry\.next \(×64\) → entry \(32 B\)$" \
	'^ +1  \.bss' '^       … [0-9]+ more steps$' '^  3019  '
who "$answer" --json
json "a long way" 'j["who"]["n_steps"] == 3020 and
	len(j["who"]["steps"]) < 300'

# --- what is not held --------------------------------------------------

way inside '\.bss inside → char \(512 B\)' address
has_line '; possibly lost: ' "^     finding 1 of 'tarn leaks $pid': possible: "
say address freed
who "$answer"
ends 0
has_line "$answer is no live block: "
who 0x10
ends 0
has_line '0x10 is not in the heap; nothing is there$'
address=$(awk '/service$/ && / r-xp / {print "0x" substr($1, 1, index($1, "-") - 1)}' \
	"/proc/$pid/maps")
who "$address"
ends 0
has_line "$address is not in the heap; it lies in .*/service \(r-xp\)$"
who "$address" --json
json "not in the heap" 'j["who"]["verdict"] == "not-in-heap" and
	j["who"]["block"] is None and "service" in j["who"]["mapping"]'

# By number: that of a look.
say ring
say lose
leaks --json
number=$(python3 -c '
import json
for f in json.load(open("out"))["processes"][0]["findings"]:
    if f["verdict"] == "cycle":
        print(f["id"])')
for question in "$number" "#$number"; do
	who "$question"
	ends 0
	has_line 'is a block of 48 B; lost: no root reaches it$' \
		"^     finding $number of 'tarn leaks $pid': cycle: 2 blocks" \
		'^  1 pointer to it$' '^       48 B block\+0  +in 0x[0-9a-f]+ \(48 B\)'
done
who "$number" --json
json "its finding" "j['who']['finding'] == $number and
	j['who']['verdict'] == 'lost' and j['who']['steps'] == []"
wrong "process $pid has no finding 99 now, but [0-9]; " who "$pid" 99

# --- what is wrong -----------------------------------------------------

wrong 'who: of which process\?' who
wrong 'who: which address or finding\?' who 1
wrong 'who: one address or finding at a time' who 1 2 3
wrong "who: 'x' is not the id of a process" who x 1
for question in x 0x 0xg 0 '#' '#0' 12x 1.5 99999999999 \
	0x11111111111111111 '' ' 1'; do
	wrong "'$question' is neither an address, as 0x7f3a10, nor the number" \
		who "$pid" "$question"
done
wrong "unknown value 'dot' \(known: text, json\)" who --format=dot "$pid" 1
wrong "unknown or wrong option '--looks" who --looks=2 "$pid" 1

# --- damaged answers ---------------------------------------------------

say address value
survives who "$pid" "$answer"

# --- sites, and other kinds of debug information -----------------------

start_service TARN_CONF=sites:all ./service
say put 2
way entry "$newest → entry \(32 B\)" address
has_line ', from put .*service\.c:' '^     allocated by$'

$CC -O1 -fno-builtin -pthread "$here/live/service.c" -o stripped -s
start_service ./stripped
say put 2
say address second
who "$answer"
ends 0
has_line '^     \.bss stripped\+0x[0-9a-f]+ → 32 B block\+16 → 32 B block$'

$CC -O1 -fno-builtin -pthread "$here/live/service.c" -o symbols
start_service ./symbols
say put 2
say address second
who "$answer"
ends 0
has_line '^     \.bss table\+[0-9]+ → 32 B block\+16 → 32 B block$'

# cpp COMPILER OPTION...: the same of what is built so.
cpp() {
	last="$*"
	"$@" -O1 -fno-builtin "$here/live/service.cpp" -o cpp 2>build.err || {
		echo "not tried: $*"
		return
	}
	start_service ./cpp
	way leaf '\.bss shop::Registry::shelf → shop::Shelf\.slots\[2\]\.leaf → shop::Leaf \(16 B\)'
	way box '\.bss shop::Registry::box\.inner → shop::Box<shop::Leaf>\.content → shop::Leaf \(16 B\)'
	way local '\.bss local\(shop::Leaf\*\)::registry\.leaves → shop::Leaf\*\[6\] → shop::Leaf\.next → shop::Leaf \(16 B\)'
}
cpp ${CXX:-c++} -g
cpp ${CXX:-c++} -g -gdwarf-4
cpp ${CXX:-c++} -g -gsplit-dwarf
if has "${CLANG:-clang}"; then
	cpp "${CLANG:-clang}" -x c++ -g -lstdc++
	cpp "${CLANG:-clang}" -x c++ -g -gsplit-dwarf -lstdc++
fi

# --- whose stack, whose data ---------------------------------------------

build "$here/live/stacks.c" stacks || cat build.err
start_service ./stacks

# owner PLACE HOLDER: what holds the block of PLACE, and nothing else.
owner() {
	say "$1"
	read -r address thread <<<"$answer"
	who "$address"
	ends 0
	thread="thread $thread"
	test "$thread" != "thread $pid" || thread="the main thread"
	has_line "^ +1  $2 of $thread"
	is "$1: others" "$(grep -Eo 'of (a|the main) thread|of thread [0-9]+' out |
		grep -v "of $thread\$" | sort -u)" ""
}
owner main stack
owner main-data 'thread-local data'
owner data 'thread-local data'
owner red-zone stack
owner handler stack
owner under-it stack
owner low stack
owner high stack

finish
