/* SPDX-License-Identifier: Apache-2.0
 * inotify on the directory of a file and on that of its drop-ins. */
#include "io/file_watch.h"

#include <errno.h>
#include <fnmatch.h>
#include <libgen.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/strbuf.h"
#include "io/clock.h"

/* What belongs together comes within that: an editor's steps, several files copied. */
#define SETTLE USEC_PER_SEC
#define SETTLE_MAX (10 * USEC_PER_SEC)
/* How often it is looked whether a directory that went away is back. */
#define RETRY (10 * USEC_PER_SEC)

#define CHANGES                                                                                    \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |   \
		IN_MOVE_SELF | IN_ONLYDIR)
#define DIRECTORY_GONE (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)

struct directory {
	char *path;
	sd_event_source *source; /* NULL: not watched */
};

struct file_watch {
	sd_event *event;
	sd_event_source *timer;
	char *name;            /* of the file, without its directory */
	struct directory main; /* of the file */
	struct directory more; /* of the drop-ins */
	usec_t first;          /* change that was not told yet, by clock_boottime(); 0: none */
	bool lost;             /* the directory of the file could not be watched again */
	void (*changed)(void *userdata);
	void *userdata;
};

/* Whether a name in one of the two directories matters. NULL: the directory itself. */
static bool concerns(const struct file_watch *w, const struct directory *d, const char *name)
{
	size_t n = strlen(w->name);

	if (!name || str_equal(name, "..data"))
		return true;
	if (d == &w->more)
		return fnmatch("*.conf", name, FNM_PERIOD) == 0;
	return strncmp(name, w->name, n) == 0 && (name[n] == '\0' || str_equal(name + n, ".d"));
}

static int settle(struct file_watch *w)
{
	usec_t now = clock_boottime();

	if (w->first == 0)
		w->first = now;
	return timer_in(w->timer, usec_clamp(usec_sub(w->first + SETTLE_MAX, now), 0, SETTLE));
}

static int on_inotify(sd_event_source *source, const struct inotify_event *e, void *userdata)
{
	struct file_watch *w = userdata;
	struct directory *d = source == w->main.source ? &w->main : &w->more;

	if (e->mask & DIRECTORY_GONE)
		d->source = sd_event_source_disable_unref(d->source);
	else if (!(e->mask & IN_Q_OVERFLOW) && !concerns(w, d, e->len > 0 ? e->name : NULL))
		return 0;
	return settle(w);
}

static int attach(struct file_watch *w, struct directory *d)
{
	return d->source ? 0
			 : sd_event_add_inotify(
				   w->event, &d->source, d->path, CHANGES, on_inotify, w);
}

static int attach_both(struct file_watch *w)
{
	(void)attach(w, &w->more);
	return attach(w, &w->main);
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct file_watch *w = userdata;
	bool was_lost = w->lost;
	int r = 0;

	(void)source;
	(void)usec;
	w->first = 0;
	w->lost = attach_both(w) < 0;
	if (w->lost)
		r = timer_in(w->timer, RETRY);
	if (!w->lost || !was_lost)
		w->changed(w->userdata); /* the watch may be gone now */
	return r;
}

static int split(struct file_watch *w, const char *path)
{
	_cleanup_free_ char *a = strdup(path);
	_cleanup_free_ char *b = strdup(path);
	int r;

	if (!a || !b)
		return -ENOMEM;
	r = str_replace(&w->main.path, dirname(a));
	if (r >= 0)
		r = str_replace(&w->name, basename(b));
	return r < 0 ? r : str_printf(&w->more.path, "%s.d", path);
}

int file_watch_new(sd_event *event, const char *path, void (*changed)(void *userdata),
	void *userdata, struct file_watch **ret)
{
	_cleanup_(file_watch_freep) struct file_watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->event = sd_event_ref(event);
	w->changed = changed;
	w->userdata = userdata;
	r = split(w, path);
	if (r >= 0)
		r = timer_new(event, on_settled, w, &w->timer);
	if (r >= 0)
		r = attach_both(w);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(w);
	return 0;
}

struct file_watch *file_watch_free(struct file_watch *w)
{
	if (!w)
		return NULL;
	sd_event_source_disable_unref(w->main.source);
	sd_event_source_disable_unref(w->more.source);
	sd_event_source_disable_unref(w->timer);
	sd_event_unref(w->event);
	free(w->main.path);
	free(w->more.path);
	free(w->name);
	free(w);
	return NULL;
}
