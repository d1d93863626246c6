/* SPDX-License-Identifier: Apache-2.0
 * What the parts of the manager ask one another for. */
#include "daemon/manager_parts.h"

#include "base/strbuf.h"
#include "io/credentials.h"
#include "watch/poller.h"
#include "watch/recorder.h"

struct poller *manager_poller(void *userdata, const char *cluster)
{
	struct manager *m = userdata;

	for (size_t i = 0; i < m->n_pollers; i++)
		if (str_equal(poller_cluster(m->pollers[i]), cluster))
			return m->pollers[i];
	return NULL;
}

bool manager_only_looks(const struct manager *m)
{
	return m->options.once || m->options.record;
}

struct transport *manager_transport(const struct manager *m)
{
	return m->recorder ? recorder_transport(m->recorder)
			   : credentials_transport(m->credentials);
}
