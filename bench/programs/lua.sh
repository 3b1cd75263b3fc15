#!/bin/bash
# lua.sh: tables of tables and strings, made and dropped. Lua asks malloc for every
# object of its own, mostly of 16 to 100 bytes, and grows arrays by realloc.
. "$(dirname "$0")/lib.sh"
parameters rounds=10 -- "$@"
need lua5.4 lua5.4

program() {
	cat <<'END'
local seed = 1
local function random(n)
	seed = (seed * 1103515245 + 12345) % 2147483648
	return seed // 65536 % n
end
local function tree(depth)
	if depth == 0 then return {leaf = "leaf " .. random(1000)} end
	return {tree(depth - 1), tree(depth - 1), name = "node" .. depth}
end
local function count(t)
	if t.leaf then return #t.leaf end
	return count(t[1]) + count(t[2]) + #t.name
end
local sum = 0
for round = 1, tonumber(arg[1]) do
	sum = sum + count(tree(14))
	local words, parts = {}, {}
	for i = 1, 20000 do
		local w = "word" .. random(5000)
		words[w] = (words[w] or 0) + 1
		parts[#parts + 1] = w .. string.rep("x", random(40))
	end
	sum = sum + #table.concat(parts, ",")
end
print(sum)
END
}
input work.lua program
end_of_preparation
$MEASURE lua5.4 "$input" "$rounds" >out || exit
check <out
