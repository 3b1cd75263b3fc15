#!/bin/bash
# bash and what stands in pipelines: sort, awk, sed, xargs, find, join, tr; arrays,
# subshells and here-documents of the shell itself.
. "$(dirname "$0")/lib.sh"
need awk sed sort xargs find join comm tr cut

cat >"$input/work.bash" <<'WORK'
set -e
awk 'BEGIN { for (i = 1; i <= 200000; i++)
	print i * 7919 % 100003, "word" i % 977, i * 31 % 1009 }' >table
sort -k2,2 -k1,1n --parallel=2 -S 8M table | sha256sum
sort -u -k1,1n table | tail -n 3
cut -d' ' -f2 table | sort | uniq -c | sort -rn -k1,1 -k2,2 | head -n 5
awk '{ n[$2] += $1; text[$3] = text[$3] $1 }
	END { for (k in n) print k, n[k]; for (k in text) print k, length(text[k]) }' \
	table | sort | sha256sum
sed -E 's/([0-9]+) word([0-9]+)/\2:\1/; s/([0-9])\1+/<&>/g; /77/d' table | sha256sum
sed -n 'H; ${x; s/\n/,/g; p}' <(head -n 2000 table) | tr -d , | wc -c
mkdir tree
for ((i = 0; i < 300; i++)); do echo "$i" >"tree/file $i"; done
find tree -type f -print0 | xargs -0 -P2 -n 20 cat | sort -n | md5sum
find tree -type f -name '*7' -exec wc -c {} + | sort | tail -n 2
join <(sort -u -k1,1 table) <(seq 1 2 40000 | sort) | wc -l
comm -12 <(seq 1 5000 | sort) <(seq 1 3 9000 | sort) | md5sum
grep -E -c '(^1|7 )word[0-9]*3' table
tac table | rev | head -c 100000 | od -An -tx1 | md5sum

declare -A count
list=()
while read -r number word _; do
	count[$word]=$((${count[$word]:-0} + number))
	list+=("$word")
done < <(head -n 20000 table)
printf '%s\n' "${!count[@]}" | sort | head -n 5
echo "${#list[@]} ${count[word5]}"
text=
for ((i = 0; i < 3000; i++)); do text+="piece $i "; done
text=${text//piece/part}
echo "${#text} ${text: -20}"
recurse() { if (($1 > 0)); then local here=$1; recurse $(($1 - 1)); fi; echo -n .; }
recurse 300; echo
for i in {1..60}; do (echo "$i" | (read -r x; echo "$((x * x))")); done | md5sum
printf '%s\n' {a..j}{0..9}{0..9} | shuf --random-source=table | sort | md5sum
WORK
same_output bash "$input/work.bash"
served bash awk sed sort uniq xargs find join grep
