/* SPDX-License-Identifier: Apache-2.0
 * When certificates and tokens end. */
#include "io/expiry.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

/* A chain has a few. */
#define MAX_CERTIFICATES 100
#define READ_AGAIN USEC_PER_MINUTE

static void forget(struct expiry_list *l, size_t i)
{
	free(l->items[i].name);
	l->items[i] = l->items[--l->n];
}

static struct expiry *find(const struct expiry_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_equal(l->items[i].name, name))
			return &l->items[i];
	return NULL;
}

static struct expiry *add(struct expiry_list *l, const char *name)
{
	struct expiry *items;

	if (l->n >= EXPIRY_MAX)
		return NULL;
	items = reallocarray(l->items, l->n + 1, sizeof(*items));
	if (!items)
		return NULL;
	l->items = items;
	items[l->n] = (struct expiry){.name = strdup(name)};
	return items[l->n].name ? &items[l->n++] : NULL;
}

void expiry_note(struct expiry_list *l, const char *name, usec_t at, usec_t now)
{
	struct expiry *e = find(l, name);

	for (size_t i = l->n; !e && at > 0 && i-- > 0;)
		if (usec_sub(now, l->items[i].seen) > EXPIRY_KEPT)
			forget(l, i);
	if (!e && at > 0)
		e = add(l, name);
	if (!e)
		return;
	e->seen = now;
	if (at > 0) {
		e->at = at;
		e->read = now;
	}
}

void expiry_forget(struct expiry_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_equal(l->items[i].name, name)) {
			forget(l, i);
			return;
		}
}

bool expiry_due(const struct expiry_list *l, const char *name, usec_t now)
{
	const struct expiry *e = find(l, name);

	return !e || usec_sub(now, e->read) > READ_AGAIN;
}

void expiry_clear(struct expiry_list *l)
{
	while (l->n > 0)
		forget(l, l->n - 1);
	free(l->items);
	*l = (struct expiry_list){0};
}

static usec_t end_of(const X509 *certificate)
{
	struct tm tm = {0};
	time_t t;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1)
		return 0;
	t = timegm(&tm);
	return t > 0 ? (usec_t)t * USEC_PER_SEC : 0;
}

int expiry_of_file(const char *file, usec_t *ret)
{
	_cleanup_fclose_ FILE *f = fopen(file, "re");
	usec_t first = 0;
	X509 *certificate;

	if (!f)
		return -errno;
	for (unsigned i = 0;
		i < MAX_CERTIFICATES && (certificate = PEM_read_X509(f, NULL, NULL, NULL)); i++) {
		usec_t end = end_of(certificate);

		if (end > 0 && (first == 0 || end < first))
			first = end;
		X509_free(certificate);
	}
	if (first == 0)
		return -EINVAL;
	*ret = first;
	return 0;
}

usec_t expiry_of_text(const char *text)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%b %d %H:%M:%S %Y GMT", &tm);
	time_t t = end && *end == '\0' ? timegm(&tm) : 0;

	return t > 0 ? (usec_t)t * USEC_PER_SEC : 0;
}
