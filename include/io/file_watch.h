/* SPDX-License-Identifier: Apache-2.0
 * Tells that a file of the configuration has changed, or one of its drop-ins (path.d/NAME.conf):
 * by inotify(7) on their directories. A mounted config map changes by a swap of the symlink
 * "..data" beside the file, which the kubelet renames into its place
 * (k8s.io/kubernetes/pkg/volume/util/atomic_writer.go); that is seen, too. */
#pragma once

#include <systemd/sd-event.h>

#include "base/cleanup.h"

struct file_watch;

/* changed is called a second after the last of several changes, or ten after the first while they
 * go on. It may free the watch. A directory that goes away is told once, and again when it is back;
 * that of the drop-ins may be absent. -errno where the directory of path cannot be watched. */
int file_watch_new(sd_event *event, const char *path, void (*changed)(void *userdata),
	void *userdata, struct file_watch **ret);

struct file_watch *file_watch_free(struct file_watch *w);

DEFINE_CLEANUP(struct file_watch *, file_watch_free)
