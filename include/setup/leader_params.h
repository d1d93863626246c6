/* SPDX-License-Identifier: Apache-2.0
 * The keys of [leader]: where several replicas agree on which of them acts. */
#pragma once

#include "io/endpoint_params.h"

enum leader_type {
	LEADER_NONE,
	LEADER_LEASE,
	LEADER_ETCD,
	LEADER_TYPE_MAX
};

struct leader_params {
	int type; /* enum leader_type */
	char *name;
	char *namespace;
	struct strlist url;
	char *identity;
	usec_t lease_duration;
	struct endpoint_params endpoint;
};

extern const struct param_def leader_params[];
extern const size_t n_leader_params;

const char *leader_type_name(int type);

/* What is wrong with them together, beginning with the key; static. NULL: nothing. */
const char *leader_fault(const struct leader_params *p);
