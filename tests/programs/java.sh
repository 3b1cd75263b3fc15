#!/bin/bash
# java -version, javac, and a class with many threads; the heap of Java is its own,
# what the compiler threads, zip and direct buffers take is malloc's.
. "$(dirname "$0")/lib.sh"
need java javac
unset JDK_JAVA_OPTIONS JAVA_TOOL_OPTIONS

cat >"$input/Work.java" <<'END'
import java.io.*;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;
import java.util.zip.*;

public class Work {
	static long churn(int seed) throws Exception {
		Random random = new Random(seed);
		Map<Integer, ByteBuffer> table = new HashMap<>();
		long sum = 0;
		for (int i = 0; i < 700; i++) {
			ByteBuffer b = ByteBuffer.allocateDirect(random.nextInt(4000));
			while (b.remaining() > 8)
				b.putLong(i);
			table.put(random.nextInt(200), b);
			if (i % 50 == 0) {
				byte[] text = new byte[20000];
				Arrays.fill(text, (byte)i);
				ByteArrayOutputStream out = new ByteArrayOutputStream();
				try (GZIPOutputStream z = new GZIPOutputStream(out)) {
					z.write(text);
				}
				sum += new GZIPInputStream(new ByteArrayInputStream(
					out.toByteArray())).readAllBytes().length;
				sum += MessageDigest.getInstance("SHA-256")
					.digest(text)[0];
			}
		}
		return sum + table.values().stream().mapToLong(b -> b.capacity()).sum();
	}

	public static void main(String[] args) throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(8);
		List<Future<Long>> results = new ArrayList<>();
		for (int i = 0; i < 24; i++) {
			int seed = i;
			results.add(pool.submit(() -> churn(seed)));
		}
		for (Future<Long> result : results)
			System.out.println(result.get());
		pool.shutdown();
		Thread[] threads = new Thread[200];
		for (int i = 0; i < threads.length; i++)
			(threads[i] = new Thread(() -> new byte[1000].clone())).start();
		for (Thread thread : threads)
			thread.join();
		Map<Integer, Long> counts = IntStream.range(0, 200000).boxed()
			.parallel().collect(Collectors.groupingBy(
				i -> i * 7919 % 13, TreeMap::new,
				Collectors.counting()));
		System.out.println(counts);
	}
}
END

flags="-Xmx128m -Xss512k -XX:-UsePerfData"
# shellcheck disable=SC2086
compile_and_run() {
	java $flags -version 2>&1 | head -n 1
	javac -J-Xmx192m -J-XX:-UsePerfData -d . ../input/Work.java || return
	sha256sum ./*.class
	java $flags -XX:+UseSerialGC -cp . Work || return
	java $flags -XX:+UseParallelGC -cp . Work | sha256sum
}

same_output compile_and_run
served java javac
