/* SPDX-License-Identifier: Apache-2.0
 * The fields of a message, for those who make something else of it: wire/notice*.c only. */
#pragma once

#include "wire/json.h"
#include "wire/notice.h"

/* Reads notice_json()'s. -EBADMSG where it is none. The caller deletes *ret. */
int notice_read(const char *message, cJSON **ret);

/* The text of a field as it is; NULL: not known. Numbers need room. */
const char *notice_field(const cJSON *o, const char *name, char number[static 32]);
