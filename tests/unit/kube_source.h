/* SPDX-License-Identifier: Apache-2.0
 * A source of type kubernetes whose API server is a fake one, for tests of what it lists besides
 * driver pods. Whoever includes this has a prepare() of its own, and an on_listed().
 *
 *	fake_json(&f->fake, "GET " API "...", "{...}");
 *	list(f);                        a turn of the poller
 *	assert_string_equal(f->targets, "...");
 *	kube_test(a_test)               in place of cmocka_unit_test() */
#pragma once

#include "fake_transport.h"
#include "kube_params.h"
#include "row.h"

#include "source/source.h"

#define API "https://kube:6443"
#define TURN (10 * USEC_PER_SEC)

struct fixture {
	struct fake fake;
	struct source_params params;
	struct source *source; /* NULL until it lists for the first time */
	unsigned n;            /* lists */
	bool partial;
	char targets[512]; /* as on_listed() has them */
	char text[400];    /* of the last fault; "": there is none */
};

/* Parameters other than the default, and answers that a test need not give. */
static void prepare(struct fixture *f);
static void on_listed(void *userdata, const struct target_list *list);

static inline int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fake_init(&f->fake);
	kube_params(&f->params);
	prepare(f);
	*state = f;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)row_tell(state);
	source_free(f->source);
	param_clear(source_params, n_source_params, &f->params);
	fake_clear(&f->fake);
	free(f);
	return 0;
}

static inline struct fixture *anew(void **state)
{
	(void)tear_down(state);
	(void)set_up(state);
	return *state;
}

/* With what the test has set by now. */
static inline void make(struct fixture *f)
{
	_cleanup_free_ char *err = NULL;

	kube_set(&f->params, "url", API);
	assert_int_equal(
		source_new("k", &f->params, NULL, &f->fake.transport, &f->source, &err), 0);
}

static inline void list(struct fixture *f)
{
	unsigned n = f->n;

	if (!f->source)
		make(f);
	assert_int_equal(f->source->ops->list(f->source, on_listed, f), 0);
	fake_advance(&f->fake, TURN);
	assert_int_equal(f->n, n + 1);
}

#define kube_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
