/* SPDX-License-Identifier: Apache-2.0
 * Kinds, names and owners of the objects of the Kubernetes API. */
#include "wire/kube_object.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/why_line.h"

#define MAX_LABEL 63
#define MAX_TOKEN 4096 /* of a page; a real one has some 150 bytes */
#define KUBEFLOW_GROUP KUBE_KUBEFLOW_GROUP "/"
#define APACHE_GROUP KUBE_APACHE_GROUP "/"
#define APPLICATION "SparkApplication"
/* Of a label, which does not say it. */
#define KUBEFLOW_VERSION KUBEFLOW_GROUP "v1beta2"

int kube_parse_kind(const char *body, size_t len, const char *kind, cJSON **ret, char **reterr)
{
	const char *is = NULL;
	int r = json_parse(body, len, ret, reterr);

	if (r >= 0)
		r = json_get_string(*ret, "kind", JSON_REQUIRED, &is, reterr);
	if (r >= 0 && !str_equal(is, kind))
		r = json_refuse(reterr, "not a %s", kind);
	return r;
}

/* RFC 1123: lower case letters, digits and '-', in names of pods also '.', none of these two at an
 * end. */
static bool is_name(const char *s, size_t max, const char *glue)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-.");

	return n > 0 && n <= max && s[n] == '\0' && !strpbrk(s, glue) && s[0] != '-' &&
	       s[0] != '.' && s[n - 1] != '-' && s[n - 1] != '.';
}

bool kube_is_namespace(const char *s)
{
	return is_name(s, MAX_LABEL, ".");
}

bool kube_is_name(const char *s)
{
	return is_name(s, KUBE_MAX_NAME, "/");
}

int kube_copy_name(const cJSON *meta, const char *field, bool (*may_be)(const char *s), char **ret,
	char **reterr)
{
	const char *s = NULL;
	int r = json_get_string(meta, field, JSON_REQUIRED, &s, reterr);

	if (r < 0)
		return r;
	return may_be(s) ? str_replace(ret, s) : json_refuse(reterr, "\"%s\" is not a name", field);
}

int kube_copy_label(const cJSON *labels, const char *name, char **ret, char **reterr)
{
	const char *s = NULL;
	int r = json_get_string(labels, name, JSON_OPTIONAL, &s, reterr);

	return r <= 0 || !*s ? r : json_copy_id(labels, name, JSON_REQUIRED, ret, reterr);
}

int kube_copy_why(const cJSON *o, const char *field, char **ret, char **reterr)
{
	const char *s = NULL;
	char *text = NULL;
	int r = json_get_string(o, field, JSON_OPTIONAL, &s, reterr);

	if (r < 0 || !s)
		return r;
	r = why_line(s, KUBE_MAX_WHY, &text);
	if (r < 0)
		return r;
	free(*ret);
	*ret = text;
	return 0;
}

int kube_take_next(const cJSON *json, char **ret, char **reterr)
{
	const cJSON *meta = NULL;
	const char *next = NULL;
	int r = json_get_object(json, "metadata", JSON_REQUIRED, &meta, reterr);

	if (r >= 0)
		r = json_get_string(meta, "continue", JSON_OPTIONAL, &next, reterr);
	if (r < 0 || !next || !*next)
		return r;
	if (strnlen(next, MAX_TOKEN + 1) > MAX_TOKEN)
		return json_refuse(reterr, "\"continue\" is longer than %d bytes", MAX_TOKEN);
	return str_replace(ret, next);
}

int kube_take_page(const cJSON *json, char **ret_next, const cJSON **ret_items, char **reterr)
{
	int r = kube_take_next(json, ret_next, reterr);

	if (r >= 0)
		r = json_get_array(json, "items", JSON_REQUIRED, ret_items, reterr);
	if (r < 0)
		return r;
	if (cJSON_GetArraySize(*ret_items) <= KUBE_MAX_ITEMS)
		return 0;
	r = json_refuse(reterr, "more than %d objects", KUBE_MAX_ITEMS);
	return r == -EBADMSG ? -E2BIG : r;
}

int kube_join_rows(void *items, size_t n, const void *page, size_t n_page, size_t size, void **ret)
{
	char *all;

	if (n + n_page > KUBE_MAX_ITEMS)
		return -E2BIG;
	all = reallocarray(items, n + n_page + 1, size);
	if (!all)
		return -ENOMEM;
	if (n_page > 0)
		memcpy(all + n * size, page, n_page * size);
	*ret = all;
	return 0;
}

void kube_join_left_out(struct left_out *to, const struct left_out *page)
{
	if (to->n == 0)
		*to = *page;
	else
		to->n += page->n;
}

int kube_copy_ip(const char *text, char **ret)
{
	unsigned char address[sizeof(struct in6_addr)];
	char ip[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < 2; i++) {
		int family = i == 0 ? AF_INET : AF_INET6;

		if (inet_pton(family, text, address) == 1 &&
			inet_ntop(family, address, ip, sizeof(ip)))
			return str_replace(ret, ip);
	}
	return 0;
}

void kube_owner_clear(struct kube_owner *o)
{
	free(o->version);
	free(o->kind);
	free(o->name);
	free(o->uid);
	*o = (struct kube_owner){0};
}

int kube_owner_copy(struct kube_owner *to, const struct kube_owner *from)
{
	int r = str_replace(&to->version, from->version);

	to->type = from->type;
	if (r >= 0)
		r = str_replace(&to->kind, from->kind);
	if (r >= 0)
		r = str_replace(&to->name, from->name);
	return r < 0 ? r : str_replace(&to->uid, from->uid);
}

/* "group/version", where the version can stand in a path. */
static bool is_of_group(const char *version, const char *group)
{
	size_t n = strlen(group);

	return strncmp(version, group, n) == 0 && kube_is_namespace(version + n);
}

static enum kube_owner_type type_of(const char *version, const char *kind)
{
	if (str_equal(kind, APPLICATION) && is_of_group(version, KUBEFLOW_GROUP))
		return KUBE_OWNER_KUBEFLOW;
	if (str_equal(kind, APPLICATION) && is_of_group(version, APACHE_GROUP))
		return KUBE_OWNER_APACHE;
	return KUBE_OWNER_OTHER;
}

/* Of an ownerReference: *ret is cleared where it does not count, since it controls nothing. */
static int take_reference(const cJSON *row, struct kube_owner *ret, char **reterr)
{
	bool controls = false;
	int r = json_copy_id(row, "apiVersion", JSON_REQUIRED, &ret->version, reterr);

	if (r >= 0)
		r = json_copy_id(row, "kind", JSON_REQUIRED, &ret->kind, reterr);
	if (r >= 0)
		r = json_copy_id(row, "name", JSON_REQUIRED, &ret->name, reterr);
	if (r >= 0)
		r = json_copy_id(row, "uid", JSON_REQUIRED, &ret->uid, reterr);
	if (r >= 0)
		r = json_get_bool(row, "controller", JSON_OPTIONAL, &controls, reterr);
	if (r < 0)
		return r;
	ret->type = type_of(ret->version, ret->kind);
	if (ret->type == KUBE_OWNER_OTHER && !controls)
		kube_owner_clear(ret);
	else if (ret->type != KUBE_OWNER_OTHER && !kube_is_name(ret->name))
		return json_refuse(reterr, "\"name\" of the owner is not a name");
	return 0;
}

static int take_label(const char *operator_app, struct kube_owner *ret)
{
	int r;

	/* What cannot be asked for cannot be ruled out, either. */
	ret->type = kube_is_name(operator_app) ? KUBE_OWNER_KUBEFLOW : KUBE_OWNER_OTHER;
	r = str_replace(&ret->version, KUBEFLOW_VERSION);
	if (r >= 0)
		r = str_replace(&ret->kind, APPLICATION);
	return r < 0 ? r : str_replace(&ret->name, operator_app);
}

int kube_take_owner(
	const cJSON *meta, const char *operator_app, struct kube_owner *ret, char **reterr)
{
	const cJSON *list = NULL;
	const cJSON *row;
	int r = json_get_array(meta, "ownerReferences", JSON_OPTIONAL, &list, reterr);

	cJSON_ArrayForEach(row, list)
	{
		_cleanup_(kube_owner_clear) struct kube_owner o = {0};

		r = take_reference(row, &o, reterr);
		if (r < 0)
			return r;
		/* An operator's comes before others. */
		if (ret->type != KUBE_OWNER_NONE &&
			(o.type == KUBE_OWNER_NONE || o.type == KUBE_OWNER_OTHER))
			continue;
		kube_owner_clear(ret);
		*ret = TAKE_STRUCT(o);
	}
	if (r >= 0 && ret->type == KUBE_OWNER_NONE && operator_app)
		r = take_label(operator_app, ret);
	return r < 0 ? r : 0;
}
