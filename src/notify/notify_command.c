/* SPDX-License-Identifier: Apache-2.0
 * A program of the administrator's: the message on its standard input, its fields in its
 * environment, no shell between. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "notify/notify_type.h"

#define MAX_OUTPUT ((size_t)4096)
#define MAX_ARGUMENTS 64
#define SEARCH_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int command_check(const struct notify_params *p, const char **ret_key, char **reterr)
{
	if (!p->command)
		return notify_refuse(NULL, "command is missing", ret_key, reterr);
	if (p->command[0] != '/')
		return notify_refuse("command", "not an absolute path", ret_key, reterr);
	if (p->argument.n > MAX_ARGUMENTS)
		return notify_refuse("argument", "more than 64 of them", ret_key, reterr);
	return 0;
}

static const char *command_object(const struct notify *n)
{
	(void)n;
	return NULL;
}

static void on_end(void *userdata, const struct spawn_end *end)
{
	struct notify_call *c = userdata;
	struct notify_result result = {.reason = "command"};
	_cleanup_free_ char *text = NULL;
	const char *glue = end->output[0] ? ": " : "";
	const char *more = end->cut ? " ..." : "";

	c->spawn = NULL;
	if (end->timed_out) {
		result.reason = "timeout";
		(void)str_printf(&text, "%s did not end within its timeout%s%s%s",
			c->notify->params->command, glue, end->output, more);
	} else if (end->status < 0) {
		(void)str_printf(&text, "%s ended by signal %d%s%s%s", c->notify->params->command,
			end->signal, glue, end->output, more);
	} else if (end->status > 0) {
		(void)str_printf(&text, "%s ended with status %d%s%s%s", c->notify->params->command,
			end->status, glue, end->output, more);
	} else {
		result.reason = NULL;
		if (end->output[0])
			(void)str_printf(&text, "%s said: %s%s", c->notify->params->command,
				end->output, more);
	}
	result.text = text;
	notify_call_end(c, &result);
}

static int command_send(struct notify_call *c, const struct notify_message *message)
{
	const struct notify_params *p = c->notify->params;
	const char *argv[MAX_ARGUMENTS + 2] = {p->command};
	_cleanup_free_ const char **env = NULL;
	struct strlist fields = {0};
	struct spawn_ask ask = {.argv = argv,
		.input = message->text,
		.input_len = strlen(message->text),
		.timeout = p->timeout,
		.max_output = MAX_OUTPUT};
	int r;

	for (size_t i = 0; i < p->argument.n; i++)
		argv[i + 1] = p->argument.items[i];
	r = notice_environment(message->text, &fields);
	if (r >= 0) {
		env = calloc(fields.n + 2, sizeof(char *));
		r = env ? 0 : -ENOMEM;
	}
	if (r >= 0) {
		env[0] = SEARCH_PATH;
		for (size_t i = 0; i < fields.n; i++)
			env[i + 1] = fields.items[i];
		ask.env = env;
		r = spawn_start(c->notify->context.event, &ask, on_end, c, &c->spawn);
	}
	strlist_clear(&fields);
	return r;
}

static const char *const keys[] = {"command", "argument", NULL};

const struct notify_ops notify_command = {
	.name = "command",
	.keys = keys,
	.check = command_check,
	.object = command_object,
	.send = command_send,
};
