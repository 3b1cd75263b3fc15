#!/bin/bash
# live_ls.sh: which processes `tarn ls` lists: preloaded and static ones, in other
# namespaces, of other users; and which not.
. "$(dirname "$0")/cli.bash"
. "$here/live.bash"

# listed PID: its object in the JSON, or nothing.
listed() {
	python3 -c '
import json, sys
for process in json.load(open("out"))["processes"]:
    if process["pid"] == int(sys.argv[1]):
        print(json.dumps(process))
' "$1"
}

# lists PID KEY=VALUE...: the last `tarn ls --json` does, with these.
lists() {
	local pid=$1 found
	shift
	found=$(listed "$pid")
	is_true "process $pid is not listed" test -n "$found"
	for pair; do
		is "process $pid: ${pair%%=*}" "$(python3 -c '
import json, sys
print(json.dumps(json.loads(sys.argv[1] or "{}").get(sys.argv[2])))
' "$found" "${pair%%=*}")" "${pair#*=}"
	done
}

lists_not() {
	is "process $1 is listed" "$(listed "$1")" ""
}

version=$("$TARN" --version | sed 's/^tarn //')

# --- who is listed -----------------------------------------------------

LD_PRELOAD=$TARN_SO start "$work/serve" idle
idle=$started
LD_PRELOAD=$TARN_SO start "$work/serve" wait
small=$started
LD_PRELOAD=$TARN_SO TARN_CONF=control:false start "$work/serve" wait
deaf=$started
start "$work/serve" wait
plain=$started
if test -n "${TARN_A-}" && build "$here/serve.c" static -static "$TARN_A"; then
	strip static 2>/dev/null
	start "$work/static" wait
	static=$started
fi
cp serve tarn-copy
LD_PRELOAD=$TARN_SO start "$work/tarn-copy" wait
copy=$started

tarn ls --json
ends 0
is "ls complains" "$(cat err)" ""
is_true "--json" python3 -m json.tool out /dev/null
user=\"$(id -un)\"
lists "$idle" 'program="serve"' "user=$user" "uid=$(id -u)" 'link="shared"' \
	"version=\"$version\"" can_be_asked=true why_not=null \
	"command=[\"$work/serve\", \"idle\"]"
lists "$small" can_be_asked=true
lists "$deaf" can_be_asked=false \
	'why_not="it does not listen: control is switched off in it"'
test -z "${static-}" ||
	lists "$static" 'link="static"' "version=\"$version\"" can_be_asked=true
lists_not "$plain"
lists_not "$copy"
lists_not $$
is_true "not sorted by RSS" python3 -c '
import json
found = [p["rss_bytes"] for p in json.load(open("out"))["processes"]]
assert found == sorted(found, reverse=True) and found[-1] > 0, found
'
tarn ls
ends 0
is_true "no line of $idle" grep -Eq \
	"^ *$idle +$(id -un | cut -c1-16) +[0-9.]+ MiB +[0-9.]+ s +$version +yes +/.*/serve idle$" out
is_true "no line of $deaf" grep -Eq "^ *$deaf .* off +/" out
is "first line" "$(head -n 1 out | tr -s ' ')" \
	" PID USER RSS RUNS FOR VERSION ASK COMMAND"

# --- its library is gone, or nowhere outside ---------------------------

mkdir gone
cp "$TARN_SO" gone/libtarn.so
LD_PRELOAD=$work/gone/libtarn.so start "$work/serve" wait
gone=$started
rm -r gone
tarn ls --json
lists "$gone" 'link="shared"' can_be_asked=true

mkdir inside
# shellcheck disable=SC2016
in_namespaces='mount -t tmpfs none inside && cp "$0" inside/libtarn.so &&
	LD_PRELOAD=$PWD/inside/libtarn.so exec ./serve wait'
if unshare -mp true 2>/dev/null; then
	start unshare -mpf --kill-child --mount-proc bash -c "$in_namespaces" \
		"$TARN_SO"
	inner=$(cat "/proc/$started/task/$started/children")
	is_true "the library is outside" test ! -e inside/libtarn.so
	tarn ls --json
	# A number is followed by a blank.
	lists "${inner% }" "version=\"$version\"" can_be_asked=true
	# Without the privilege that opens the very file: by its root.
	setpriv --bounding-set=-checkpoint_restore,-sys_admin \
		"$TARN" ls --json >out 2>err
	lists "${inner% }" "version=\"$version\""
	unshare -pf --mount-proc "$TARN" ls >out 2>err
	result=$?
	ends 1
	is "with none" "$(cat out)" ""
	says '^tarn: no process runs on tarn$'
	unshare -pf --mount-proc "$TARN" ls --json >out 2>err
	is "status of --json with none" $? 1
	is_true "--json with none" grep -q '"processes": \[\]' out
fi

# --- other users -------------------------------------------------------

if can_be_nobody; then
	LD_PRELOAD=$work/libtarn.so start "${nobody[@]}" "$work/serve" wait
	nobodys=$started
	tarn ls --json
	lists "$nobodys" uid=65534 can_be_asked=true
	"${nobody[@]}" ./tarn ls --json >out 2>err
	lists "$nobodys" uid=65534 can_be_asked=true "version=\"$version\""
	lists_not "$idle"
	says_not .
	"${nobody[@]}" ./tarn ls -v >out 2>err
	says '^tarn: [0-9]+ processes of other users could not be looked at'
fi

# --- the command line --------------------------------------------------

tarn ls everything
ends 125
says "^tarn: ls: what is 'everything'.*try 'tarn --help'"
tarn ls --frob
ends 125
says "unknown or wrong option '--frob'"
tarn ls --help
ends 0
is_true "no help" grep -q -- --verbose out
is "ls into a full device" \
	"$("$TARN" ls 2>&1 >/dev/full | grep -c 'cannot write the list')" 1

finish
