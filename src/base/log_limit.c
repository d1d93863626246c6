/* SPDX-License-Identifier: Apache-2.0
 * Counts lines of the log. */
#include "base/log_limit.h"

bool log_limit_over(const struct log_limit *l, usec_t now)
{
	return l->since > 0 && (now < l->since || now - l->since >= USEC_PER_MINUTE);
}

void log_limit_begin(struct log_limit *l, usec_t now)
{
	*l = (struct log_limit){.since = now, .left_out = l->left_out};
}

static struct log_site *site_of(struct log_limit *l, const char *fmt)
{
	for (unsigned i = 0; i < l->n_sites; i++)
		if (l->sites[i].fmt == fmt)
			return &l->sites[i];
	if (l->n_sites < LOG_SITES)
		l->sites[l->n_sites++].fmt = fmt;
	return &l->sites[l->n_sites - 1];
}

bool log_limit_take(struct log_limit *l, const char *fmt)
{
	struct log_site *s = site_of(l, fmt);

	if (s->n < LOG_LINES_ANYWAY || (s->n < LOG_LINES_OF_A_SITE && l->n < LOG_LINES_OF_ALL)) {
		s->n++;
		l->n++;
		return true;
	}
	s->left_out++;
	l->left_out++;
	return false;
}
