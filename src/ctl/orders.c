/* SPDX-License-Identifier: Apache-2.0
 * Orders about one incident, and the test of a receiver. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "ctl/ctl.h"
#include "wire/control.h"

/* Between two looks whether a test has arrived, and after so many it is not waited for: the longest
 * timeout= of a receiver and some. */
#define LOOK_NSEC 200000000L
#define MAX_LOOKS (620 * 5)

/* Posts {"field": object}. */
static int order(const struct ctl *c, const char *path, const char *field, cJSON **ret)
{
	_cleanup_free_ char *body = NULL;

	if (control_name_encode(field, c->object, &body) < 0) {
		fprintf(stderr, "stagewatchctl: out of memory\n");
		return CTL_FAILED;
	}
	return ctl_post(c, path, body, ret);
}

/* Says who said so first, and what holds. */
static int mark(const struct ctl *c, const char *path, const char *field, const char *words)
{
	_cleanup_json_ cJSON *root = NULL;
	struct ctl_text text;
	int r = order(c, path, "incident", &root);

	if (r == CTL_OK && !c->json)
		fprintf(c->out, "%s %s.\n", words, ctl_string(root, field, &text));
	return r;
}

int ctl_ack(const struct ctl *c)
{
	return mark(c, "/api/v1/ack", "acked_by", "Acknowledged by");
}

int ctl_ignore(const struct ctl *c)
{
	return mark(c, "/api/v1/ignore", "ignored_by",
		"Nothing is done about it, nobody is told of it, and its evidence is kept. "
		"Ignored by");
}

int ctl_abort(const struct ctl *c)
{
	return mark(c, "/api/v1/abort", "aborted_by", "No action on it begins. Aborted by");
}

/* Whether a person at the terminal says yes. */
static bool is_meant(const struct ctl *c, const char *what)
{
	char line[16] = "";

	if (c->yes)
		return true;
	if (!isatty(STDIN_FILENO)) {
		fprintf(stderr, "stagewatchctl: nobody can be asked here: use --yes\n");
		return false;
	}
	fprintf(stderr, "End %s and %s? [y/N] ", c->object, what);
	if (!fgets(line, sizeof(line), stdin))
		return false;
	line[strcspn(line, "\n")] = '\0';
	return strcmp(line, "y") == 0 || strcmp(line, "yes") == 0;
}

static int act(const struct ctl *c, const char *path, const char *what, const char *then)
{
	_cleanup_json_ cJSON *root = NULL;
	int r;

	if (!is_meant(c, what))
		return ctl_unknown("nothing was done");
	r = order(c, path, "app", &root);
	if (r == CTL_OK && !c->json)
		fprintf(c->out,
			"Begun: it looks once more whether the stage hangs, then %s. "
			"incidents and explain tell how it goes.\n",
			then);
	return r;
}

int ctl_kill(const struct ctl *c)
{
	return act(c, "/api/v1/kill", "fail its task", "ends it");
}

int ctl_retry(const struct ctl *c)
{
	return act(c, "/api/v1/retry", "run its task again",
		"ends it and has Airflow run its task again");
}

static const cJSON *find_notify(const cJSON *root, const char *name)
{
	struct ctl_text text;

	for (const cJSON *n = ctl_list(root, "notifies"); n; n = n->next)
		if (str_equal(ctl_string(n, "notify", &text), name))
			return n;
	return NULL;
}

/* How it went; CTL_FAILED where that is not to be had. */
static int await_test(const struct ctl *c, struct ctl_text *ret)
{
	const struct timespec pause = {.tv_nsec = LOOK_NSEC};
	struct ctl quiet = *c;

	quiet.json = false;
	for (unsigned k = 0; k < MAX_LOOKS; k++) {
		_cleanup_json_ cJSON *root = NULL;
		int r = ctl_get(&quiet, "/api/v1/status", &root);

		if (r != CTL_OK)
			return r;
		if (!str_equal(ctl_string(find_notify(root, c->object), "test", ret), "sending"))
			return CTL_OK;
		(void)nanosleep(&pause, NULL);
	}
	return ctl_unknown("the test is still under way; status tells how it went");
}

int ctl_test_notify(const struct ctl *c)
{
	_cleanup_json_ cJSON *root = NULL;
	struct ctl quiet = *c;
	struct ctl_text text;
	bool delivered;
	int r;

	quiet.json = false;
	r = order(&quiet, "/api/v1/test-notify", "notify", &root);
	if (r == CTL_OK)
		r = await_test(c, &text);
	if (r != CTL_OK)
		return r;
	delivered = str_equal(text.text, "delivered");
	if (c->json) {
		_cleanup_json_ cJSON *o = cJSON_CreateObject();
		_cleanup_free_ char *line = NULL;

		json_add_text(o, "notify", c->object);
		json_add_bool(o, "delivered", delivered);
		json_add_text(o, "result", text.text);
		if (json_print(o, &line) < 0)
			return ctl_unknown("out of memory");
		fprintf(c->out, "%s\n", line);
	} else if (delivered) {
		fprintf(c->out, "Delivered.\n");
	} else {
		fprintf(stderr, "stagewatchctl: not delivered: %s\n", text.text);
	}
	return delivered ? CTL_OK : CTL_FAILED;
}
