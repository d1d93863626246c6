/* SPDX-License-Identifier: Apache-2.0
 * What a person tells the daemon: the control socket, which answers what the web server answers and
 * takes orders from those who may give them, and what holds by such orders. */
#pragma once

#include <systemd/sd-event.h>

#include "io/http_server.h"
#include "remedy/holds.h"
#include "setup/operators.h"

struct control;

struct control_context {
	sd_event *event;
	struct holds_context holds;
	/* Answers what is no order. */
	http_server_fn read;
	/* Who may give orders, by the configuration in force. */
	const struct operators *(*operators)(void *userdata);
	/* Closes the storm breaker on somebody's word; whether it was open. */
	bool (*close_breaker)(void *userdata, const char *who);
	/* Gives up the action of an incident, where it has sent nothing. -EBUSY: it has. */
	int (*stop)(void *userdata, struct incident *i);
	/* What a person said of an incident is to outlive the daemon. */
	void (*said)(void *userdata, struct incident *i);
	/* A person has said that an incident is no hang. */
	void (*ignored)(void *userdata, struct incident *i);
	/* As remediator_order(). */
	int (*begin)(void *userdata, const char *app_id, enum rule_action action, const char *who,
		char **reterr);
	/* As notifier_test(). */
	int (*test_notify)(void *userdata, const char *notify, const char *who);
	void *userdata;
};

/* -ENOMEM. */
int control_new(const struct control_context *context, struct control **ret);
/* Carries out what is given somewhere else, by somebody who may: the path and the body are those of
 * the control socket, and so is the reply. */
int control_order(struct control *c, const char *path, const char *body, const char *who,
	struct http_server_reply *reply);
/* Logs that somebody may not, of many one now and then. why follows the name of who. */
void control_log_refusal(struct control *c, const char *path, const char *who, const char *why);
/* Listens at path. A failure is logged and survived: the daemon watches all the same. */
void control_listen(struct control *c, const char *path);
/* Ends the socket. NULL is allowed; returns NULL. */
struct control *control_free(struct control *c);

/* NULL where c is NULL, or it could not listen. */
const struct http_server *control_server(const struct control *c);
/* NULL where c is NULL. */
struct holds *control_holds(const struct control *c);
