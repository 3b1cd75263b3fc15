#!/bin/bash
# php: opens its extensions with RTLD_DEEPBIND, by which they would find libc's
# free. With its own allocator in front of malloc, and without.
. "$(dirname "$0")/lib.sh"
need php

cat >"$input/work.php" <<'END'
<?php
mt_srand(1);
$table = [];
for ($i = 0; $i < 150000; $i++) {
	$table["k" . mt_rand(0, 9000)] = str_repeat("x", mt_rand(0, 300));
	if ($i % 3 == 0)
		unset($table["k" . mt_rand(0, 9000)]);
}
ksort($table);
echo count($table), " ", md5(json_encode($table)), "\n";
$text = "";
for ($i = 0; $i < 50000; $i++)
	$text .= ($i * 7919 % 10007) . ",";
echo preg_match_all('/\d*77\d*/', $text), " ",
	strlen(preg_replace_callback('/(\d)\1/', fn($m) => "<$m[0]>", $text)), "\n";
$parts = explode(",", $text);
sort($parts);
echo $parts[100], " ", count(array_unique($parts)), "\n";
class Node { public $other, $me; }
for ($i = 0; $i < 100000; $i++) {
	$n = new Node;
	$n->me = $n;
	$n->other = $last ?? null;
	$last = $i % 10 ? $n : null;
}
echo gc_collect_cycles() > 0 ? "cycles\n" : "no cycles\n";
$extensions = get_loaded_extensions();
sort($extensions);
echo implode(" ", $extensions), "\n";
foreach ($extensions as $name)
	echo $name, " ", (new ReflectionExtension($name))->getVersion(), "\n";
echo hash("sha256", serialize($table)), "\n";
preg_match_all('|/[^/ ]*\.so$|m', file_get_contents("/proc/self/maps"), $files);
$opened = array_filter(array_unique($files[0]),
	fn($f) => file_exists(ini_get("extension_dir") . $f));
sort($opened);
echo "opened: ", implode(" ", $opened), "\n";
if (function_exists("iconv"))
	echo strlen(iconv("UTF-8", "UTF-16", $text)), "\n";
END

with_malloc() {
	USE_ZEND_ALLOC=0 php -d memory_limit=-1 "$input/work.php"
}

many_times() {
	local i
	for ((i = 0; i < 20; i++)); do
		php -r 'echo count(get_loaded_extensions()), "\n";' || return
	done
}

same_output php "$input/work.php"
served php
same_output with_malloc
same_output many_times
