#!/bin/bash
# node: buffers, zlib, crypto and worker threads, which allocate at once.
. "$(dirname "$0")/lib.sh"
need node
export NODE_OPTIONS=--max-old-space-size=256

cat >"$input/work.js" <<'END'
const { Worker, isMainThread, parentPort, workerData } =
	require("worker_threads");
const crypto = require("crypto"), zlib = require("zlib");
const { execFileSync } = require("child_process");

function numbers(seed) {
	return (n) => {
		seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
		return (seed >> 8) % n;
	};
}

function churn(seed, rounds) {
	const next = numbers(seed), table = new Map();
	let sum = 0;
	for (let i = 0; i < rounds; i++) {
		table.set(next(500), Buffer.alloc(next(20000), i & 255));
		if (i % 3 == 0)
			table.delete(next(500));
		if (i % 100 == 0) {
			const all = Buffer.concat([...table.values()].slice(0, 20));
			const back = zlib.inflateSync(zlib.deflateSync(all));
			sum += back.length;
			sum += crypto.createHash("sha256").update(back).digest()[0];
		}
	}
	return sum;
}

if (!isMainThread) {
	parentPort.postMessage([workerData, churn(workerData, 3000)]);
} else {
	console.log(churn(99, 10000));
	const shared = new Int32Array(new SharedArrayBuffer(4096));
	const text = JSON.stringify([...Array(50000).keys()].map((i) =>
		({ i, name: "n" + i * 7919 % 10007, list: Array(i % 5).fill(i) })));
	console.log(text.length, JSON.parse(text).length,
		text.match(/77\d/g).length, shared.length);
	for (let i = 0; i < 4; i++)
		console.log(execFileSync("sh", ["-c", "echo child " + i]).toString()
			.trim());
	const results = [];
	let round = 0;
	(function start() {
		let left = 4;
		for (let i = 1; i <= 4; i++)
			new Worker(__filename, { workerData: round * 4 + i })
				.on("message", (m) => results.push(m))
				.on("error", (e) => { throw e; })
				.on("exit", () => {
					if (--left == 0 && ++round < 3)
						start();
					else if (left == 0)
						console.log(results.sort((a, b) => a[0] - b[0])
							.join("\n"));
				});
	})();
	zlib.gzip(text, (e, packed) => zlib.gunzip(packed, (e, back) =>
		process.on("exit", () => console.log(back.toString() === text))));
}
END
same_output node "$input/work.js"
served node
