/* SPDX-License-Identifier: Apache-2.0
 * Computes labels and run ids as Airflow's providers do. */
#include "action/owner_match.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/strbuf.h"
#include "io/hash.h"

#define MAX_LABEL (LABEL_VALUE_SIZE - 1)
#define HASH_DIGITS 9
#define HASHED_PART (MAX_LABEL - HASH_DIGITS - 1)

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_label_character(char c)
{
	return is_alphanumeric(c) || c == '_' || c == '-' || c == '.';
}

int owner_label_value(const char *text, char ret[static LABEL_VALUE_SIZE])
{
	size_t begin = 0;
	size_t end = strlen(text);
	size_t len = end;
	size_t n = 0;
	unsigned char sum[HASH_MD5_SIZE];

	while (begin < len && !is_alphanumeric(text[begin]))
		begin++;
	while (end > begin && !is_alphanumeric(text[end - 1]))
		end--;
	for (size_t i = begin; i < end; i++) {
		if (n < MAX_LABEL && is_label_character(text[i]))
			ret[n] = text[i];
		n += is_label_character(text[i]);
	}
	if (n == len && n <= MAX_LABEL) {
		ret[n] = '\0';
		return 0;
	}
	if (hash_md5(text, len, sum) < 0)
		return -EIO;
	n = n < HASHED_PART ? n : HASHED_PART;
	(void)snprintf(ret + n, LABEL_VALUE_SIZE - n, "-%02x%02x%02x%02x%x", sum[0], sum[1], sum[2],
		sum[3], sum[4] >> 4U);
	return 0;
}

/* As Python's isoformat() writes a time of UTC: microseconds only where there are some. */
static void add_iso(struct strbuf *b, usec_t t)
{
	time_t seconds = (time_t)(t / USEC_PER_SEC);
	unsigned micro = (unsigned)(t % USEC_PER_SEC);
	struct tm tm;
	char text[32];

	if (!gmtime_r(&seconds, &tm) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		text[0] = '\0';
	strbuf_add(b, text);
	if (micro > 0)
		strbuf_addf(b, ".%06u", micro);
	strbuf_add(b, "+00:00");
}

/* int(timestamp() * 1000), in doubles as there. */
static uint64_t milliseconds(usec_t t)
{
	double seconds = (double)t / (double)USEC_PER_SEC;

	return (uint64_t)(seconds * 1000);
}

/* 48 bits of time, the version, 76 bits of the sum, of which two are the variant. */
static void format_uuid(uint64_t ms, const unsigned char *sum, char ret[static RUN_UUID_SIZE])
{
	unsigned char u[16];
	size_t len = 0;

	for (unsigned i = 0; i < 6; i++)
		u[i] = (unsigned char)(ms >> (40 - 8 * i));
	u[6] = (unsigned char)(0x70U | (sum[0] >> 4U));
	for (unsigned i = 0; i < 9; i++)
		u[7 + i] = (unsigned char)((sum[i] << 4U) | (sum[i + 1] >> 4U));
	u[8] = (unsigned char)((u[8] & 0x3fU) | 0x80U);
	for (unsigned i = 0; i < sizeof(u); i++)
		len += (size_t)snprintf(ret + len, RUN_UUID_SIZE - len, "%s%02x",
			i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", u[i]);
}

int owner_run_uuid(
	const char *namespace, const struct running_ti *t, char ret[static RUN_UUID_SIZE])
{
	_cleanup_free_ char *data = NULL;
	struct strbuf b = {0};
	unsigned char sum[HASH_SHA1_SIZE];
	int r;

	add_iso(&b, t->logical);
	strbuf_addf(&b, "%s.%s.%s.%" PRId64 ".%" PRId64, namespace, t->owner.dag_id,
		t->owner.task_id, t->owner.try_number, t->owner.map_index);
	r = strbuf_finish(&b, &data);
	if (r >= 0)
		r = hash_sha1(data, strlen(data), sum);
	if (r >= 0)
		format_uuid(milliseconds(t->logical), sum, ret);
	return r;
}

/* Ends as what was hashed does; a DAG may be called so, too. */
static bool may_be_hashed(const char *label)
{
	size_t n = strlen(label);
	const char *tail = n > HASH_DIGITS ? label + n - HASH_DIGITS : NULL;

	return tail && tail[-1] == '-' && strspn(tail, "0123456789abcdef") == HASH_DIGITS;
}

const char *owner_hint_dag(const struct owner_hint *h)
{
	if (owner_hint_labels(h))
		return may_be_hashed(h->dag_label) ? NULL : h->dag_label;
	return h->parent_dag;
}

static int is_label_of(const char *label, const char *id)
{
	char value[LABEL_VALUE_SIZE];
	int r = owner_label_value(id, value);

	return r < 0 ? r : str_equal(label, value);
}

int owner_match_labels(const struct owner_hint *h, const struct running_ti *t)
{
	const struct owner *o = &t->owner;
	int r;

	if (!owner_hint_labels(h) || h->map_index != o->map_index || h->try_number != o->try_number)
		return 0;
	r = is_label_of(h->dag_label, o->dag_id);
	if (r > 0)
		r = is_label_of(h->run_label, o->run_id);
	if (r > 0)
		r = is_label_of(h->task_label, o->task_id);
	return r;
}

int owner_match_lineage(const struct owner_hint *h, const struct running_ti *t)
{
	char uuid[RUN_UUID_SIZE];
	int r;

	if (!owner_hint_lineage(h) || t->logical == 0)
		return 0;
	r = owner_run_uuid(h->parent_namespace, t, uuid);
	return r < 0 ? r : str_equal(h->parent_run, uuid);
}
