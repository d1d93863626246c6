/* SPDX-License-Identifier: Apache-2.0
 * Bare libcurl. A place is a multi handle. */
#include <curl/curl.h>

#include "floor_client.h"

static CURL *idle[WINDOW];
static CURLM *multis[MAX_PLACES];
static size_t n_bytes;

static size_t drop(char *data, size_t size, size_t n, void *userdata)
{
	(void)data;
	(void)userdata;
	n_bytes += size * n;
	return size * n;
}

static void begin(const struct url *urls, size_t n)
{
	(void)urls;
	(void)n;
	for (int i = 0; i < WINDOW; i++) {
		idle[i] = curl_easy_init();
		(void)curl_easy_setopt(idle[i], CURLOPT_NOSIGNAL, 1L);
		(void)curl_easy_setopt(idle[i], CURLOPT_WRITEFUNCTION, drop);
	}
}

static CURLM *multi_of(const struct url *u)
{
	CURLM **m = &multis[u->place];

	if (!*m) {
		*m = curl_multi_init();
		(void)curl_multi_setopt(*m, CURLMOPT_MAXCONNECTS, 10000L);
	}
	return *m;
}

static size_t fetch(const struct url *u, size_t n)
{
	CURLM *multi = multi_of(u);
	size_t n_idle = WINDOW;
	size_t next = 0;
	int running = 1;
	int left;

	n_bytes = 0;
	while (next < n || running) {
		while (n_idle > 0 && next < n) {
			CURL *e = idle[--n_idle];

			(void)curl_easy_setopt(e, CURLOPT_URL, u[next++].text);
			(void)curl_multi_add_handle(multi, e);
		}
		(void)curl_multi_perform(multi, &running);
		for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));) {
			CURL *e = m->easy_handle;

			if (m->data.result != CURLE_OK)
				floor_fail("libcurl", curl_easy_strerror(m->data.result));
			(void)curl_multi_remove_handle(multi, e);
			idle[n_idle++] = e;
		}
		if (running)
			(void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	return n_bytes;
}

const struct floor_client floor_curl = {.name = "curl", .begin = begin, .fetch = fetch};
