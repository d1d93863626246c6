/* SPDX-License-Identifier: Apache-2.0
 * A loop for one request. */
#include "io/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "base/strbuf.h"
#include "io/http_client.h"

struct wait {
	sd_event *event;
	struct fetched *ret;
	char **reterr;
	int error;
};

void fetched_clear(struct fetched *f)
{
	free(f->type);
	free(f->body);
	*f = (struct fetched){0};
}

static int take(const struct transport_answer *answer, struct fetched *ret)
{
	struct fetched f = {.status = answer->status, .len = answer->len};
	int r;

	r = str_replace(&f.type, answer->content_type);
	f.body = malloc(answer->len + 1);
	if (r < 0 || !f.body) {
		fetched_clear(&f);
		return -ENOMEM;
	}
	memcpy(f.body, answer->body, answer->len);
	f.body[answer->len] = '\0';
	*ret = f;
	return 0;
}

static void on_answer(void *userdata, const struct transport_answer *answer)
{
	struct wait *w = userdata;

	w->error = answer->error;
	if (answer->error < 0)
		(void)str_replace(w->reterr, answer->error_text);
	else
		w->error = take(answer, w->ret);
	(void)sd_event_exit(w->event, 0);
}

int fetch(const char *agent, const struct transport_ask *ask, struct fetched *ret, char **reterr)
{
	struct wait w = {.ret = ret, .reterr = reterr};
	struct transport_request *request = NULL;
	struct http_client *client = NULL;
	int r;

	r = sd_event_new(&w.event);
	if (r >= 0)
		r = http_client_new(w.event, agent, 1, &client);
	if (r >= 0)
		r = transport_send(http_client_transport(client), ask, on_answer, &w, &request);
	if (r >= 0)
		r = sd_event_loop(w.event);
	http_client_free(client);
	sd_event_unref(w.event);
	return r < 0 ? r : w.error;
}
