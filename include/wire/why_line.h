/* SPDX-License-Identifier: Apache-2.0
 * What a program wrote before it failed, where somebody hands all of it on: the kubeflow operator
 * has the whole standard error of spark-submit in a SparkApplication's errorMessage, the Apache
 * operator a stack trace in its message, and the kubelet the end of a container's log in that of
 * its state (FallbackToLogsOnError). Pure. */
#pragma once

#include <stddef.h>

/* The line of text that tells why: the last cause of a Java exception, the last line with an
 * exception or an error, else the last line. What stands around the reason is left out: the name of
 * a thread, packages of classes, and how Spark's client asked the API server. A text of one line is
 * that line. *ret: printable, at most max bytes, the caller's. -ENOMEM. */
int why_line(const char *text, size_t max, char **ret);
