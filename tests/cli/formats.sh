#!/bin/bash
# formats.sh: what a report looks like in each format, that all of them tell the
# same, what is left out on demand, and reports from files.
. "$(dirname "$0")/cli.bash"

has python3 || skip "python3 is not installed"

# --- a report that is kept, and shown in all formats -------------------

# keep DIRECTORY PLAY...: its reports.
keep() {
	mkdir "$1"
	TARN_REPORTS=$PWD/$1 TARN_CONF=leaks:true,sites:all LD_PRELOAD=$TARN_SO \
		"$play" "${@:2}" >/dev/null 2>&1
}
keep kept lose lose ring hide exit
reports=(kept/*.report)
report=${reports[0]}
is_true "no report is kept" test -s "$report"

# shown ARGUMENT...: into out, as `tarn report` has it.
shown() {
	tarn report "$@"
	ends 0
	is "tarn report $* complains" "$(cat err)" ""
}

shown "$report"
cp out text
shown --json "$report"
cp out json
shown --dot "$report"
cp out dot
shown --format=lsan "$report"
cp out lsan
for format in json dot; do
	shown --format=$format "$report"
	is_true "--$format is not --format=$format" cmp -s out $format
done
shown --format=text "$report"
is_true "text is not the default" cmp -s out text

cat >judge.py <<'END'
import json, re, sys

status = 0
def check(what, found, expected):
    global status
    if found != expected:
        print("FAILED: %s: found %r, expected %r" % (what, found, expected))
        status = 1

text, dot, lsan = (open(name).read() for name in ("text", "dot", "lsan"))
report = json.load(open("json"))

check("keys", set(report), {"version", "processes"})
check("version", report["version"], 1)
process, = report["processes"]
check("keys of the process", set(process), set(
    "pid program threads looks complete uncertain sites live lost possible "
    "foreign suppressed scanned stopped_ns traced_ns findings running "
    "unconfirmed growth".split()))
check("running", process["running"], False)
check("growth", process["growth"], None)
check("program", process["program"], "play")
check("threads", process["threads"], 1)
check("complete", process["complete"], True)
check("uncertain", process["uncertain"], [])
check("sites", process["sites"], "all")
check("scanned", set(process["scanned"]),
      {"root_bytes", "heap_bytes", "unread_bytes"})
findings = process["findings"]
lost, = [f for f in findings if f["verdict"] == "lost"]
cycle, = [f for f in findings if f["verdict"] == "cycle"]
check("findings", len(findings), 2)
for finding in findings:
    check("keys of a finding", set(finding), set(
        "id verdict basis count own retained largest_blocks type owner site "
        "members edges".split()))
    frames = [frame["function"] for frame in finding["site"]]
    check("a site has main", "main" in frames, True)
    for frame in finding["site"]:
        check("keys of a frame", set(frame), set(
            "function file line column inlined module address".split()))
    for member in finding["members"]:
        check("keys of a member", set(member), set(
            "index address bytes type contents site".split()))
    for edge in finding["edges"]:
        check("keys of an edge", set(edge),
              {"from", "to", "offset", "to_offset", "closes"})
check("blocks lost", lost["own"]["blocks"], 2)
check("bytes lost", lost["own"]["bytes"] >= 2000, True)
check("the site", lost["site"][0]["function"], "lose_block")
check("its file", lost["site"][0]["file"].endswith("/play.c"), True)
check("its module", lost["site"][0]["module"].endswith("/play"), True)
check("contents", lost["members"][0]["contents"][:8], "01010101")
check("blocks of the cycle", cycle["own"]["blocks"], 2)
check("members of the cycle", len(cycle["members"]), 2)
check("edges of the cycle", sorted((e["from"], e["to"])
                                   for e in cycle["edges"]), [(0, 1), (1, 0)])
check("edges that close it", sum(e["closes"] for e in cycle["edges"]), 1)
check("possible", process["possible"]["blocks"], 1)
blocks, total = process["lost"]["blocks"], process["lost"]["bytes"]
check("lost in all", blocks, 4)
check("the sum of what is retained",
      sum(f["retained"]["bytes"] for f in findings), total)

def size(bytes):
    return "%d B" % bytes if bytes < 1024 else "%.1f KiB" % (bytes / 1024)

check("first line", text.splitlines()[0],
      "tarn: leaks of play (pid %d): 4 blocks lost, %s, in 2 findings"
      % (process["pid"], size(total)))
check("the finding of lost blocks", "lost: 2 blocks of %s, %s in all" % (
    size(lost["own"]["bytes"] // 2), size(lost["own"]["bytes"])) in text, True)
check("the finding of the cycle", "cycle: 2 blocks, %s"
      % size(cycle["own"]["bytes"]) in text, True)
check("the total", "  lost       4 blocks, %s\n" % size(total) in text, True)
check("what is possible", "  possible   1 block, " in text, True)
check("long lines", [line for line in text.splitlines()
                     if len(line) > 200], [])

# As the tools that read LeakSanitizer's output look for it.
head, = re.findall(r"^==(\d+)==ERROR: LeakSanitizer: detected memory leaks$",
                   lsan, re.M)
check("pid", int(head), process["pid"])
leaks = re.findall(r"^(Direct|Indirect) leak of (\d+) byte\(s\) in (\d+) "
                   r"object\(s\) allocated from:$", lsan, re.M)
check("bytes of lsan", sum(int(leak[1]) for leak in leaks), total)
check("blocks of lsan", sum(int(leak[2]) for leak in leaks), blocks)
summary, = re.findall(r"^SUMMARY: (\w+): (\d+) byte\(s\) leaked in (\d+) "
                      r"allocation\(s\)\.$", lsan, re.M)
check("summary", summary, ("LeakSanitizer", str(total), str(blocks)))
frames = re.findall(r"^    #(\d+) (0x[0-9a-f]+) in (\S+) (\S+?):(\d+)(?::\d+)?$",
                    lsan, re.M)
check("frames of lsan", {"lose_block", "lose_ring", "main"}
      <= {frame[2] for frame in frames}, True)
other = [line for line in lsan.splitlines() if line.startswith("    ")
         and not re.match(r"    #\d+ 0x[0-9a-f]{12} ", line)]
check("lines of lsan that are no frames", other, [])

check("clusters of the graph", dot.count("subgraph cluster"), 2)
check("edges of the graph", len(re.findall(r"_m\d+ -> p", dot)), 2)
check("red edges of the graph", dot.count("color=red"), 2)
sys.exit(status)
END
is_true "the formats" python3 judge.py
# Nobody's control characters, in no format.
for format in text json dot lsan; do
	is_true "$format has controls" \
		eval "! tr -d '\\t' <$format | grep -q '[[:cntrl:]]'"
done

# --- output ------------------------------------------------------------

for format in text json dot lsan; do
	for option in -o --output; do
		shown --format=$format $option file "$report"
		is "something on stdout with $option" "$(cat out)" ""
		is_true "$format to a file differs" cmp -s file $format
	done
done
shown -o - "$report"
is_true "-o - is not stdout" cmp -s out text
tarn report "$report" -o file
ends 0
is_true "options after the file" cmp -s file text
tarn report -o /dev/full "$report"
ends 125
says '^tarn: cannot write /dev/full: No space'
tarn report --json -o /dev/full "$report"
ends 125
tarn report -o /nowhere/file "$report"
ends 125

# run writes to stderr, if not told otherwise.
run lose say output exit
is "stdout of the program" "$(cat out)" output
tarn run --leaks -o - "$play" lose say output exit
is_true "-o - of run" grep -q '^tarn: leaks of play' out
is "stderr with -o -" "$(cat err)" ""
tarn run --leaks --json -o file "$play" lose exit
ends 3
is_true "--json of run" python3 -m json.tool file /dev/null
is "stderr with -o" "$(cat err)" ""
tarn run --leaks --format=lsan "$play" lose exit
says '^SUMMARY: LeakSanitizer: [0-9]+ byte\(s\) leaked in 1 allocation'
tarn run --leaks --format=lsan "$play"
is "lsan of a program without leaks" "$(cat err)" ""
tarn run --leaks --json -o file "$play"
is_true "json of a program without leaks" grep -q '"findings": \[\]' file

if has dot; then
	is_true "dot refuses the graph" \
		eval "command dot -Tsvg dot >graph.svg 2>dot.err"
	is "dot complains" "$(cat dot.err)" ""
	shown --dot -o picture.svg "$report"
	is_true "no picture" grep -q '</svg>' picture.svg
	tarn run --leaks --dot -o picture2.svg "$play" ring exit
	ends 3
	is_true "no picture of run" grep -q '</svg>' picture2.svg
	is_true "a graph beside the picture" test ! -e picture.dot
	tarn report --dot -o /nowhere/picture.svg "$report"
	ends 125
fi
mkdir nothing
bash=$(command -v bash)
env PATH="$PWD/nothing" "$bash" -c '"$@"' - \
	"$TARN" report --dot -o later.svg "$report" 2>err
result=$?
ends 0
says 'no picture: the dot command .* cannot be run; the graph is in later.dot'
is_true "the graph without dot" cmp -s later.dot dot
shown --dot -o graph.txt "$report"
is_true "a graph in a file of another name" cmp -s graph.txt dot

# --- what is shown -------------------------------------------------------

for list in possible all foreign,possible; do
	shown --show=$list "$report"
	is_true "--show=$list" grep -q '^3 *possible: 1 block of 5' out
	shown --show=$list --json "$report"
	is_true "--show=$list --json" grep -q '"verdict": "possible"' out
	shown --show=$list --format=lsan "$report"
	is_true "--show=$list in lsan" cmp -s out lsan
done
shown --show=foreign "$report"
is_true "--show=foreign" eval "! grep -q '^3 ' out"

shown --max=1 "$report"
is_true "--max=1" grep -q '… 1 more finding (--max=0 shows all)' out
is "findings with --max=1" "$(grep -c '^[0-9]' out)" 1
is_true "the total with --max=1" grep -q '^  lost       4 blocks' out
shown --max=1 --dot "$report"
is "clusters with --max=1" "$(grep -c 'subgraph' out)" 1
for max in 0 2 1000; do
	shown --max=$max "$report"
	is_true "--max=$max" cmp -s out text
done
shown --max=1 --json "$report"
is_true "--max=1 in json" cmp -s out json
shown --max=1 --format=lsan "$report"
is_true "--max=1 in lsan" cmp -s out lsan
shown --no-color "$report"
is_true "--no-color to a file" cmp -s out text

# --- suppressions ----------------------------------------------------------

# suppresses PATTERNS EXPECTED: which findings are left of lost and cycle.
suppresses() {
	printf '%b' "$1" >supp
	shown --suppressions supp --json "$report"
	is "left by $1" "$2" "$(sed -n 's/.*"verdict": "\(.*\)",/\1/p' out |
		sort | paste -sd' ')"
}
suppresses 'leak:lose_block\n' 'cycle'
suppresses 'leak:lose_ring\n' 'lost'
suppresses 'leak:lose_\n' ''
suppresses 'leak:main\n' ''
suppresses 'leak:ose_bloc\n' 'cycle'
suppresses 'leak:^lose_block$\n' 'cycle'
suppresses 'leak:^lose_bloc$\n' 'cycle lost'
suppresses 'leak:^ose_block\n' 'cycle lost'
suppresses 'leak:lose_bloc$\n' 'cycle lost'
suppresses 'leak:l*_block\n' 'cycle'
suppresses 'leak:^l*k$\n' 'cycle'
suppresses 'leak:^*ring\n' 'lost'
suppresses 'leak:*\n' ''
suppresses 'leak:play.c\n' ''
suppresses 'leak:/play.c$\n' ''
suppresses 'leak:/play$\n' ''
suppresses 'leak:^play$\n' 'cycle lost'
suppresses 'leak:LOSE_BLOCK\n' 'cycle lost'
suppresses '# leak:main\n\n   \n\t# more\n' 'cycle lost'
suppresses '  leak:lose_block  \r\n' 'cycle'
suppresses 'leak:lose_block' 'cycle'
suppresses 'leak:nobody\nleak:lose_ring\nleak:nothing\n' 'lost'
suppresses '' 'cycle lost'
for format in text json dot lsan; do
	printf 'leak:nobody\n' >supp
	shown --suppressions supp --format=$format "$report"
	is_true "a pattern that nothing matches changes $format" \
		cmp -s out $format
done
printf 'leak:lose_block\n' >supp
shown --suppressions supp "$report"
is_true "blocks that are suppressed" \
	grep -q '^  suppressed 2 blocks, 2.0 KiB' out
is_true "the first line" grep -q ': 2 blocks lost, 96 B, in 1 finding$' out
tarn report --suppressions supp --fail-on=lost "$report"
ends 0
tarn report --suppressions supp --fail-on=cycle "$report"
ends 23
tarn run --leaks --suppressions supp --fail-on=lost,cycle "$play" lose exit
ends 3
says 'nothing lost; .*; 1 block suppressed$'
printf 'leak:lose_block\nlose_ring\n' >supp
tarn report --suppressions supp "$report"
ends 125
says '^tarn: supp:2: want "leak:PATTERN"$'
printf 'leak:\n' >supp
tarn report --suppressions supp "$report"
ends 125
printf 'race:main\n' >supp
tarn run --leaks --suppressions supp "$play" say "it was run"
ends 125
is "it was run" "$(cat out)" ""
tarn report --suppressions /nowhere/supp "$report"
ends 125
says '^tarn: /nowhere/supp: No such file'
tarn report --suppressions . "$report"
ends 125
# A pipe can be read but once.
last='suppressions from a pipe'
"$TARN" run --leaks --suppressions <(echo leak:lose_block) "$play" lose exit 2>err
result=$?
ends 3
says '1 block suppressed'

# --- files -------------------------------------------------------------------

tarn report --fail-on=lost "$report"
ends 23
tarn report --fail-on=possible "$report"
ends 23
keep clean exit
tarn report --fail-on=lost,cycle,possible clean/*.report
ends 0
is_true "a report of no leaks" grep -q 'nothing lost' out
tarn report clean/*.report "$report"
ends 0
is "two reports" "$(grep -c '^tarn: ' out)" 2
shown --json clean/*.report "$report"
is_true "two reports in json" python3 -c '
import json, sys
assert len(json.load(open("out"))["processes"]) == 2'

tarn report /nowhere/report
ends 125
says '^tarn: /nowhere/report: No such file'
tarn report .
ends 125
: >empty
echo "this is no report of anything" >garbage
head -c 100000 /dev/urandom >noise
for file in empty garbage noise "$play"; do
	tarn report $file
	ends 125
	says "^tarn: .*$(basename $file) is not a report of tarn|cut short"
	is "something is shown of $file" "$(cat out)" ""
done
last='a report from a pipe'
is_true "a report from a pipe" eval '"$TARN" report <(cat "$report") | cmp -s - text'

# The good one among bad ones is shown.
tarn report garbage "$report"
ends 125
is_true "a good report after a bad one" cmp -s out text

# Cut at any place: said, and no more.
bytes=$(wc -c <"$report")
for ((at = 0; at < bytes; at += 1 + bytes / 60)); do
	head -c $at "$report" >part
	for format in text json dot lsan html; do
		tarn report --format=$format part
		ends 125
		says '^tarn: part is (cut short|not a report|damaged)'
	done
done
head -c $((bytes - 8)) "$report" >part
tarn report part
is_true "what there is of a cut report" grep -q '^tarn: leaks of play' out
is_true "a cut report looks whole" grep -q 'uncertain  the report is not compl' out
tarn report --fail-on=lost part
ends 125

# Bytes changed: whatever it says, it does not crash.
seed=${SEED:-$$}
echo "seed $seed (SEED=$seed repeats this)"
RANDOM=$seed
formats=(text json dot lsan html)
for ((i = 0; i < 150; i++)); do
	cp "$report" damaged
	printf '%b' "\\0$((RANDOM % 4))$((RANDOM % 8))$((RANDOM % 8))" |
		dd of=damaged bs=1 seek=$((RANDOM * 7919 % bytes)) conv=notrunc \
			status=none
	tarn report --format=${formats[RANDOM % 5]} --show=all damaged
	test $result = 0 || test $result = 125 ||
		show "a damaged report: status $result"
done
head -c 8 "$report" >other_version
printf '\377\000\000\000' >>other_version
tail -c +13 "$report" >>other_version
tarn report other_version
ends 125
says 'other_version is a report of another version of tarn'

# The program has been replaced, or is gone.
mv play moved
shown "$report"
is_true "a module that is gone" grep -q '  no names   .*/play cannot be read' out
$CC -g -O1 -x c - -o play <<<'int main(void) { return 0; }'
shown "$report"
is_true "a module that was replaced" grep -q \
	'  no names   .*/play was replaced since' out
mv moved play

finish
