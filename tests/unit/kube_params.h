/* SPDX-License-Identifier: Apache-2.0
 * Keys of a [spark] section of type kubernetes, for tests of the source. */
#pragma once

#include "fake_transport.h"

#include "base/strbuf.h"
#include "source/source.h"

static inline void kube_set(struct source_params *params, const char *key, const char *value)
{
	_cleanup_free_ char *err = NULL;

	assert_int_equal(
		param_set(param_find(source_params, n_source_params, key), params, value, &err), 0);
}

/* The defaults; params is zeroed. */
static inline void kube_params(struct source_params *params)
{
	int type = 0;

	assert_int_equal(param_defaults(source_params, n_source_params, params), 0);
	while (!str_equal(source_ops_of(type)->name, "kubernetes"))
		type++;
	params->type = type;
}
