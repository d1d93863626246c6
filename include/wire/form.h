/* SPDX-License-Identifier: Apache-2.0
 * The body of a form of ours, as a browser sends it: application/x-www-form-urlencoded. */
#pragma once

/* The field of that name, which is plain ASCII. 1, 0 where there is none, *ret untouched; -EBADMSG
 * where it comes twice, or holds a broken escape, a control character or what is no UTF-8;
 * -ENOMEM. The caller frees *ret. */
int form_field_decode(const char *body, const char *name, char **ret);
