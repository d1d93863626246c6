/* SPDX-License-Identifier: Apache-2.0
 * The floor of the benchmark: bare libcurl fetches the URLs of its arguments, ROUNDS times over, on
 * kept connections, and throws away what it gets. Prints the CPU seconds a request took. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

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

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? (int)strtol(argv[1], NULL, 10) : 0;
	size_t bytes = 0;
	double from;
	CURL *e;

	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	e = curl_easy_init();
	if (!e || rounds < 1)
		return 1;
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, drop);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, &bytes);
	(void)curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
	from = cpu_seconds();
	for (int i = 0; i < rounds; i++)
		for (int k = 2; k < argc; k++) {
			(void)curl_easy_setopt(e, CURLOPT_URL, argv[k]);
			if (curl_easy_perform(e) != CURLE_OK)
				return 1;
		}
	printf("%.9f %zu\n", (cpu_seconds() - from) / rounds / (argc - 2), bytes);
	curl_easy_cleanup(e);
	curl_global_cleanup();
	return 0;
}
