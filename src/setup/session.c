/* SPDX-License-Identifier: Apache-2.0
 * Puts the transports on one another. */
#include "setup/session.h"

#include <signal.h>

#include "base/log.h"
#include "io/credentials.h"
#include "io/http_client.h"
#include "io/redactor.h"
#include "wire/token.h"

static const struct credentials_readers token_readers = {
	.decode = token_decode_answer, .expires = token_expires};

static int add_transports(struct session *s, size_t max_parallel)
{
	int r;

	r = sd_event_new(&s->event);
	if (r >= 0)
		r = http_client_new(
			s->event, "stagewatchd/" STAGEWATCHD_VERSION, max_parallel, &s->client);
	if (r >= 0)
		r = redactor_new(http_client_transport(s->client), &s->redactor);
	if (r >= 0)
		r = credentials_new(
			s->event, redactor_transport(s->redactor), &token_readers, &s->credentials);
	return r;
}

int session_open(struct session *s, struct settings *settings)
{
	struct strlist errors = {0};
	int r;

	(void)signal(SIGPIPE, SIG_IGN);
	r = add_transports(s, settings->daemon.max_parallel_requests);
	if (r < 0) {
		settings_free(settings);
		return r;
	}
	r = runtime_new(settings, session_transport(s), s->event, &s->runtime, &errors);
	for (size_t i = 0; i < errors.n; i++)
		log_error("%s", errors.items[i]);
	strlist_clear(&errors);
	return r;
}

struct transport *session_transport(const struct session *s)
{
	return credentials_transport(s->credentials);
}

void session_close(struct session *s)
{
	runtime_unref(s->runtime);
	credentials_free(s->credentials);
	redactor_free(s->redactor);
	http_client_free(s->client);
	sd_event_unref(s->event);
	*s = (struct session){0};
}
