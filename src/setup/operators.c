/* SPDX-License-Identifier: Apache-2.0
 * Names of those who may give orders, and peers held against them. */
#include "setup/operators.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/strbuf.h"

void operators_clear(struct operators *o)
{
	for (size_t i = 0; i < o->n_users; i++)
		free(o->users[i].name);
	free(o->users);
	free(o->group);
	*o = (struct operators){0};
}

static int refuse(char **reterr, const char *before, const char *name, const char *after)
{
	int r = str_printf(reterr, "%s%s%s", before, name, after);

	return r < 0 ? r : -EINVAL;
}

static int add_user(struct operators *o, const char *name, char **reterr)
{
	struct operator* u = & o->users[o->n_users];

	if (user_id(name, &u->uid) < 0)
		return refuse(reterr, "there is no user ", name, "");
	if (id_is_nobody(u->uid))
		return refuse(
			reterr, "", name, " stands for every user whom the kernel cannot tell");
	o->n_users++;
	return str_replace(&u->name, name);
}

static int set_group(struct operators *o, const char *name, char **reterr)
{
	if (group_id(name, &o->gid) < 0)
		return refuse(reterr, "there is no group ", name, "");
	if (id_is_nobody(o->gid))
		return refuse(
			reterr, "", name, " stands for every group that the kernel cannot tell");
	return str_replace(&o->group, name);
}

int operators_resolve(const struct strlist *users, const char *group, struct operators *ret,
	const char **ret_key, char **reterr)
{
	struct operators o = {.users = calloc(users->n + 1, sizeof(struct operator))};
	int r = o.users ? 0 : -ENOMEM;

	*ret_key = "control_users";
	for (size_t i = 0; r >= 0 && i < users->n; i++)
		r = add_user(&o, users->items[i], reterr);
	if (r >= 0 && group) {
		*ret_key = "control_group";
		r = set_group(&o, group, reterr);
	}
	if (r < 0) {
		operators_clear(&o);
		return r;
	}
	*ret = o;
	return 0;
}

int operators_know(
	const struct operators *o, const struct local_peer *p, bool *ret_may, char **ret_who)
{
	*ret_may = false;
	if (p->uid == 0 || (p->uid == geteuid() && !id_is_nobody(p->uid))) {
		*ret_may = true;
		return str_printf(
			ret_who, "%s (uid %u)", p->uid == 0 ? "root" : "the daemon's user", p->uid);
	}
	for (size_t i = 0; i < o->n_users; i++)
		if (o->users[i].uid == p->uid) {
			*ret_may = true;
			return str_printf(ret_who, "%s (uid %u)", o->users[i].name, p->uid);
		}
	if (o->group && local_peer_in_group(p, o->gid)) {
		*ret_may = true;
		return str_printf(ret_who, "uid %u of group %s", p->uid, o->group);
	}
	return str_printf(ret_who, "uid %u", p->uid);
}
