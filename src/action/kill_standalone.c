/* SPDX-License-Identifier: Apache-2.0
 * At a standalone master: reads its page for the token that Spark 4.x wants, then sends /app/kill/
 * the way the page's own form would. */
#include <errno.h>
#include <string.h>

#include "action/kill_kinds.h"
#include "wire/master.h"

/* A redirect, whether or not anything was killed. */
static void on_killed(void *userdata, const struct transport_answer *a)
{
	struct kill_app *k = userdata;

	k->request = NULL;
	if (a->error < 0)
		kill_finish(k, REPLY_UNCERTAIN, a->error_text);
	else if (a->status == 302 || a->status == 303 || a->status == 200)
		kill_finish(k, REPLY_DONE, NULL);
	else
		kill_finish(k, a->status >= 500 ? REPLY_UNCERTAIN : REPLY_REFUSED,
			"the master refused the kill");
}

static void on_page(void *userdata, const struct transport_answer *a)
{
	struct kill_app *k = userdata;
	_cleanup_free_ char *err = NULL;
	struct master_page page = {0};
	int r = -EIO;

	k->request = NULL;
	if (a->error == 0 && a->status == 200)
		r = master_decode_page(a->body, a->len, &page, &err);
	if (r < 0)
		kill_try_next(k, REPLY_UNCERTAIN, err ? err : "no master's page is to be had");
	else if (!page.kill.offered) /* a standby, or spark.ui.killEnabled=false */
		kill_try_next(k, REPLY_REFUSED, "no master's page offers to kill an app");
	else if (kill_send_form(k, &page.kill, "/app/kill/", k->app_id, on_killed) < 0)
		kill_finish(k, REPLY_UNCERTAIN, "the kill could not be sent");
	master_page_clear(&page);
}

int kill_standalone_begin(struct kill_app *k)
{
	const struct kill_request rq = {.method = "GET", .path = "/"};

	return kill_send(k, &rq, on_page);
}
