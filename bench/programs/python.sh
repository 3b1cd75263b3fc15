#!/bin/bash
# python.sh: JSON made, read, sorted and joined. With malloc=1 every object is
# malloc's (PYTHONMALLOC=malloc), else only what is larger than 512 bytes, and the
# arenas in which python3 keeps the small ones.
. "$(dirname "$0")/lib.sh"
parameters rounds=10 malloc=0 -- "$@"
need python3 python3

program() {
	cat <<'END'
import json, random, sys
random.seed(1)
words = [f"word{i}" for i in range(300)]
def thing(depth):
    if depth == 0:
        return random.choice([random.random(), random.choice(words), None, 7])
    return {random.choice(words): thing(depth - 1) for _ in range(6)}
total = 0
for _ in range(int(sys.argv[1])):
    things = [thing(4) for _ in range(15)]
    text = json.dumps(things)
    again = json.loads(text)
    lines = sorted(json.dumps(part) for part in again)
    table = {line[:60]: line.split('"') for line in lines}
    total += len(text) + sum(len(parts) for parts in table.values())
print(total)
END
}
input work.py program
end_of_preparation
test "$malloc" = 0 || export PYTHONMALLOC=malloc
$MEASURE python3 -S "$input" "$rounds" >out || exit
check <out
