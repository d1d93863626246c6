/* SPDX-License-Identifier: Apache-2.0
 * What tasks of a recording do in the JVM. */
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;

public class Jobs {
	private static final AtomicInteger TASKS = new AtomicInteger();
	private static final Object[] LOCKS = {new Object(), new Object()};

	/* Every other task of this JVM takes the locks in the other order. */
	public static int deadlock(int id) throws Exception {
		int first = TASKS.getAndIncrement() % 2;
		synchronized (LOCKS[first]) {
			Thread.sleep(3000);
			synchronized (LOCKS[1 - first]) {
				return id;
			}
		}
	}

	public static int readFrom(int port) throws Exception {
		try (Socket socket = new Socket("127.0.0.1", port)) {
			return socket.getInputStream().read();
		}
	}

	public static double compute(int n) {
		double x = 0;
		for (long i = 0; i < n * 1000000L; i++)
			x += Math.sqrt(i) * step(i);
		return x;
	}

	private static double step(long i) {
		double y = 0;
		for (int k = 0; k < 10; k++)
			y += Math.cbrt(i + k);
		return y;
	}

	private static final java.util.ArrayList<byte[]> HELD = new java.util.ArrayList<>();

	/* Holds most of the heap, and makes garbage in the rest for so many seconds. */
	public static int hoard(int seconds) {
		Runtime r = Runtime.getRuntime();
		long end = System.nanoTime() + seconds * 1000000000L;
		int n = 0;

		synchronized (HELD) {
			while (HELD.size() * 1024L < r.maxMemory() * 6 / 10)
				HELD.add(new byte[1000]);
		}
		while (System.nanoTime() < end) {
			byte[][] garbage = new byte[1000][];

			for (int i = 0; i < garbage.length; i++)
				garbage[i] = new byte[1000 + n % 7];
			n += garbage.length;
		}
		return n;
	}

	public static int exhaust(int id) {
		java.util.ArrayList<byte[]> mine = new java.util.ArrayList<>();

		while (true)
			mine.add(new byte[100000 + id]);
	}
}
