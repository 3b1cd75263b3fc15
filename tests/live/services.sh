#!/bin/bash
# services.sh: real services under load, asked again and again: no client sees an
# error, nothing is lost that is not explained in known.supp, and the process is
# afterwards as it was before.
#
# Each takes some seconds; LIVE_SECONDS=60 is for a long run by hand, and names of
# services as arguments choose some of them.

bound_seconds=3600
. "$(dirname "$0")/live.bash"
need_python
test -n "${TARN-}" || skip "no command in this build"
seconds=${LIVE_SECONDS:-1.5}
chosen=" ${*:-redis memcached apache python node} "

# What every look says of its doubts.
flags=-

# serve NAME KIND PLACE PID: loads it by clients, and asks PID meanwhile.
serve() {
	local name=$1 kind=$2 place=$3 asked=$4 client
	if ! soon "$python" "$here/load.py" "$kind" "$place" 1 0; then
		fail "$name: does not answer" "$name.err"
		return
	fi
	"$python" "$here/load.py" "$kind" "$place" 8 0.3 >/dev/null
	sleep 0.3
	picture "$asked" >"$name.before"
	n_reports=0
	rm -rf reports
	mkdir reports
	"$python" "$here/load.py" "$kind" "$place" 8 "$seconds" \
		>"$name.load" 2>&1 &
	client=$!
	while kill -0 $client 2>/dev/null; do
		if ! "$ask" -n 1 -w 30 -o reports "$asked" \
			>>"$name.looks" 2>"$name.refused"; then
			kill -0 $client 2>/dev/null &&
				fail "$name: refused" "$name.refused"
			break
		fi
		mv reports/0001.report "reports/$((++n_reports)).report"
	done
	wait $client || fail "$name: a client saw an error" "$name.load"
	check "$name" "$kind" "$place" "$asked"
}

check() {
	local name=$1 kind=$2 place=$3 asked=$4
	doubtful "$flags" "$name.looks" >"$name.doubts" &&
		fail "$name: a look was not sure" "$name.doubts"
	"$TARN" report --suppressions "$here/known.supp" \
		--fail-on=lost,cycle -o "$name.report" reports/*.report ||
		fail "$name: lost, and not known" "$name.report"
	"$python" "$here/load.py" "$kind" "$place" 2 0.2 >/dev/null ||
		fail "$name: does not answer any more"
	unchanged "$name" "$asked" "$name.before"
	n_done=$((n_done + 1))
	test -z "${LIVE_VERBOSE-}" || cat "$name.looks"
	echo "$name: $(wc -l <"$name.looks") looks, $(tail -n 1 "$name.load")"
}

wanted() {
	[[ $chosen == *" $1 "* ]] || return 1
	has "$2" || echo "$2 is not installed"
	has "$2"
}

if wanted redis redis-server; then
	start redis redis-server --port 0 --unixsocket "$work/redis" \
		--dir "$work" --save '' --appendonly no --daemonize no
	serve redis redis "$work/redis" $pid
	finish $pid
fi

if wanted memcached memcached; then
	start memcached memcached -s "$work/memcached" -t 4 -u "$(id -un)"
	serve memcached memcached "$work/memcached" $pid
	finish $pid
fi

free_port() {
	"$python" -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# The process of PID's children that has the most threads.
worker_of() {
	local child
	for child in $(children "$1"); do
		echo "$(ls "/proc/$child/task" | wc -l) $child"
	done | sort -n | tail -n 1 | cut -d ' ' -f 2
}

modules=/usr/lib/apache2/modules
if wanted apache apache2 && test -f $modules/mod_mpm_event.so; then
	port=$(free_port)
	mkdir pages
	for ((i = 0; i < 8; i++)); do
		mkdir pages/$i
		for ((j = 0; j < 20; j++)); do
			head -c $((i * j * 300)) /dev/zero >pages/$i/$j
			printf /%d/%d $i $j >>pages/$i/$j
		done
	done
	chmod -R a+rX pages
	cat >apache.conf <<-END
		ServerRoot "$work"
		ServerName here
		PidFile $work/apache.pid
		ErrorLog $work/apache.log
		Listen 127.0.0.1:$port
		LoadModule mpm_event_module $modules/mod_mpm_event.so
		LoadModule authz_core_module $modules/mod_authz_core.so
		User #65534
		Group #65534
		StartServers 1
		ThreadsPerChild 16
		MaxRequestWorkers 16
		MaxConnectionsPerChild 0
		KeepAlive On
		DocumentRoot "$work/pages"
	END
	serve_apache() {
		local name=$1
		shift
		start $name "$@" apache2 -d "$work" -f "$work/apache.conf" \
			-DFOREGROUND
		soon eval 'test -n "$(worker_of $pid)"'
		serve $name http "$port" "$(worker_of $pid)"
		finish $pid
	}
	chmod 777 "$work"
	if test "$(id -u)" != 0; then
		serve_apache apache
	elif has setpriv; then
		serve_apache apache setpriv --reuid=65534 --regid=65534 \
			--clear-groups
		# A server that drops its privileges may not be traced by its own
		# user, so it cannot stop its own threads.
		rm -f apache.pid apache.log
		flags=threads_ran+registers_unseen
		serve_apache apache_root
		flags=-
	fi
fi

cat >serve.py <<'END'
import http.server, json, socketserver

kept = {}

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self):
        a, b = self.path.split("/")[1:]
        data = [{"id": i, "name": "n%d" % i} for i in range(int(b))]
        kept[self.path] = json.loads(json.dumps(data))
        body = json.dumps(kept[self.path]).encode() + self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

http.server.ThreadingHTTPServer.request_queue_size = 64
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
END

if wanted python python3; then
	for malloc in malloc default; do
		export PYTHONMALLOC=$malloc
		start python_$malloc "$python" serve.py
		unset PYTHONMALLOC
		soon test -s python_$malloc.out
		serve python_$malloc http "$(cat python_$malloc.out)" $pid
		finish $pid
	done
fi

cat >serve.js <<'END'
const kept = new Map();
const server = require("http").createServer(async (request, response) => {
	const n = Number(request.url.split("/")[2]);
	const data = [];
	for (let i = 0; i < n; i++)
		data.push({id: i, name: "n" + i, buffer: Buffer.alloc(4000)});
	kept.set(request.url, data);
	await new Promise((resolve) => setTimeout(resolve, n % 3));
	const body = "x".repeat(n * 1000) + request.url;
	response.writeHead(200, {"Content-Length": body.length});
	response.end(body);
});
server.keepAliveTimeout = 60000;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
END
if wanted node node; then
	TARN_CONF=sites:all start node node serve.js
	soon test -s node.out
	serve node http "$(cat node.out)" $pid
	finish $pid
fi

test $n_done != 0 || test $status != 0 || skip "none of the services is here"
echo "$n_done services"
exit $status
