/* SPDX-License-Identifier: Apache-2.0
 * What files with secrets held when they were read last. */
#include "io/secret_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/strbuf.h"
#include "io/service.h"

struct secret_kept {
	char *name;
	struct secret_stamp stamp;
	char *text; /* NULL: it could not be read */
};

static struct secret_kept *find(struct secret_cache *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_equal(s->items[i].name, name))
			return &s->items[i];
	return NULL;
}

static struct secret_kept *add(struct secret_cache *s, const char *name)
{
	struct secret_kept *items = reallocarray(s->items, s->n + 1, sizeof(*items));

	if (!items)
		return NULL;
	s->items = items;
	items[s->n] = (struct secret_kept){.name = strdup(name)};
	return items[s->n].name ? &items[s->n++] : NULL;
}

int secret_cache_get(
	struct secret_cache *s, const char *name, bool lines, const char **ret, char **reterr)
{
	struct secret_kept *k = find(s, name);
	/* Of before it is read: what is written meanwhile makes another one. */
	struct secret_stamp stamp = {0};
	bool known = secret_stamp(name, &stamp) >= 0;
	int r = 0;

	if (!k)
		k = add(s, name);
	if (!k)
		return -ENOMEM;
	if (!known || !k->text || !secret_stamp_equal(&stamp, &k->stamp)) {
		k->text = secret_free(k->text);
		r = lines ? secret_read_lines(name, &k->text, reterr)
			  : secret_read(name, &k->text, reterr);
		if (r < 0)
			return r;
		k->stamp = stamp;
		r = 1;
	}
	*ret = k->text;
	return r;
}

void secret_cache_clear(struct secret_cache *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->items[i].name);
		secret_free(s->items[i].text);
	}
	free(s->items);
	*s = (struct secret_cache){0};
}
