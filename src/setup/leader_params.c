/* SPDX-License-Identifier: Apache-2.0
 * The keys of [leader], and which of them go together. */
#include "setup/leader_params.h"

#include <stdbool.h>
#include <string.h>

#include "wire/kube_object.h"

/* With the rest of the note that it is in. */
#define MAX_IDENTITY 128

static const char *const types[] = {
	[LEADER_NONE] = "none", [LEADER_LEASE] = "lease", [LEADER_ETCD] = "etcd", NULL};
_Static_assert(ELEMENTSOF(types) == LEADER_TYPE_MAX + 1, "a name per type");

const struct param_def leader_params[] = {
	{.name = "type",
		.type = PARAM_ENUM,
		.offset = offsetof(struct leader_params, type),
		.choices = types,
		.fallback = "none",
		.help = "none: this is the only replica; lease: by a Lease of Kubernetes; etcd: by "
			"a key of etcd"},
	{.name = "name",
		.type = PARAM_STRING,
		.offset = offsetof(struct leader_params, name),
		.fallback = "stagewatchd",
		.help = "of the Lease, or the key; the same for all replicas, and for no others"},
	{.name = "namespace",
		.type = PARAM_STRING,
		.offset = offsetof(struct leader_params, namespace),
		.help = "of the Lease; unset: that of the pod"},
	{.name = "url",
		.type = PARAM_LIST,
		.offset = offsetof(struct leader_params, url),
		.help = "etcd: its members, asked in turn; lease: the API server, unset: of the "
			"cluster that this runs in"},
	{.name = "identity",
		.type = PARAM_STRING,
		.offset = offsetof(struct leader_params, identity),
		.help = "what this replica is called; unset: by the name of the host"},
	{.name = "lease_duration",
		.type = PARAM_DURATION,
		.offset = offsetof(struct leader_params, lease_duration),
		.fallback = "30s",
		.min = 5 * USEC_PER_SEC,
		.max = 10 * USEC_PER_MINUTE,
		.help = "how long a leader that is not heard of keeps the others from leading"},
	ENDPOINT_PARAMS(struct leader_params, endpoint),
};
const size_t n_leader_params = ELEMENTSOF(leader_params);

const char *leader_type_name(int type)
{
	return types[type];
}

static bool is_web(const char *url)
{
	return (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0) &&
	       !strpbrk(url, "@?#");
}

static const char *fault_of_lease(const struct leader_params *p)
{
	if (!kube_is_name(p->name))
		return "name: no name of a Lease";
	if (p->namespace && !kube_is_namespace(p->namespace))
		return "namespace: not one";
	if (p->url.n > 1)
		return "url: an API server has one address";
	return NULL;
}

static const char *fault_of_etcd(const struct leader_params *p)
{
	if (p->url.n == 0)
		return "url is missing: type = etcd needs one";
	if (p->namespace)
		return "namespace: of type = lease only";
	if (!p->endpoint.username != !p->endpoint.password_file)
		return "username and password_file go together";
	return NULL;
}

const char *leader_fault(const struct leader_params *p)
{
	if (p->type == LEADER_NONE)
		return NULL;
	if (!p->name)
		return "name is missing";
	if (p->identity && strlen(p->identity) > MAX_IDENTITY)
		return "identity: over 128 bytes";
	for (size_t i = 0; i < p->url.n; i++)
		if (!is_web(p->url.items[i]))
			return "url: begins with http:// or https:// and holds no user name or "
			       "query";
	return p->type == LEADER_LEASE ? fault_of_lease(p) : fault_of_etcd(p);
}
