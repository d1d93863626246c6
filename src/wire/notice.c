/* SPDX-License-Identifier: Apache-2.0
 * Messages by cJSON; templates by hand, since their text is the administrator's. */
#include "wire/notice.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "wire/notice_fields.h"

const char *const notice_fields[] = {"schema", "event", "severity", "summary", "incident", "url",
	"verdict", "outcome", "why", "rule", "action", "spark_cluster", "app_id", "app_name",
	"stage_id", "attempt_id", "dag_id", "run_id", "task_id", "map_index", "try_number",
	"evidence", "cause", "because", "mode", "next", "time", "opened", "ended"};
const size_t n_notice_fields = ELEMENTSOF(notice_fields);
/* The last ones. */
#define N_TIMES 3

static void add_text(cJSON *o, const char *name, const char *s)
{
	_cleanup_free_ char *text = NULL;

	if (s && *s && str_printable(s, NOTICE_MAX_TEXT, &text) < 0)
		json_lacks(o);
	else
		json_add_text(o, name, text);
}

static void add_number(cJSON *o, const char *name, bool known, int64_t n)
{
	if (known)
		json_add_number(o, name, (double)n);
	else
		json_add_text(o, name, NULL);
}

/* What is in doubt or went wrong, in words: of what was done, or why nothing was. */
static const char *why(const struct incident *i, enum notice_event event)
{
	return notice_lasts(event) ? NULL : i->response.why ? i->response.why : i->response.refusal;
}

/* One line for a pager. */
static int summary(const struct incident *i, enum notice_event event, char **ret)
{
	const char *more = notice_lasts(event) ? i->evidence : why(i, event);
	struct strbuf b = {0};

	strbuf_addf(&b, "%s: %s", i->cluster, i->app_id);
	if (i->app_name && *i->app_name)
		strbuf_addf(&b, " (%s)", i->app_name);
	if (i->stage_id >= 0)
		strbuf_addf(&b, " stage %" PRId64 ".%" PRId64, i->stage_id, i->attempt_id);
	if (event == NOTICE_MAX_RUNTIME) {
		strbuf_addf(&b, " %s", more);
		return strbuf_finish(&b, ret);
	}
	strbuf_addf(&b, notice_lasts(event) ? " is %s" : ": %s", notice_event_name(event));
	if (more && *more)
		strbuf_addf(&b, ": %s", more);
	return strbuf_finish(&b, ret);
}

static void add_owner(cJSON *o, const struct owner *owner)
{
	bool known = owner_known(owner);

	add_text(o, "dag_id", owner->dag_id);
	add_text(o, "run_id", owner->run_id);
	add_text(o, "task_id", owner->task_id);
	add_number(o, "map_index", known && owner->map_index >= 0, owner->map_index);
	add_number(o, "try_number", known && owner->try_number > 0, owner->try_number);
}

static void add_what_is_known(cJSON *o, const struct incident *i, enum notice_event event)
{
	add_text(o, "verdict", verdict_name(i->verdict));
	add_text(o, "outcome",
		i->response.outcome == OUTCOME_OPEN ? NULL
						    : remedy_outcome_name(i->response.outcome));
	add_text(o, "why", why(i, event));
	add_text(o, "rule", i->rule);
	add_text(o, "action", rule_action_name(i->action));
	add_text(o, "spark_cluster", i->cluster);
	add_text(o, "app_id", i->app_id);
	add_text(o, "app_name", i->app_name);
	add_number(o, "stage_id", i->stage_id >= 0, i->stage_id);
	add_number(o, "attempt_id", i->stage_id >= 0, i->attempt_id);
	add_owner(o, &i->owner);
	add_text(o, "evidence", i->evidence);
	add_text(o, "cause", cause_name(i->hint.cause));
	add_text(o, "because", i->hint.because);
}

/* Without a slash at the end of the base, one between. */
static int link_to(const char *web, const char *what, const char *id, char **ret)
{
	size_t n = web ? strlen(web) : 0;

	if (n == 0)
		return 0;
	while (n > 0 && web[n - 1] == '/')
		n--;
	return str_printf(ret, "%.*s/%s%s", (int)n, web, what, id);
}

/* The first fields. */
static void add_head(
	cJSON *o, enum notice_event event, const char *line, const char *id, const char *url)
{
	add_number(o, "schema", true, 1);
	add_text(o, "event", notice_event_name(event));
	add_text(o, "severity", severity_names[notice_severity(event)]);
	add_text(o, "summary", line);
	add_text(o, "incident", id);
	add_text(o, "url", url);
}

static int finish(cJSON *o, usec_t wall, usec_t opened, usec_t ended, char **ret)
{
	json_add_time(o, "time", wall);
	json_add_time(o, "opened", opened);
	json_add_time(o, "ended", ended);
	return json_print(o, ret);
}

int notice_json(const struct incident *i, enum notice_event event, const struct notice_about *about,
	char **ret)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	_cleanup_free_ char *line = NULL;
	_cleanup_free_ char *url = NULL;
	int r;

	r = summary(i, event, &line);
	if (r >= 0 && about->page)
		r = link_to(about->web, about->page, "", &url);
	else if (r >= 0)
		r = link_to(about->web, "incidents/", i->id, &url);
	if (r < 0)
		return r;
	add_head(o, event, line, i->id, url);
	add_what_is_known(o, i, event);
	add_text(o, "mode", about->mode);
	add_text(o, "next", about->next);
	return finish(o, about->wall, i->opened, i->ended, ret);
}

int notice_storm_json(const struct notice_storm *storm, enum notice_event event,
	const struct notice_about *about, char **ret)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	_cleanup_free_ char *line = NULL;
	_cleanup_free_ char *url = NULL;
	int r;

	r = str_printf(&line,
		event == NOTICE_STORM ? "the storm breaker opened: %s; no action is begun"
				      : "the storm breaker closed; it had opened because %s",
		storm->why);
	if (r >= 0)
		r = link_to(about->web, "", "", &url);
	if (r < 0)
		return r;
	add_head(o, event, line, storm->id, url);
	for (size_t i = (size_t)cJSON_GetArraySize(o); i < n_notice_fields - N_TIMES; i++)
		add_text(o, notice_fields[i],
			str_equal(notice_fields[i], "evidence") ? storm->why : NULL);
	return finish(o, about->wall, storm->opened, storm->ended, ret);
}

int notice_test_json(const char *id, const char *line, const struct notice_about *about, char **ret)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	_cleanup_free_ char *url = NULL;
	int r;

	r = link_to(about->web, "", "", &url);
	if (r < 0)
		return r;
	add_number(o, "schema", true, 1);
	add_text(o, "event", "test");
	add_text(o, "severity", severity_names[SEVERITY_INFO]);
	add_text(o, "summary", line);
	add_text(o, "incident", id);
	add_text(o, "url", url);
	for (size_t i = (size_t)cJSON_GetArraySize(o); i < n_notice_fields - N_TIMES; i++)
		add_text(o, notice_fields[i], NULL);
	return finish(o, about->wall, about->wall, 0, ret);
}

int notice_read(const char *message, cJSON **ret)
{
	_cleanup_free_ char *err = NULL;
	cJSON *o = NULL;
	int r;

	r = json_parse(message, strlen(message), &o, &err);
	if (r < 0)
		return r;
	if (!cJSON_IsObject(o)) {
		cJSON_Delete(o);
		return -EBADMSG;
	}
	*ret = o;
	return 0;
}

const char *notice_field(const cJSON *o, const char *name, char number[static 32])
{
	const cJSON *f = cJSON_GetObjectItemCaseSensitive(o, name);

	if (cJSON_IsString(f))
		return f->valuestring;
	if (!cJSON_IsNumber(f))
		return NULL;
	(void)snprintf(number, 32, "%.0f", f->valuedouble);
	return number;
}

/* As within quotes of JSON; the texts are printable UTF-8 already. */
static void add_escaped(struct strbuf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			strbuf_addf(b, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			strbuf_addf(b, "\\u%04x", (unsigned)(unsigned char)*s);
		else
			strbuf_add_n(b, s, 1);
	}
}

/* The name between "{{" and "}}", blanks around it left out; NULL where they do not close. */
static const char *find_name(const char *open, size_t *ret_len, const char **ret_after)
{
	const char *name = open + 2 + strspn(open + 2, " \t");
	const char *end = strstr(open, "}}");
	size_t n = strcspn(name, " \t}");

	if (!end || end < name || name + n + strspn(name + n, " \t") != end)
		return NULL;
	*ret_len = n;
	*ret_after = end + 2;
	return name;
}

static bool is_secret(const char *name, size_t len)
{
	return len == strlen(NOTICE_SECRET) && memcmp(name, NOTICE_SECRET, len) == 0;
}

static const char *find_field(const char *name, size_t len)
{
	if (is_secret(name, len))
		return NOTICE_SECRET;
	for (size_t i = 0; i < n_notice_fields; i++)
		if (strlen(notice_fields[i]) == len && memcmp(notice_fields[i], name, len) == 0)
			return notice_fields[i];
	return NULL;
}

static int fill_template(
	const cJSON *o, const char *template, const char *secret, char **ret, char **reterr)
{
	struct strbuf b = {0};
	const char *open;

	while ((open = strstr(template, "{{"))) {
		size_t len = 0;
		const char *after = NULL;
		const char *name = find_name(open, &len, &after);
		const char *field = name ? find_field(name, len) : NULL;
		char number[32];
		const char *text;

		if (!field) {
			int r;

			strbuf_clear(&b);
			r = name ? str_printf(reterr, "there is no field {{%.*s}}",
					   (int)(len < 64 ? len : 64), name)
				 : str_printf(reterr, "{{ without a name and }}");
			return r < 0 ? r : -EINVAL;
		}
		strbuf_add_n(&b, template, (size_t)(open - template));
		text = str_equal(field, NOTICE_SECRET) ? secret : notice_field(o, field, number);
		add_escaped(&b, text ? text : "");
		template = after;
	}
	strbuf_add(&b, template);
	return strbuf_finish(&b, ret);
}

int notice_render(const char *message, const char *template, const char *secret, char **ret)
{
	_cleanup_json_ cJSON *o = NULL;
	_cleanup_free_ char *err = NULL;
	int r;

	r = notice_read(message, &o);
	if (r < 0)
		return r;
	r = fill_template(o, template, secret, ret, &err);
	return r == -EINVAL ? -EBADMSG : r;
}

bool notice_has_secret(const char *text)
{
	for (const char *open = text; (open = strstr(open, "{{")); open += 2) {
		size_t len = 0;
		const char *after = NULL;
		const char *name = find_name(open, &len, &after);

		if (name && is_secret(name, len))
			return true;
	}
	return false;
}

int notice_fill_secret(const char *text, const char *secret, char **ret)
{
	struct strbuf b = {.secret = true};
	const char *open;

	for (const char *from = text; (open = strstr(from, "{{")); from = open + 2) {
		size_t len = 0;
		const char *after = NULL;
		const char *name = find_name(open, &len, &after);

		if (!name || !is_secret(name, len))
			continue;
		strbuf_add_n(&b, text, (size_t)(open - text));
		strbuf_add(&b, secret);
		text = after;
	}
	strbuf_add(&b, text);
	return strbuf_finish(&b, ret);
}

/* Tried with a text in each field, a number in each, and nothing. */
int notice_check_template(const char *template, char **reterr)
{
	const char *const samples[] = {"a \"b\" \\", "", "-1"};

	for (size_t s = 0; s < ELEMENTSOF(samples); s++) {
		_cleanup_json_ cJSON *o = cJSON_CreateObject();
		_cleanup_json_ cJSON *made = NULL;
		_cleanup_free_ char *text = NULL;
		_cleanup_free_ char *err = NULL;
		int r;

		for (size_t i = 0; i < n_notice_fields; i++)
			json_add_text(o, notice_fields[i], samples[s]);
		r = fill_template(o, template, samples[s], &text, reterr);
		if (r < 0)
			return r;
		r = json_parse(text, strlen(text), &made, &err);
		if (r == -ENOMEM)
			return r;
		if (r < 0) {
			r = str_printf(reterr,
				"does not make JSON whatever the fields hold (put each {{field}} "
				"in quotes): %s",
				err ? err : "");
			return r < 0 ? r : -EINVAL;
		}
	}
	return 0;
}

/* A label is part of an alert's identity: only what never changes of it. */
static void add_labels(cJSON *alert, const cJSON *message)
{
	static const char *const names[] = {"event", "severity", "spark_cluster", "app_id",
		"stage_id", "attempt_id", "rule", "dag_id", "task_id", "incident"};
	cJSON *labels = json_add_object(alert, "labels");

	json_add_text(labels, "alertname", "StagewatchIncident");
	for (size_t i = 0; i < ELEMENTSOF(names); i++) {
		_cleanup_free_ char *value = NULL;
		char number[32];
		const char *text = notice_field(message, names[i], number);

		/* An empty label is one that is not there. */
		if (text && str_printable(text, NOTICE_MAX_LABEL, &value) < 0)
			json_lacks(labels);
		else if (text)
			json_add_text(labels, names[i], value);
	}
}

static void add_annotations(cJSON *alert, const cJSON *message)
{
	static const char *const names[] = {"summary", "evidence", "cause", "because", "why",
		"app_name", "run_id", "map_index", "try_number", "opened"};
	cJSON *annotations = json_add_object(alert, "annotations");

	for (size_t i = 0; i < ELEMENTSOF(names); i++) {
		char number[32];
		const char *text = notice_field(message, names[i], number);

		if (text)
			json_add_text(annotations, names[i], text);
	}
}

int notice_alert(const char *message, const struct notice_span *span, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateArray();
	_cleanup_json_ cJSON *o = NULL;
	cJSON *alert = json_append_object(root);
	const cJSON *url;
	int r;

	r = notice_read(message, &o);
	if (r < 0)
		return r;
	add_labels(alert, o);
	add_annotations(alert, o);
	json_add_time(alert, "startsAt", span->from);
	/* Not before its start, which Alertmanager refuses. */
	json_add_time(
		alert, "endsAt", span->to > span->from ? span->to : span->from + USEC_PER_SEC);
	url = cJSON_GetObjectItemCaseSensitive(o, "url");
	if (cJSON_IsString(url))
		add_text(alert, "generatorURL", url->valuestring);
	return json_print(root, ret);
}

int notice_environment(const char *message, struct strlist *ret)
{
	_cleanup_json_ cJSON *o = NULL;
	int r;

	r = notice_read(message, &o);
	for (size_t i = 0; r >= 0 && i < n_notice_fields; i++) {
		_cleanup_free_ char *line = NULL;
		char number[32];
		const char *text = notice_field(o, notice_fields[i], number);

		r = str_printf(&line, "STAGEWATCH_%s=%s", notice_fields[i], text ? text : "");
		for (char *p = line; r >= 0 && *p != '='; p++)
			*p = (char)toupper((unsigned char)*p);
		if (r >= 0)
			r = strlist_add(ret, line);
	}
	return r;
}
