/* SPDX-License-Identifier: Apache-2.0
 * The one place where an answer that could not be used is counted and told. */
#include "watch/answers.h"

#include "base/log.h"

static void tell(
	const struct answers_about *about, const struct asked *asked, enum fault_change change)
{
	struct log_about log = {
		.cluster = about->cluster, .app_id = about->app_id, .url = asked->url};

	if (change == FAULT_NEW)
		log_event(about->evidence ? LOG_NOTICE : LOG_WARNING, &log,
			"%s: %s%s %s (%s); it is asked again", about->cluster, asked->url,
			asked->what, asked->fault.text, asked->fault.reason);
	else if (change == FAULT_ENDED)
		log_event(LOG_NOTICE, &log, "%s: %s%s answers again", about->cluster, asked->url,
			asked->what);
}

void answers_note(struct stats *stats, struct health *health, const struct answers_about *about,
	const struct asked *asked)
{
	bool silent = fault_is_silence(&asked->fault);
	const struct standing_fault like = {
		.silent = silent,
		.blinds = !silent || about->required,
		.passing = silent && about->evidence,
		.since = about->wall,
	};
	struct health_cluster *s = health_cluster(health, about->cluster);
	enum fault_change change = FAULT_NONE;

	stats_cluster_error(stats, about->cluster, asked->fault.reason);
	if (!s || faults_note(&s->faults, asked, about->app_id, &like, &change) < 0)
		log_error("%s: out of memory for what could not be had of it", about->cluster);
	if (s && change == FAULT_NEW)
		last_error_set(&s->error, about->wall, "%s%s %s", asked->url, asked->what,
			asked->fault.text);
	tell(about, asked, change);
}
