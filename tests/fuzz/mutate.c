/* SPDX-License-Identifier: Apache-2.0
 * Mutates JSON as JSON: a change of a byte mostly makes a text that is none, and that no decoder
 * looks into. What is no JSON, and one JSON text in four, is left to libFuzzer's own mutations. */
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define MAX_CHANGES 4
#define MAX_TEXT 300

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* A value within a document. parent NULL: it is the document. */
struct place {
	cJSON *parent;
	cJSON *item;
};

static size_t draw(uint32_t *random, size_t n)
{
	*random = *random * 1664525U + 1013904223U;
	return (*random >> 8) % n;
}

static size_t count(const cJSON *item)
{
	size_t n = 1;

	for (const cJSON *child = item->child; child; child = child->next)
		n += count(child);
	return n;
}

/* Finds the value that comes as number *at in the text; *at counts down. */
static bool find(cJSON *parent, cJSON *item, size_t *at, struct place *ret)
{
	if ((*at)-- == 0) {
		*ret = (struct place){parent, item};
		return true;
	}
	for (cJSON *child = item->child; child; child = child->next)
		if (find(item, child, at, ret))
			return true;
	return false;
}

static struct place draw_place(cJSON *root, uint32_t *random)
{
	struct place p = {NULL, root};
	size_t at = draw(random, count(root));

	(void)find(NULL, root, &at, &p);
	return p;
}

static cJSON *new_text(const cJSON *old)
{
	char text[MAX_TEXT + 1] = "";
	size_t n;

	if (cJSON_IsString(old))
		(void)strncpy(text, old->valuestring, MAX_TEXT);
	n = LLVMFuzzerMutate((uint8_t *)text, strlen(text), MAX_TEXT);
	text[n] = '\0';
	return cJSON_CreateString(text);
}

static cJSON *new_value(const cJSON *old, uint32_t *random)
{
	static const double numbers[] = {0, -1, 1, 0.5, -0.5, 200, 250, 251, 65536, 2147483648,
		4294967295, 9007199254740991, 9007199254740992, 18446744073709551615.0, 1e308,
		-1e308};
	static const char *const texts[] = {"", " ", "0", "-1", "..", "../x", "a/b", "{{x}}", "%n",
		"<b>", "\x1b[31m", "\xe2\x80\xae", "\xff", "null", "~", "18446744073709551616"};

	switch (draw(random, 8)) {
	case 0:
		return cJSON_CreateNull();
	case 1:
		return cJSON_CreateBool((int)draw(random, 2));
	case 2:
		return cJSON_CreateNumber(numbers[draw(random, ELEMENTSOF(numbers))]);
	case 3:
		return cJSON_CreateString(texts[draw(random, ELEMENTSOF(texts))]);
	case 4:
		return draw(random, 2) ? cJSON_CreateArray() : cJSON_CreateObject();
	case 5:
		return cJSON_IsNumber(old) ? cJSON_CreateNumber(old->valuedouble + 1)
					   : new_text(old);
	default:
		return new_text(old);
	}
}

/* Takes over value; the document itself is not replaced. */
static void put(struct place p, cJSON *value)
{
	if (!p.parent || !value) {
		cJSON_Delete(value);
		return;
	}
	if (p.item->string)
		value->string = strdup(p.item->string);
	(void)cJSON_ReplaceItemViaPointer(p.parent, p.item, value);
}

static void add(struct place to, cJSON *value, const char *name)
{
	bool added = false;

	if (cJSON_IsArray(to.item))
		added = cJSON_AddItemToArray(to.item, value);
	else if (cJSON_IsObject(to.item) && name)
		added = cJSON_AddItemToObject(to.item, name, value);
	if (!added)
		cJSON_Delete(value);
}

static void change(cJSON *root, uint32_t *random)
{
	struct place p = draw_place(root, random);
	struct place other = draw_place(root, random);
	cJSON *copy;

	switch (draw(random, 5)) {
	case 0:
		if (p.parent)
			cJSON_Delete(cJSON_DetachItemViaPointer(p.parent, p.item));
		break;
	case 1: /* one more in a list, or a field under the name of another */
		add(p, cJSON_Duplicate(other.item, true), other.item->string);
		break;
	case 2: /* what stands elsewhere */
		copy = cJSON_Duplicate(other.item, true);
		if (copy) {
			cJSON_free(copy->string);
			copy->string = NULL;
		}
		put(p, copy);
		break;
	default:
		put(p, new_value(p.item, random));
		break;
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	uint32_t random = seed;
	cJSON *root = NULL;
	char *text = NULL;
	size_t n = 0;

	if (draw(&random, 4) != 0)
		root = cJSON_ParseWithLength((const char *)data, size);
	if (root) {
		for (size_t i = 1 + draw(&random, MAX_CHANGES); i > 0; i--)
			change(root, &random);
		text = cJSON_PrintUnformatted(root);
		cJSON_Delete(root);
		n = text ? strlen(text) : 0;
	}
	if (n == 0 || n > max_size) {
		cJSON_free(text);
		return LLVMFuzzerMutate(data, size, max_size);
	}
	memcpy(data, text, n);
	cJSON_free(text);
	return n;
}
