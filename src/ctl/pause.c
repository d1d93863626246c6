/* SPDX-License-Identifier: Apache-2.0
 * pause and resume. */
#include "base/strbuf.h"
#include "ctl/ctl.h"
#include "wire/control.h"

int ctl_pause(const struct ctl *c)
{
	struct control_pause p = {.length = c->length};
	_cleanup_json_ cJSON *root = NULL;
	_cleanup_free_ char *body = NULL;
	const cJSON *pause;
	struct ctl_text text;
	int r;

	r = str_replace(&p.reason, c->object);
	if (r >= 0)
		r = control_pause_encode(&p, &body);
	control_pause_clear(&p);
	if (r < 0) {
		fprintf(stderr, "stagewatchctl: out of memory\n");
		return CTL_FAILED;
	}
	r = ctl_post(c, "/api/v1/pause", body, &root);
	if (r != CTL_OK || c->json)
		return r;
	pause = cJSON_GetObjectItemCaseSensitive(root, "paused");
	fprintf(c->out, "Paused by %s", ctl_string(pause, "who", &text));
	if (ctl_has(pause, "until"))
		fprintf(c->out, ", until %s.\n", ctl_string(pause, "until", &text));
	else
		fprintf(c->out, ", until stagewatchctl resume.\n");
	fprintf(c->out, "No new action begins; one that has sent a request to Airflow or Spark "
			"continues.\n");
	if (!ctl_bool(pause, "durable"))
		fprintf(c->out, "The ledger cannot be written: a restart forgets the pause.\n");
	return CTL_OK;
}

int ctl_resume(const struct ctl *c)
{
	_cleanup_json_ cJSON *root = NULL;
	int r;

	r = ctl_post(c, "/api/v1/resume", "{}", &root);
	if (r == CTL_OK && !c->json)
		fprintf(c->out, "Resumed: hung stages are considered at the next poll.\n");
	return r;
}
