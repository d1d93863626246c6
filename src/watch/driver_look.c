/* SPDX-License-Identifier: Apache-2.0
 * Looks that are under way belong to a driver; one that goes takes them along. */
#include "watch/driver_look.h"

#include <errno.h>
#include <stdlib.h>

#include "watch/watched_driver.h"

struct driver_look {
	struct driver *driver;
	struct driver_look *next;
	struct driver_poll *poll;
	char *app_id;
	usec_t started;
	struct stage_key key;
	driver_looked_fn fn;
	void *userdata;
};

struct driver_look *driver_look_cancel(struct driver_look *look)
{
	if (!look)
		return NULL;
	for (struct driver_look **l = &look->driver->looks; *l; l = &(*l)->next)
		if (*l == look) {
			*l = look->next;
			break;
		}
	driver_poll_cancel(look->poll);
	free(look->app_id);
	free(look);
	return NULL;
}

void driver_look_end_all(struct driver *d, enum remedy_look look, const char *text)
{
	/* The callback may begin or end others. */
	while (d->looks) {
		driver_looked_fn fn = d->looks->fn;
		void *userdata = d->looks->userdata;

		driver_look_cancel(d->looks);
		fn(userdata, look, text);
	}
}

static void on_look(void *userdata, struct driver_answer *answer)
{
	struct driver_look *l = userdata;
	struct app_history *a = NULL;
	const struct stage_history *h;
	enum remedy_look look = LOOK_UNKNOWN;
	const char *text = answer->fault ? answer->fault->text : NULL;
	bool jobs = answer->poll.has_jobs && answer->poll.has_executors &&
		    !driver_answer_fault(answer, "/jobs");

	l->poll = NULL;
	if (answer->state != DRIVER_ANSWERED) {
		driver_unanswered(l->driver, answer);
	} else if (driver_take(l->driver, answer, &l->key, &a) >= 0) {
		bool same = a && a->info.started == l->started && str_equal(a->info.id, l->app_id);

		h = same ? app_history_stage(a, l->key.stage_id, l->key.attempt_id) : NULL;
		/* What nobody asked its job, executors and tasks about may be a phantom, or move.
		 */
		if (!h || (h->seen && h->verdict != VERDICT_HUNG))
			look = LOOK_MOVED;
		else if (!h->seen)
			text = "its row of the list of stages could not be used, or it is over";
		else if (jobs && (answer->has_tasks || !h->knows_tasks))
			look = LOOK_HUNG;
		else
			text = "its jobs, executors and tasks could not be read";
	}
	l->fn(l->userdata, look, text);
	driver_look_cancel(l);
}

int driver_look_start(struct driver *d, const struct app_history *a, const struct stage_key *key,
	driver_looked_fn fn, void *userdata, struct driver_look **ret)
{
	struct driver_look *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->driver = d;
	l->started = a->info.started;
	l->key = *key;
	l->fn = fn;
	l->userdata = userdata;
	l->next = d->looks;
	d->looks = l;
	r = str_replace(&l->app_id, a->info.id);
	if (r >= 0)
		r = driver_ask(d, key, on_look, l, &l->poll);
	if (r < 0) {
		driver_look_cancel(l);
		return r;
	}
	*ret = l;
	return 0;
}
