/* SPDX-License-Identifier: Apache-2.0
 * What the kinds of kill share, and their begin functions. For src/action/kill_*.c only. */
#pragma once

#include "action/kill_app.h"
#include "base/param.h"
#include "io/clock.h"
#include "io/process_kill.h"
#include "wire/kube_app.h"
#include "wire/spark_kill.h"

#define KILL_MAX_BODY ((size_t)16 * 1024 * 1024)

struct kill_app {
	struct transport *transport;
	const struct guard *guard;
	struct transport_request *request;
	struct strlist urls;
	size_t at;    /* the URL that is asked */
	size_t tried; /* of them, to their ends */
	enum kill_kind kind;
	char *app_id;
	int64_t stage_id;
	struct kill_jobs jobs; /* that are to be killed; of a stage, none */
	size_t n_killed;
	struct kill_form form;
	struct sd_event *event;
	struct process_kill *process;
	pid_t pid;
	uint64_t pid_started;
	struct kube_driver driver; /* of Kubernetes' kinds */
	sd_event_source *timer;    /* the API server is left alone, as it has asked */
	unsigned n_waits;
	struct endpoint endpoint;
	bool rehearses; /* nothing is to be sent that changes anything */
	int (*begin)(struct kill_app *k);
	kill_app_done_fn done;
	void *userdata;
};

struct kill_request {
	const char *method;
	const char *path; /* below the URL at hand */
	const char *content_type;
	const char *body; /* NULL: none */
};

/* Sends to the URL at hand; done's userdata is k. */
int kill_send(struct kill_app *k, const struct kill_request *rq, transport_done_fn done);
/* The same for the kill that a page's form describes: path below the URL at hand, id of what dies.
 */
int kill_send_form(struct kill_app *k, const struct kill_form *form, const char *path,
	const char *id, transport_done_fn done);
/* Calls back and frees k. */
void kill_finish(struct kill_app *k, enum remedy_reply reply, const char *text);
/* Begins anew at the next URL; at the end of the round it finishes with reply and text. */
void kill_try_next(struct kill_app *k, enum remedy_reply reply, const char *text);

/* Each sends its first request to the URL at hand. */
int kill_standalone_begin(struct kill_app *k);
int kill_yarn_begin(struct kill_app *k);
int kill_spark_begin(struct kill_app *k);
int kill_process_begin(struct kill_app *k);
int kill_kube_begin(struct kill_app *k);
