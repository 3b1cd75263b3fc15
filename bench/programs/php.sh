#!/bin/bash
# php.sh: arrays of arrays and strings, with USE_ZEND_ALLOC=0: php then asks malloc
# for every value rather than an allocator of its own.
. "$(dirname "$0")/lib.sh"
parameters n=300000 -- "$@"
need php php-cli

program() {
	cat <<'END'
<?php
$s = 1; $t = []; $sum = 0;
for ($i = 0; $i < (int)$argv[1]; $i++) {
	$s = ($s * 1103515245 + 12345) & 0x7fffffff;
	$k = "key" . (($s >> 8) % 15000);
	$t[$k]["list"][] = str_repeat("x", ($s >> 4) % 100) . $i;
	$t[$k]["n"] = ($t[$k]["n"] ?? 0) + 1;
	if ($i % 3 == 0)
		unset($t["key" . (($s >> 5) % 15000)]);
}
ksort($t);
foreach ($t as $k => $v)
	$sum += strlen(implode(",", $v["list"])) + strlen(json_encode($v));
echo count($t), " ", $sum, "\n";
END
}
input work.php program
end_of_preparation
export USE_ZEND_ALLOC=0
$MEASURE php -n -d memory_limit=-1 "$input" "$n" >out || exit
check <out
