/* SPDX-License-Identifier: Apache-2.0
 * The log's line on a change of verdict. */
#include "daemon/verdict_log.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "setup/messages.h"

/* What the rule asks for, and whether it will be done. */
static const char *what_follows(const struct detector_event *ev, bool dry)
{
	if (ev->verdict != VERDICT_HUNG)
		return "";
	switch ((enum rule_action)ev->rule->action) {
	case RULE_ACTION_KILL:
		return dry ? ", action kill, mode observe: nothing is sent" : ", action kill";
	case RULE_ACTION_RETRY:
		return dry ? ", action retry, mode observe: nothing is sent" : ", action retry";
	case RULE_ACTION_NOTIFY:
		return ", action notify";
	case RULE_ACTION_NONE:
	case RULE_ACTION_MAX:
		break;
	}
	return ", no action";
}

void verdict_log(const struct detector_event *ev, const struct incident *i, bool dry)
{
	_cleanup_free_ char *text = NULL;
	struct strbuf b = {0};
	char stage[48] = "";
	struct log_about about = {
		.message_id = MESSAGE_VERDICT,
		.cluster = ev->app->cluster,
		.app_id = ev->app->info.id,
		.rule = ev->rule->name,
		.verdict = verdict_name(ev->verdict),
		.incident = i ? i->id : NULL,
		/* Whatever else there is to say: a wave of recoveries may come with it. */
		.always = ev->verdict == VERDICT_HUNG,
	};

	verdict_describe(ev->detail, &b);
	if (strbuf_finish(&b, &text) < 0)
		return;
	if (ev->stage) {
		(void)snprintf(stage, sizeof(stage), "%" PRId64 ".%" PRId64,
			ev->stage->last.stage_id, ev->stage->last.attempt_id);
		about.stage_id = stage;
	}
	if (ev->gone)
		log_event(LOG_NOTICE, &about, "%s: %s%s%s is gone, it was %s", about.cluster,
			about.app_id, ev->stage ? " stage " : "", ev->stage ? stage : "",
			verdict_name(ev->old));
	else
		log_event(verdict_def(ev->verdict)->log_level, &about,
			"%s: %s%s%s is %s, was %s: %s (rule %s%s)", about.cluster, about.app_id,
			ev->stage ? " stage " : "", stage, about.verdict, verdict_name(ev->old),
			text, about.rule, what_follows(ev, dry));
}
