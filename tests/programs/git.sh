#!/bin/bash
# git: a repository with many commits is made, merged, packed, cloned, checked.
. "$(dirname "$0")/lib.sh"
need git
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null HOME=$work
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org
export GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org
export GIT_PAGER=cat

# 300 commits by fast-import, two branches that differ in some files.
history() {
	awk 'BEGIN {
		for (i = 1; i <= 300; i++) {
			branch = i % 3 == 0 ? "side" : "main"
			print "commit refs/heads/" branch
			print "committer C <c@example.org> " 1000000000 + i " +0000"
			message = "change " i
			print "data " length(message) "\n" message
			if (i == 3) print "from refs/heads/main"
			for (f = 0; f < 3; f++) {
				text = ""
				for (l = 0; l < 20 + i % 50; l++)
					text = text "line " l * i % 91 " of " i "\n"
				print "M 644 inline " branch "/d" i % 11 \
					"/f" (i * 7 + f) % 40
				print "data " length(text) "\n" text
			}
		}
		print "done"
	}'
}

work_on_it() {
	set -e
	git init -q -b main origin
	git -C origin fast-import --quiet --done <"$input/history"
	cd origin
	git checkout -q -f main
	for i in 1 2 3 4 5 6 7 8; do
		echo "text $i" >>main/list
		git add -A
		export GIT_AUTHOR_DATE="$((1100000000 + i)) +0000"
		export GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
		git commit -q -m "by hand $i"
	done
	git merge -q --no-edit side
	git -c pack.threads=2 gc -q --aggressive --prune=now
	git fsck --full --strict 2>/dev/null
	git count-objects
	cd ..
	git clone -q --no-local origin copy
	git clone -q --bare --no-local --depth 20 "file://$PWD/origin" bare
	git -C copy fsck --full 2>/dev/null
	git -C copy log --stat --graph --format='%H %s' | sha256sum
	git -C copy log -p --find-renames --format=%H main~200..main | sha256sum
	git -C copy blame -s main/list
	git -C copy grep -c 'line 77 of' | sort | head -n 20
	git -C copy -c pack.threads=2 repack -q -a -d -f --depth=50
	git verify-pack -v copy/.git/objects/pack/*.idx |
		grep -c -E '^[0-9a-f]{40} (commit|tree|blob)'
	git -C bare rev-list --count --all
	git -C copy archive --format=tar main | sha256sum
	(cd copy && find . -path ./.git -prune -o -type f -print0 | sort -z |
		xargs -0 sha256sum | sha256sum)
}

history >"$input/history"
same_output work_on_it
served git
