/* SPDX-License-Identifier: Apache-2.0
 * The record of core/act/leadership as a Lease of Kubernetes (coordination.k8s.io/v1), and as a key
 * of etcd by the JSON gateway of its v3 API (etcd 3.4 and later). */
#pragma once

#include <stddef.h>

#include "core/act/leadership.h"

/* Where the record is. Borrowed. */
struct leader_place {
	const char *namespace; /* of a Lease */
	const char *name;      /* of a Lease; the key of etcd */
};

/* Path below the base URL; body NULL: none. Owned, but for the method. */
struct leader_request {
	const char *method;
	char *path;
	char *body;
};

void leader_request_clear(struct leader_request *r);

struct leader_answer {
	enum leadership_reply reply;
	struct leader_record record; /* of SEEN, and of WRITTEN, whose holder may be left out */
};

struct leader_codec {
	/* step asks for something; version: of the record that a write is to replace; wall: for
	 * people who look at the record. -ENOMEM. */
	int (*request)(const struct leader_place *place, const struct leadership_step *step,
		const char *version, usec_t wall, struct leader_request *ret);
	/* What an answer means. -EBADMSG with *reterr for one that is of no use, -ENOMEM; what is
	 * in *ret then is the caller's as well. */
	int (*answer)(enum leadership_ask ask, int status, const char *body, size_t len,
		struct leader_answer *ret, char **reterr);
};

extern const struct leader_codec lease_codec;
extern const struct leader_codec etcd_codec;

/* The token of an answer to etcd's login; the caller's. -EBADMSG with *reterr, -ENOMEM. */
int etcd_decode_token(const char *body, size_t len, char **ret, char **reterr);
/* Its request. */
int etcd_request_login(const char *username, const char *password, struct leader_request *ret);

/* For the codecs: in whole seconds, rounded up, since nobody may wait for less. */
uint64_t leader_seconds(usec_t duration);
/* For the codecs: a duration in seconds within bounds. -EBADMSG with *reterr. */
int leader_take_duration(int64_t seconds, usec_t *ret, char **reterr);
/* For the codecs: says what an answer of no use said. -EBADMSG, -ENOMEM. */
int leader_refuse(int status, const char *body, size_t len, const char *member, char **reterr);
