/* SPDX-License-Identifier: Apache-2.0
 * Inside of source/kubernetes: the driver pods of one namespace, or of all. They are listed page by
 * page, and from then on the API server is asked what has changed, by a watch that ends after a
 * second: each answer is whole, and one that does not come is noticed at once. */
#pragma once

#include "source/source.h"
#include "wire/kube.h"

/* At most so long after a list the next is asked for, whatever the changes say. */
#define KUBE_LIST_EVERY (10 * USEC_PER_MINUTE)

/* Of namespaces; drivers wait for a place on the wire, too. */
#define KUBE_LISTS_AT_ONCE 4

/* A turn that takes longer, page by page, is given up: the poller counts on its end. */
#define KUBE_TURN_MAX USEC_PER_MINUTE
/* As a field selector. Ended pods stay until somebody deletes them: they are not asked for. */
#define KUBE_LIVE "status.phase!=Succeeded,status.phase!=Failed"

struct kube_list;

/* Who was asked has answered: the pods are those of now, or fault says why they are not. */
typedef void (*kube_list_done_fn)(void *userdata, struct kube_list *l);

struct kube_list {
	struct source *source;     /* borrowed */
	const char *url;           /* likewise: the list's, without a query */
	const char *selector;      /* likewise: as a query has it */
	struct kube_pod_list pods; /* of the last answer, by uid */
	struct fault fault;        /* of this one */
	bool listed;               /* it was of use */
	usec_t not_before; /* the API server has asked to be left alone until then; 0: it has not */
	usec_t began;      /* the turn at hand */
	usec_t before;     /* the one before it; 0: it is the first */
	usec_t listed_at;  /* when the last whole list began */
	usec_t changes_at; /* from when on changes may be asked for again; 0: always */
	bool cached;       /* a list may be a cache's: the one before was whole and short */
	struct fault
		doubt;   /* why changes were not to be had; reason NULL: they were not asked for */
	bool begun_anew; /* since what asks for the next page had expired */
	struct kube_pod_list page;         /* of the list at hand, all pages so far */
	struct transport_request *request; /* NULL: none is under way */
	kube_list_done_fn done;
	void *userdata;
};

int kube_list_new(
	struct source *source, const char *url, const char *selector, struct kube_list **ret);
/* Cancels what is under way. NULL is allowed; returns NULL. */
struct kube_list *kube_list_free(struct kube_list *l);
void kube_list_cancel(struct kube_list *l);

/* began: of the turn, which ends a minute later. Exactly one callback, unless cancelled; it may
 * come before this returns. */
void kube_list_ask(struct kube_list *l, usec_t began, kube_list_done_fn done, void *userdata);

/* NULL: there is none of that uid. */
const struct kube_pod *kube_list_find(const struct kube_list *l, const char *uid);
