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
}
