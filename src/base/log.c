/* SPDX-License-Identifier: Apache-2.0
 * Log lines to the journal with fields, or to stderr as plain text or JSON. */
#include "base/log.h"

/* CODE_FILE= would always name this file. */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#include "base/log_limit.h"
#include "base/strbuf.h"

/* The only mutable file-scope state of the tree: every layer logs through one place. */
static int max_level = LOG_INFO;
static bool to_journal = false;
static usec_t (*json_wall)(void) = NULL;
static usec_t (*limit_now)(void) = NULL;
static struct log_limit limit;

/* Longer lines are cut. */
#define LINE_MAX_BYTES 4096

static const char *const level_names[] = {[LOG_EMERG] = "emergency",
	[LOG_ALERT] = "alert",
	[LOG_CRIT] = "critical",
	[LOG_ERR] = "error",
	[LOG_WARNING] = "warning",
	[LOG_NOTICE] = "notice",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug"};

static const struct {
	const char *name;
	size_t offset;
} about_fields[] = {
	{"MESSAGE_ID", offsetof(struct log_about, message_id)},
	{"SPARK_CLUSTER", offsetof(struct log_about, cluster)},
	{"APP_ID", offsetof(struct log_about, app_id)},
	{"STAGE_ID", offsetof(struct log_about, stage_id)},
	{"RULE", offsetof(struct log_about, rule)},
	{"VERDICT", offsetof(struct log_about, verdict)},
	{"ACTION", offsetof(struct log_about, action)},
	{"INCIDENT_ID", offsetof(struct log_about, incident)},
	{"URL", offsetof(struct log_about, url)},
};

#define N_FIXED_FIELDS 3 /* MESSAGE, PRIORITY, SYSLOG_IDENTIFIER */

void log_set_max_level(int level)
{
	max_level = level;
}

void log_set_json(usec_t (*wall)(void))
{
	json_wall = wall;
}

void log_open(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev;
	uintmax_t ino;
	struct stat st;
	char rest;

	to_journal = false;
	/* sscanf's conversion saturates silently: such a value equals no device. */
	if (!stream ||
		sscanf(stream, "%ju:%ju%c", &dev, &ino, &rest) != 2) /* NOLINT(cert-err34-c) */
		return;
	if (fstat(STDERR_FILENO, &st) < 0)
		return;
	to_journal = st.st_dev == dev && st.st_ino == ino;
}

static int add_field(struct iovec *v, size_t *n, const char *name, const char *value)
{
	char *field;
	int r;

	r = str_printf(&field, "%s=%s", name, value);
	if (r < 0)
		return r;
	v[(*n)++] = (struct iovec){.iov_base = field, .iov_len = strlen(field)};
	return 0;
}

static const char *about_value(const struct log_about *about, size_t field)
{
	const char *value;

	memcpy(&value, (const char *)about + about_fields[field].offset, sizeof(value));
	return value;
}

static int send_to_journal(int level, const struct log_about *about, const char *text)
{
	struct iovec v[N_FIXED_FIELDS + ELEMENTSOF(about_fields)];
	const char priority[] = {(char)('0' + (level & 7)), '\0'};
	size_t n = 0;
	int r;

	r = add_field(v, &n, "MESSAGE", text);
	if (r >= 0)
		r = add_field(v, &n, "PRIORITY", priority);
	if (r >= 0)
		r = add_field(v, &n, "SYSLOG_IDENTIFIER", "stagewatchd");
	for (size_t i = 0; r >= 0 && about && i < ELEMENTSOF(about_fields); i++) {
		const char *value = about_value(about, i);

		if (value)
			r = add_field(v, &n, about_fields[i].name, value);
	}
	if (r >= 0)
		r = sd_journal_sendv(v, (int)n);
	for (size_t i = 0; i < n; i++)
		free(v[i].iov_base);
	return r;
}

/* Names in lower case, as readers of JSON expect; values may be of others, and need not be UTF-8.
 */
static void add_json_field(struct strbuf *b, const char *name, const char *value)
{
	_cleanup_free_ char *sane = NULL;

	if (str_printable(value, LINE_MAX_BYTES, &sane) < 0) {
		b->failed = true;
		return;
	}
	strbuf_add(b, ",\"");
	for (; *name; name++) {
		char c = (char)tolower((unsigned char)*name);

		strbuf_add_n(b, &c, 1);
	}
	strbuf_add(b, "\":");
	strbuf_add_json(b, sane);
}

static int send_as_json(int level, const struct log_about *about, const char *line)
{
	_cleanup_free_ char *object = NULL;
	struct strbuf b = {0};
	usec_t wall = json_wall();
	char time[32];
	int r;

	/* To the second, and the milliseconds in the place of its Z. */
	(void)format_timestamp(time, sizeof(time), wall);
	time[strcspn(time, "Z")] = '\0';
	strbuf_addf(&b, "{\"time\":\"%s.%03uZ\"", time,
		(unsigned)(wall % USEC_PER_SEC / USEC_PER_MSEC));
	add_json_field(&b, "level", level_names[level & LOG_PRIMASK]);
	add_json_field(&b, "message", line);
	for (size_t i = 0; about && i < ELEMENTSOF(about_fields); i++) {
		const char *value = about_value(about, i);

		if (value)
			add_json_field(&b, about_fields[i].name, value);
	}
	strbuf_add(&b, "}\n");
	r = strbuf_finish(&b, &object);
	if (r >= 0)
		(void)fputs(object, stderr);
	return r;
}

/* Where one way fails, the next. */
static void send_line(int level, const struct log_about *about, const char *line)
{
	if (to_journal && send_to_journal(level, about, line) >= 0)
		return;
	if (json_wall && send_as_json(level, about, line) >= 0)
		return;
	(void)fprintf(stderr, "stagewatchd: %s\n", line);
}

void log_set_limit(usec_t (*now)(void))
{
	limit_now = now;
	limit = (struct log_limit){0};
}

uint64_t log_n_left_out(void)
{
	return limit.left_out;
}

/* What such a line is like: its format, without what cannot be read. */
static void tell_site(const struct log_site *s)
{
	_cleanup_free_ char *line = NULL;

	if (str_printf(&line,
		    "Left out %u lines of the minute before, beyond %d of one kind or %d in all: "
		    "\"%s\"",
		    s->left_out, LOG_LINES_OF_A_SITE, LOG_LINES_OF_ALL, s->fmt) >= 0)
		send_line(LOG_WARNING, NULL, line);
}

void log_tell_left_out(void)
{
	usec_t now = limit_now ? limit_now() : 0;

	if (!limit_now || !log_limit_over(&limit, now))
		return;
	for (unsigned i = 0; i < limit.n_sites; i++)
		if (limit.sites[i].left_out > 0)
			tell_site(&limit.sites[i]);
	log_limit_begin(&limit, now);
}

static bool is_left_out(int level, const struct log_about *about, const char *fmt)
{
	if (!limit_now || level >= LOG_DEBUG || (about && (about->action || about->always)))
		return false;
	log_tell_left_out();
	if (limit.since == 0)
		log_limit_begin(&limit, limit_now());
	return !log_limit_take(&limit, fmt);
}

void log_event(int level, const struct log_about *about, const char *fmt, ...)
{
	int saved_errno = errno;
	_cleanup_free_ char *text = NULL;
	const char *line = "out of memory while logging";
	va_list ap;

	if (level > max_level || is_left_out(level, about, fmt))
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text) {
		text[str_cut(text, LINE_MAX_BYTES)] = '\0';
		str_sanitize(text);
		line = text;
	}
	send_line(level, about, line);
	errno = saved_errno;
}
