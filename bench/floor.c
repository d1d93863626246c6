/* SPDX-License-Identifier: Apache-2.0
 * The floor of the benchmark: bare libcurl fetches the URLs of standard input, one a line, ROUNDS
 * times over, 64 at once on connections that stay open, and throws away what it gets. The first
 * round, which connects, does not count. Prints the CPU seconds and the bytes of a round.
 *
 * floor ROUNDS SECONDS spreads a round over so many seconds, as the daemon spreads its polls: in
 * MOMENTS groups. Without SECONDS it fetches all at once.
 *
 * libcurl 7.88 keeps the connections of a multi handle in a hash of 97 rows: one multi handle takes
 * about PER_MULTI hosts. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define WINDOW 64
#define PER_MULTI 200
#define MAX_MULTIS 1024
#define MOMENTS 64

struct url {
	char *text;
	size_t multi;
};

static size_t drop(char *data, size_t size, size_t n, void *userdata)
{
	(void)data;
	*(size_t *)userdata += size * n;
	return size * n;
}

static double cpu_seconds(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static size_t hash(const char *s, size_t n)
{
	size_t h = 2166136261U;

	for (size_t i = 0; i < n; i++)
		h = ((h ^ (unsigned char)s[i]) * 16777619U) & 0xffffffffU;
	return h;
}

static int by_multi(const void *a, const void *b)
{
	const struct url *x = a;
	const struct url *y = b;

	return x->multi < y->multi ? -1 : x->multi > y->multi;
}

static size_t read_urls(struct url **ret)
{
	char line[4096];
	struct url *urls = NULL;
	size_t n = 0;

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (n % 1024 == 0)
			urls = realloc(urls, (n + 1024) * sizeof(*urls));
		urls[n++] = (struct url){.text = strdup(line)};
	}
	for (size_t i = 0; i < n; i++) {
		const char *host = strstr(urls[i].text, "//");

		host = host ? host + 2 : urls[i].text;
		urls[i].multi = hash(host, strcspn(host, "/")) % (n / PER_MULTI + 1) % MAX_MULTIS;
	}
	qsort(urls, n, sizeof(*urls), by_multi);
	*ret = urls;
	return n;
}

/* All URLs of one multi handle. */
static void fetch(CURLM *multi, const struct url *u, size_t n, CURL **idle)
{
	size_t n_idle = WINDOW;
	size_t next = 0;
	int running = 1;
	int left;

	while (next < n || running) {
		while (n_idle > 0 && next < n) {
			CURL *e = idle[--n_idle];

			(void)curl_easy_setopt(e, CURLOPT_URL, u[next++].text);
			(void)curl_multi_add_handle(multi, e);
		}
		(void)curl_multi_perform(multi, &running);
		for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));) {
			CURL *e = m->easy_handle;

			if (m->data.result != CURLE_OK) {
				(void)fprintf(
					stderr, "floor: %s\n", curl_easy_strerror(m->data.result));
				exit(1);
			}
			(void)curl_multi_remove_handle(multi, e);
			idle[n_idle++] = e;
		}
		if (running)
			(void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
}

static CURLM *multi_of(const struct url *u)
{
	static CURLM *multis[MAX_MULTIS];
	CURLM **m = &multis[u->multi];

	if (!*m) {
		*m = curl_multi_init();
		(void)curl_multi_setopt(*m, CURLMOPT_MAXCONNECTS, 10000L);
	}
	return *m;
}

/* All URLs; a group ends with a multi handle, or when it is large enough. */
static void fetch_round(const struct url *urls, size_t n, double seconds, CURL **idle)
{
	size_t most = seconds > 0 ? n / MOMENTS + 1 : n;
	double pause = seconds * (double)most / (double)n;
	struct timespec t = {(time_t)pause, (long)((pause - (double)(time_t)pause) * 1e9)};

	for (size_t i = 0, k; i < n; i = k) {
		for (k = i; k < n && k - i < most && urls[k].multi == urls[i].multi; k++)
			;
		fetch(multi_of(&urls[i]), &urls[i], k - i, idle);
		if (seconds > 0)
			(void)nanosleep(&t, NULL);
	}
}

int main(int argc, char **argv)
{
	CURL *idle[WINDOW];
	struct url *urls;
	size_t n = read_urls(&urls);
	int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;
	double seconds = argc > 2 ? strtod(argv[2], NULL) : 0;
	size_t bytes = 0;
	double from = 0;

	if (n == 0 || rounds < 1)
		return 1;
	for (int i = 0; i < WINDOW; i++) {
		idle[i] = curl_easy_init();
		(void)curl_easy_setopt(idle[i], CURLOPT_NOSIGNAL, 1L);
		(void)curl_easy_setopt(idle[i], CURLOPT_WRITEFUNCTION, drop);
		(void)curl_easy_setopt(idle[i], CURLOPT_WRITEDATA, &bytes);
	}
	for (int round = 0; round <= rounds; round++) {
		if (round == 1) {
			from = cpu_seconds();
			bytes = 0;
		}
		fetch_round(urls, n, seconds, idle);
	}
	printf("%.6f %zu\n", (cpu_seconds() - from) / rounds, bytes / (size_t)rounds);
	return 0;
}
