/* SPDX-License-Identifier: Apache-2.0
 * stages and watch: apps and their active stages, once or again and again. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/columns.h"
#include "base/strbuf.h"
#include "ctl/ctl.h"

#define PERIOD_SEC 2
#define RED "\x1b[31m"
#define YELLOW "\x1b[33m"
#define PLAIN "\x1b[0m"

static volatile sig_atomic_t ended;

/* By verdict; what is not here is plain. */
static const struct {
	const char *verdict;
	const char *color;
} colors[] = {
	{"hung", RED},
	{"unobservable", RED},
	{"crash_loop", RED},
	{"suspect", YELLOW},
	{"slow", YELLOW},
	{"starved", YELLOW},
	{"idle", YELLOW},
	{"not_started", YELLOW},
};

static const char *color_of(const char *verdict)
{
	for (size_t i = 0; i < ELEMENTSOF(colors); i++)
		if (str_equal(colors[i].verdict, verdict))
			return colors[i].color;
	return NULL;
}

/* no-color.org: whatever its value, unless it is empty. */
static bool may_color(FILE *out)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(fileno(out)) && (!no || *no == '\0') && !str_equal(term, "dumb");
}

/* A table, and the colour of each of its rows. */
struct sheet {
	struct columns table;
	const char **colors;
};

static void sheet_add(struct sheet *s, const char *const *cells, const char *color)
{
	const char **more =
		reallocarray((void *)s->colors, s->table.n_rows + 1, sizeof(*s->colors));

	if (!more) {
		s->table.failed = true;
		return;
	}
	s->colors = more;
	s->colors[s->table.n_rows] = color;
	columns_add(&s->table, cells);
}

static void sheet_clear(struct sheet *s)
{
	columns_clear(&s->table);
	free((void *)s->colors);
}

static void add_app(struct sheet *s, const cJSON *app, const cJSON *stage)
{
	struct ctl_text buf[7];
	char id[48] = "-";
	const cJSON *of = stage ? stage : app;
	const char *verdict = ctl_string(of, "verdict", &buf[4]);

	if (stage)
		(void)snprintf(id, sizeof(id), "%.0f.%.0f", ctl_number(stage, "stage_id"),
			ctl_number(stage, "attempt_id"));
	sheet_add(s,
		(const char *const[]){ctl_string(app, "spark_cluster", &buf[0]),
			ctl_string(app, "app_id", &buf[1]), ctl_string(app, "name", &buf[2]), id,
			stage ? ctl_string(stage, "bar", &buf[3]) : "-", verdict,
			stage ? ctl_string(stage, "verdict_since", &buf[5]) : "-",
			ctl_string(app, "rule", &buf[6])},
		color_of(verdict));
}

static void add_apps(struct sheet *s, const cJSON *root)
{
	for (const cJSON *a = ctl_list(root, "apps"); a; a = a->next) {
		if (!ctl_list(a, "stages"))
			add_app(s, a, NULL);
		for (const cJSON *t = ctl_list(a, "stages"); t; t = t->next)
			add_app(s, a, t);
	}
}

/* At most so many lines and columns; 0: all. */
static int sheet_print(const struct sheet *s, FILE *out, size_t n_lines, size_t n_columns)
{
	_cleanup_free_ char *text = NULL;
	bool color = may_color(out);
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	size_t k = 0;

	if (!f)
		return -ENOMEM;
	columns_print(&s->table, f);
	if (fclose(f) == EOF)
		return -ENOMEM;
	for (char *line = text, *end; *line && (n_lines == 0 || k < n_lines); line = end + 1, k++) {
		const char *c = color && k < s->table.n_rows ? s->colors[k] : NULL;
		size_t len;

		end = strchrnul(line, '\n');
		if (*end == '\0')
			break;
		*end = '\0';
		len = n_columns > 0 ? str_cut(line, n_columns) : strlen(line);
		fprintf(out, "%s%.*s%s\n", c ? c : "", (int)len, line, c ? PLAIN : "");
	}
	return 0;
}

static int print_stages(const struct ctl *c, const cJSON *root, size_t n_lines, size_t n_columns)
{
	static const char *const head[] = {
		"CLUSTER", "APP", "NAME", "STAGE", "BAR", "VERDICT", "SINCE", "RULE"};
	struct sheet s = {.table = {.n_columns = ELEMENTSOF(head)}};
	int r = 0;

	sheet_add(&s, head, NULL);
	add_apps(&s, root);
	if (s.table.n_rows > 1)
		r = sheet_print(&s, c->out, n_lines, n_columns);
	else
		fprintf(c->out,
			"No app is watched. Whether the clusters answer: stagewatchctl status\n");
	sheet_clear(&s);
	return r < 0 ? ctl_unknown("out of memory") : CTL_OK;
}

int ctl_stages(const struct ctl *c)
{
	_cleanup_json_ cJSON *root = NULL;
	int r = ctl_get(c, "/api/v1/stages", &root);

	return r != CTL_OK || c->json ? r : print_stages(c, root, 0, 0);
}

static void on_signal(int signal)
{
	(void)signal;
	ended = 1;
}

static int print_once(const struct ctl *c, bool full)
{
	_cleanup_json_ cJSON *stages = NULL;
	_cleanup_json_ cJSON *status = NULL;
	struct winsize w = {0};
	struct ctl_text text;
	int r;

	r = ctl_get(c, "/api/v1/stages", &stages);
	if (r != CTL_OK || c->json)
		return r;
	r = ctl_get(c, "/api/v1/status", &status);
	if (r != CTL_OK)
		return r;
	if (full) {
		(void)ioctl(fileno(c->out), TIOCGWINSZ, &w);
		fprintf(c->out, "\x1b[H\x1b[2J"); /* to the top, and clear */
	}
	fprintf(c->out, "%s  mode %s", ctl_string(stages, "time", &text),
		ctl_string(status, "mode", &(struct ctl_text){""}));
	fprintf(c->out, "%s  hung stages %.0f  open incidents %.0f  actions in progress %.0f\n\n",
		ctl_has(status, "paused") ? ", PAUSED" : "", ctl_number(status, "stages_hung"),
		ctl_number(status, "incidents_open"), ctl_number(status, "actions_pending"));
	r = print_stages(c, stages, w.ws_row > 4 ? w.ws_row - 3U : 0, w.ws_col);
	if (!full)
		fprintf(c->out, "\n");
	return fflush(c->out) == EOF ? CTL_FAILED : r;
}

int ctl_watch(const struct ctl *c)
{
	const struct sigaction action = {.sa_handler = on_signal};
	const struct timespec pause = {.tv_sec = PERIOD_SEC};
	bool full = !c->json && isatty(fileno(c->out));
	int r = CTL_OK;

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	if (full)
		fprintf(c->out, "\x1b[?1049h"); /* the alternate screen */
	while (!ended) {
		r = print_once(c, full);
		if (r != CTL_OK)
			break;
		(void)nanosleep(&pause, NULL);
	}
	if (full)
		fprintf(c->out, "\x1b[?1049l");
	return r;
}
