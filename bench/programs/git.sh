#!/bin/bash
# git.sh: the history of a generated repository as patches. Objects are inflated,
# compared and dropped; buffers grow.
. "$(dirname "$0")/lib.sh"
parameters commits=400 -- "$@"
need git git

# A stream for git fast-import: files of some hundred lines, a few change each time.
history() {
	awk -v n="$commits" 'function file(k, version,    text, i) {
		text = ""
		for (i = 0; i < 150 + k * 3; i++)
			text = text "line " i " of file " k \
				((i * 31 + version * 17) % 97 == 0 ? " changed" : "") "\n"
		return text
	}
	BEGIN {
		for (c = 1; c <= n; c++) {
			print "commit refs/heads/main"
			print "committer a <a@b> " 1600000000 + c * 60 " +0000"
			print "data 9\nchange " (c % 10)
			for (k = 0; k < 60; k++) {
				if (c > 1 && (k + c) % 12)
					continue
				text = file(k, c)
				printf "M 644 inline directory%d/file%d\n", k % 7, k
				printf "data %d\n%s\n", length(text), text
			}
		}
	}'
}
repository() {
	rm -rf "$INPUT/making.git"
	git init -q --bare "$INPUT/making.git" &&
		history | git -C "$INPUT/making.git" fast-import --quiet &&
		mv "$INPUT/making.git" "$INPUT/git-$commits.git"
}
test -d "$INPUT/git-$commits.git" || repository >&2 || fail "no repository"
end_of_preparation
export GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat
$MEASURE git -C "$INPUT/git-$commits.git" log -p --stat -M main >out || exit
check <out
