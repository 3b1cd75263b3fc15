#!/bin/bash
# tar with gzip, and with xz and zstd of two threads: archives are the same, byte
# for byte, and what comes out is what went in.
. "$(dirname "$0")/lib.sh"
need tar xz zstd gzip

mkdir -p "$input/tree/a/b/c"
for ((i = 0; i < 30; i++)); do
	seq $((i * 1000)) $((i * 1000 + 30000)) >"$input/tree/a/numbers$i"
	printf '%s\n' "$i" >"$input/tree/a/b/c/small$i"
done
ln -s a/numbers1 "$input/tree/link"

round() {
	local name=$1 program=$2
	tar --sort=name --mtime=@1000000000 --owner=0 --group=0 --numeric-owner \
		-C ../input -I "$program" -cf "$name" tree || return
	mkdir "$name.d" && tar -I "$program" -C "$name.d" -xf "$name" || return
	diff -r --no-dereference ../input/tree "$name.d/tree" &&
		tar -I "$program" -tf "$name" | wc -l && sha256sum "$name"
}

rounds() {
	round tree.tar.xz 'xz -T2 --block-size=1MiB -2' &&
		round tree.tar.zst 'zstd -q -T2 -12' &&
		round tree.tar.gz 'gzip -n' &&
		xz -t tree.tar.xz && zstd -q -t tree.tar.zst
}

same_output rounds
served tar xz zstd gzip diff
