/* SPDX-License-Identifier: Apache-2.0
 * The floor of the benchmark: fetches the URLs of standard input, one a line, ROUNDS times over, 64
 * at once on connections that stay open, and throws away what it gets. The first round, which
 * connects, does not count. Prints the CPU seconds and the bytes of a round.
 *
 * floor CLIENT ROUNDS SECONDS spreads a round over so many seconds, as the daemon spreads its
 * polls: in MOMENTS groups. With 0 SECONDS it fetches all at once. CLIENT is curl or sockets.
 *
 * libcurl 7.88 keeps the connections of a multi handle in a hash of 97 rows: one multi handle takes
 * about PER_PLACE hosts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "floor_client.h"

#define PER_PLACE 200
/* The daemon takes turns ten times an interval, over four fifths of it (src/watch/poller.c). */
#define MOMENTS 8

void floor_fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "floor: %s: %s\n", what, why);
	exit(1);
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

static int by_place(const void *a, const void *b)
{
	const struct url *x = a;
	const struct url *y = b;

	return (x->place > y->place) - (x->place < y->place);
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
		urls[i].place = hash(host, strcspn(host, "/")) % (n / PER_PLACE + 1) % MAX_PLACES;
	}
	qsort(urls, n, sizeof(*urls), by_place);
	for (size_t i = 0; i < n; i++)
		urls[i].number = i;
	*ret = urls;
	return n;
}

static size_t fetch_group(const struct floor_client *client, const struct url *urls, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0, k; i < n; i = k) {
		for (k = i; k < n && urls[k].place == urls[i].place; k++)
			;
		bytes += client->fetch(&urls[i], k - i);
	}
	return bytes;
}

static size_t fetch_round(
	const struct floor_client *client, const struct url *urls, size_t n, double seconds)
{
	size_t most = seconds > 0 ? n / MOMENTS + 1 : n;
	double pause = seconds * (double)most / (double)n;
	struct timespec t = {(time_t)pause, (long)((pause - (double)(time_t)pause) * 1e9)};
	size_t bytes = 0;

	for (size_t i = 0; i < n; i += most) {
		bytes += fetch_group(client, &urls[i], most < n - i ? most : n - i);
		if (seconds > 0)
			(void)nanosleep(&t, NULL);
	}
	return bytes;
}

static const struct floor_client *client_of(const char *name)
{
	static const struct floor_client *const clients[] = {&floor_curl, &floor_sockets};

	for (size_t i = 0; i < sizeof(clients) / sizeof(*clients); i++)
		if (strcmp(clients[i]->name, name) == 0)
			return clients[i];
	floor_fail(name, "is no client");
}

int main(int argc, char **argv)
{
	const struct floor_client *client = client_of(argc > 1 ? argv[1] : "");
	long rounds = argc == 4 ? strtol(argv[2], NULL, 10) : 0;
	double seconds = argc == 4 ? strtod(argv[3], NULL) : 0;
	struct url *urls;
	size_t n = read_urls(&urls);
	size_t bytes = 0;
	double from = 0;

	if (n == 0 || rounds < 1)
		floor_fail("usage", "floor curl|sockets ROUNDS SECONDS < URLS");
	client->begin(urls, n);
	for (long round = 0; round <= rounds; round++) {
		if (round == 1)
			from = cpu_seconds();
		bytes = fetch_round(client, urls, n, seconds);
	}
	printf("%.6f %zu\n", (cpu_seconds() - from) / (double)rounds, bytes);
	return 0;
}
