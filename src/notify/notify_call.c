/* SPDX-License-Identifier: Apache-2.0
 * What the types of notify share: how a call ends, and how a key is refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/strbuf.h"
#include "notify/notify_type.h"

const char *const notify_reasons[] = {"unreachable", "timeout", "denied", "redirect", "refused",
	"server_error", "command", "internal"};
const size_t n_notify_reasons = ELEMENTSOF(notify_reasons);

void notify_secrets_clear(struct notify_secrets *s)
{
	secret_free(s->url);
	secret_free(s->authorization);
	secret_free(s->password);
	secret_free(s->secret);
	*s = (struct notify_secrets){0};
}

int notify_refuse(const char *key, const char *text, const char **ret_key, char **reterr)
{
	int r = str_printf(reterr, "%s", text);

	*ret_key = key;
	return r < 0 ? r : -EINVAL;
}

int notify_join(const struct strlist *lines, const char *glue, char **ret)
{
	struct strbuf b = {0};

	for (size_t i = 0; i < lines->n; i++)
		strbuf_addf(&b, "%s%s", i > 0 ? glue : "", lines->items[i]);
	return strbuf_finish(&b, ret);
}

static void detach(struct notify_call *c)
{
	for (struct notify_call **k = &c->notify->calls; *k; k = &(*k)->next)
		if (*k == c) {
			*k = c->next;
			break;
		}
}

struct notify_call *notify_cancel(struct notify_call *c)
{
	if (!c)
		return NULL;
	transport_cancel(c->notify->context.transport, c->request);
	spawn_cancel(c->spawn);
	detach(c);
	free(c);
	return NULL;
}

/* The callback may end the last user of this notify, and with it the notify. */
void notify_call_end(struct notify_call *c, const struct notify_result *result)
{
	detach(c);
	c->done(c->userdata, result);
	free(c);
}
