/* SPDX-License-Identifier: Apache-2.0
 * Writes JSON into a string. */
#include "wire/json_writer.h"

#include <inttypes.h>
#include <string.h>

#define DAY (24 * USEC_PER_HOUR)

/* What stands between two members, and the name. */
static void begin(struct json_writer *w, const char *name)
{
	if (w->begun)
		strbuf_add_n(&w->out, ",", 1);
	w->begun = true;
	if (!name)
		return;
	strbuf_add_n(&w->out, "\"", 1);
	strbuf_add(&w->out, name);
	strbuf_add_n(&w->out, "\":", 2);
}

void json_open(struct json_writer *w, const char *name, char open)
{
	begin(w, name);
	strbuf_add_n(&w->out, &open, 1);
	w->begun = false;
}

void json_close(struct json_writer *w, char close)
{
	strbuf_add_n(&w->out, &close, 1);
	w->begun = true;
}

void json_text(struct json_writer *w, const char *name, const char *s)
{
	begin(w, name);
	if (s)
		strbuf_add_json(&w->out, s);
	else
		strbuf_add_n(&w->out, "null", 4);
}

void json_time(struct json_writer *w, const char *name, usec_t t)
{
	unsigned seconds = (unsigned)(t % DAY / USEC_PER_SEC);
	char text[40];

	if (t == 0) {
		json_text(w, name, NULL);
		return;
	}
	if (w->date[0] == '\0' || t / DAY != w->day) {
		w->day = t / DAY;
		(void)snprintf(
			w->date, sizeof(w->date), "%.10s", format_timestamp(text, sizeof(text), t));
	}
	memcpy(text, w->date, sizeof(w->date));
	text[sizeof(w->date) - 1] = '\0';
	for (size_t i = strlen(text), k = 0; k < 3; k++) {
		unsigned part = k == 0 ? seconds / 3600 : k == 1 ? seconds / 60 % 60 : seconds % 60;

		text[i++] = k == 0 ? 'T' : ':';
		text[i++] = (char)('0' + part / 10);
		text[i++] = (char)('0' + part % 10);
		text[i] = '\0';
	}
	begin(w, name);
	strbuf_add_n(&w->out, "\"", 1);
	strbuf_add(&w->out, text);
	strbuf_add_n(&w->out, "Z\"", 2);
}

void json_integer(struct json_writer *w, const char *name, int64_t n)
{
	begin(w, name);
	strbuf_add_integer(&w->out, n);
}

void json_seconds(struct json_writer *w, const char *name, usec_t t)
{
	usec_t part = t % USEC_PER_SEC;
	char digits[8] = ".000000";
	size_t n = 7;

	json_integer(w, name, (int64_t)(t / USEC_PER_SEC));
	if (part == 0)
		return;
	for (size_t i = 6; i > 0; i--, part /= 10)
		digits[i] = (char)('0' + part % 10);
	while (digits[n - 1] == '0')
		n--;
	strbuf_add_n(&w->out, digits, n);
}

void json_rate(struct json_writer *w, const char *name, double n)
{
	begin(w, name);
	strbuf_addf(&w->out, "%.3f", n);
}

void json_bool(struct json_writer *w, const char *name, bool yes)
{
	begin(w, name);
	strbuf_add(&w->out, yes ? "true" : "false");
}

int json_finish(struct json_writer *w, char **ret)
{
	return strbuf_finish(&w->out, ret);
}
