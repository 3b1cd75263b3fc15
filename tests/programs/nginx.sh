#!/bin/bash
# nginx under load: two workers, files, compression, a reload in between; every
# answer is looked at.
. "$(dirname "$0")/lib.sh"
need nginx
need_python

mkdir "$input/html"
for ((i = 0; i < 50; i++)); do
	seq $((i * 100)) $((i * 500)) >"$input/html/$i.txt"
done
cat >"$input/conf" <<END
daemon off;
user $(id -un) $(id -gn);
worker_processes 2;
pid nginx.pid;
error_log error.log;
events { worker_connections 256; }
http {
	access_log access.log;
	client_body_temp_path temp_body;
	proxy_temp_path temp_proxy;
	fastcgi_temp_path temp_fastcgi;
	uwsgi_temp_path temp_uwsgi;
	scgi_temp_path temp_scgi;
	types { text/plain txt; }
	server {
		listen unix:$work/run/socket;
		root $input/html;
		gzip on;
		gzip_min_length 100;
		location /back/ { proxy_pass http://unix:$work/run/socket:/; }
		location /moved { return 301 /1.txt; }
	}
}
END
cat >"$input/load.py" <<'END'
import gzip, hashlib, http.client, os, signal, socket, sys, threading

class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect("socket")

# A reload closes idle connections, so a request may have to be sent again.
def ask(connection, path, headers):
    for again in range(20):
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer, answer.read()
        except (http.client.RemoteDisconnected, ConnectionError):
            connection.close()
    raise SystemExit("no answer to " + path)

def load(worker, rounds, answers):
    for i in range(rounds):
        connection = Connection("localhost")
        for j in range(20):
            n = (worker * 7 + i * 20 + j) % 53
            path = ("/back/%d.txt" if j % 4 == 0 else "/%d.txt") % n
            if j % 9 == 8:
                path = "/moved"
            headers = {"Accept-Encoding": "gzip"} if j % 2 else {}
            answer, body = ask(connection, path, headers)
            if answer.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            answers.setdefault((path, answer.status), set()).add(
                hashlib.sha256(body).hexdigest())
        connection.close()

answers = [{} for _ in range(8)]
threads = [threading.Thread(target=load, args=(n, 12, answers[n]))
           for n in range(8)]
for n, thread in enumerate(threads):
    thread.start()
    if n == 4 and len(sys.argv) > 1:
        os.kill(int(sys.argv[1]), signal.SIGHUP)
for thread in threads: thread.join()
merged = {}
for each in answers:
    for key, value in each.items():
        merged.setdefault(key, set()).update(value)
for key in sorted(merged):
    print(key, sorted(merged[key]))
END

# With both workers, where the kernel tells a process's children.
answers() {
	local children=/proc/$server/task/$server/children workers
	if test -f "$children"; then
		read -ra workers <"$children"
		test ${#workers[@]} = 2 || return
	fi
	"$python" -c 'import socket
socket.socket(socket.AF_UNIX).connect("socket")'
}

work_it() {
	local worker workers
	start nginx -p "$work/run" -c "$input/conf" -e error.log
	until_true answers
	is_served "$server"
	read -ra workers < <(cat "/proc/$server/task/$server/children")
	for worker in "${workers[@]}"; do
		is_served "$worker"
	done
	echo "${#workers[@]} workers"
	"$python" ../input/load.py || return
	"$python" ../input/load.py "$server" || return
	"$python" ../input/load.py || return
	stop || return
	grep -E -c 'exited on signal|alert|emerg' error.log
	awk '{ print $9 }' access.log | sort -u
}

same_output work_it
served 'nginx: worker process' 'nginx: master process.*'
