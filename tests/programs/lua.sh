#!/bin/bash
# lua: tables, strings, coroutines, weak tables; every block is resized by realloc.
. "$(dirname "$0")/lib.sh"
need lua5.4

cat >"$input/work.lua" <<'END'
local seed = 1
local function number(n)
	seed = (seed * 1103515245 + 12345) % 2147483648
	return seed // 65536 % n
end
local t, sum = {}, 0
for i = 1, 400000 do
	local k = number(20000)
	if t[k] then sum = sum + #t[k] end
	t[k] = (i % 3 == 0) and nil or string.rep("x", number(300))
end
print(sum)
local parts = {}
for i = 1, 100000 do parts[#parts + 1] = tostring(i * 7919 % 10007) end
local text = table.concat(parts, ",")
print(#text, select(2, text:gsub("77", "seven")), text:find("4242", 1, true))
table.sort(parts)
print(parts[1], parts[50000], parts[#parts])
local makers = {}
for i = 1, 5000 do
	makers[i] = coroutine.wrap(function()
		for j = 1, 10 do coroutine.yield(i * j) end
	end)
end
sum = 0
for _ = 1, 10 do for i = 1, 5000 do sum = sum + makers[i]() end end
print(sum)
local weak = setmetatable({}, {__mode = "v"})
for i = 1, 50000 do weak[i] = {i} end
makers, parts = nil, nil
collectgarbage()
collectgarbage("generational")
for i = 1, 300000 do t[i % 1000] = {i, {i}, tostring(i)} end
collectgarbage()
print(next(weak) == nil, #t)
print(string.format("%q", string.pack("<i4z", 7, "tarn")))
END
same_output lua5.4 "$input/work.lua"
served lua5.4
