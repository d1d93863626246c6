/* SPDX-License-Identifier: Apache-2.0
 * Pauses, and how their end survives restarts. */
#include "core/act/pause.h"

#include <errno.h>
#include <string.h>

void pause_clear(struct pause *p)
{
	free(p->reason);
	free(p->who);
	*p = (struct pause){0};
}

void pause_record_clear(struct pause_record *r)
{
	free(r->reason);
	free(r->who);
	free(r->boot);
	*r = (struct pause_record){0};
}

static int refuse(char **reterr, const char *text)
{
	int r = str_replace(reterr, text);

	return r < 0 ? r : -EINVAL;
}

int pause_set(
	struct pause *ret, const struct pause_ask *ask, usec_t now, usec_t wall, char **reterr)
{
	struct pause p = {.since = wall, .length = ask->length};
	size_t n = ask->reason ? strlen(ask->reason) : 0;
	int r;

	if (n == 0 || strspn(ask->reason, " \t") == n)
		return refuse(reterr, "a pause needs a reason");
	if (n > PAUSE_MAX_REASON)
		return refuse(reterr, "the reason is over 200 bytes");
	if (ask->length > PAUSE_MAX_LENGTH)
		return refuse(reterr, "a pause lasts 366 days at most");
	p.until = ask->length > 0 ? now + ask->length : 0;
	r = str_printable(ask->reason, PAUSE_MAX_REASON, &p.reason);
	if (r >= 0)
		r = str_replace(&p.who, ask->who);
	if (r < 0) {
		pause_clear(&p);
		return r;
	}
	pause_clear(ret);
	*ret = p;
	return 0;
}

bool pause_active(const struct pause *p, usec_t now)
{
	return p->reason && (p->until == 0 || now < p->until);
}

usec_t pause_end(const struct pause *p, usec_t now, usec_t wall)
{
	return p->until == 0 ? 0 : wall + usec_sub(p->until, now);
}

int pause_text(const struct pause *p, char **ret)
{
	char since[32];

	return str_printf(ret, "paused by %s since %s: %s", p->who,
		format_timestamp(since, sizeof(since), p->since), p->reason);
}

int pause_save(
	const struct pause *p, usec_t now, usec_t wall, const char *boot, struct pause_record *ret)
{
	struct pause_record rec = {
		.since = p->since,
		.length = p->length,
		.until_wall = pause_end(p, now, wall),
		.until = p->until,
	};
	int r;

	r = str_replace(&rec.reason, p->reason);
	if (r >= 0)
		r = str_replace(&rec.who, p->who);
	if (r >= 0)
		r = str_replace(&rec.boot, boot);
	if (r < 0) {
		pause_record_clear(&rec);
		return r;
	}
	*ret = rec;
	return 0;
}

/* What is left of it; 0: nothing. */
static usec_t time_left(const struct pause_record *rec, usec_t now, usec_t wall, const char *boot)
{
	usec_t left = rec->boot && str_equal(rec->boot, boot) ? usec_sub(rec->until, now)
							      : usec_sub(rec->until_wall, wall);

	return left < rec->length ? left : rec->length;
}

int pause_restore(const struct pause_record *rec, usec_t now, usec_t wall, const char *boot,
	struct pause *ret)
{
	struct pause p = {.since = rec->since, .length = rec->length};
	int r;

	if (rec->length > 0) {
		usec_t left = time_left(rec, now, wall, boot);

		if (left == 0)
			return 0;
		p.until = now + left;
	}
	r = str_replace(&p.reason, rec->reason);
	if (r >= 0)
		r = str_replace(&p.who, rec->who);
	if (r < 0) {
		pause_clear(&p);
		return r;
	}
	pause_clear(ret);
	*ret = p;
	return 1;
}
