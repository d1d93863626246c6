/* SPDX-License-Identifier: Apache-2.0
 * A transport around another one, that takes secrets out of what the other side says when it does
 * not do what was asked: these words are shown to people. What it answers else is data, in which a
 * name may well be somebody's password: nothing is changed there. */
#pragma once

#include "base/cleanup.h"
#include "io/transport.h"

struct redactor;

/* Of an answer that is none of 2xx, so many bytes are passed on. */
#define REDACTOR_MAX_WORDS ((size_t)64 * 1024)

/* Borrows inner. Its transport hides what transport_hide() was told, for good: a secret that was
 * replaced may still be said; and the password, the
 * authorization and the secret headers of each request. */
int redactor_new(struct transport *inner, struct redactor **ret);
/* After everything that asks through it is gone. NULL is allowed; returns NULL. */
struct redactor *redactor_free(struct redactor *r);

DEFINE_CLEANUP(struct redactor *, redactor_free)

struct transport *redactor_transport(struct redactor *r);
