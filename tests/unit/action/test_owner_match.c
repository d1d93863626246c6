/* SPDX-License-Identifier: Apache-2.0
 * What providers of Airflow write is what is computed here: owner.json holds what their own
 * functions gave. */
#include "../row.h"
#include "../wire/fixture.h"

#include "action/owner_match.h"
#include "base/parse.h"
#include "wire/kube_task.h"
#include "wire/spark_owner.h"

#define FIXTURE "airflow-3.3-kubernetes/owner.json"

static const char *text_of(const cJSON *o, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);

	assert_true(cJSON_IsString(item));
	return item->valuestring;
}

static int64_t number_of(const cJSON *o, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);

	assert_true(cJSON_IsNumber(item));
	return (int64_t)item->valuedouble;
}

static cJSON *read_fixture(void)
{
	_cleanup_free_ char *text = fixture_read(FIXTURE);
	cJSON *json = cJSON_Parse(text);

	assert_non_null(json);
	return json;
}

static void take_instance(const cJSON *row, struct running_ti *ret)
{
	const cJSON *o = cJSON_GetObjectItemCaseSensitive(row, "owner");

	*ret = (struct running_ti){0};
	assert_int_equal(str_replace(&ret->owner.dag_id, text_of(o, "dag_id")), 0);
	assert_int_equal(str_replace(&ret->owner.run_id, text_of(o, "run_id")), 0);
	assert_int_equal(str_replace(&ret->owner.task_id, text_of(o, "task_id")), 0);
	ret->owner.map_index = number_of(o, "map_index");
	ret->owner.try_number = number_of(o, "try_number");
	assert_int_equal(parse_timestamp(text_of(row, "logical_date"), &ret->logical), 0);
}

static void labels_are_those_of_the_provider(void **state)
{
	_cleanup_json_ cJSON *json = read_fixture();
	const cJSON *row;
	char label[LABEL_VALUE_SIZE];
	size_t n = 0;

	(void)state;
	cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(json, "labels"))
	{
		assert_int_equal(owner_label_value(text_of(row, "text"), label), 0);
		assert_string_equal(label, text_of(row, "label"));
		n++;
	}
	assert_in_range(n, 17, 100);
}

/* {"metadata":{field: of the row}} */
static void decode_pod(
	const cJSON *row, const char *field, const char *of, struct owner *o, struct owner_hint *h)
{
	cJSON *meta = cJSON_CreateObject();
	cJSON *copy = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(row, of), true);

	assert_true(cJSON_AddItemToObject(meta, field, copy));
	assert_int_equal(kube_take_task(meta, o, h), 0);
	cJSON_Delete(meta);
}

/* As /environment shows the properties. */
static void decode_properties(const cJSON *row, struct owner_hint *h)
{
	cJSON *body = cJSON_CreateObject();
	cJSON *pairs = cJSON_AddArrayToObject(body, "sparkProperties");
	_cleanup_free_ char *err = NULL;
	char *text;
	const cJSON *p;

	cJSON_ArrayForEach(p, cJSON_GetObjectItemCaseSensitive(row, "properties"))
	{
		const char *pair[] = {p->string, p->valuestring};

		cJSON_AddItemToArray(pairs, cJSON_CreateStringArray(pair, 2));
	}
	text = cJSON_PrintUnformatted(body);
	cJSON_Delete(body);
	assert_int_equal(spark_decode_lineage(text, strlen(text), h, &err), 0);
	free(text);
}

static void assert_same(const struct owner *a, const struct owner *b)
{
	assert_true(owner_known(a) && owner_same_task(a, b));
	assert_int_equal(a->try_number, b->try_number);
}

/* Each instance's labels and properties are its own and no other's. */
static void hints_point_at_one_instance(void **state)
{
	static const char *const labels[] = {"pod_operator_labels", "spark_operator_labels"};
	_cleanup_json_ cJSON *json = read_fixture();
	const cJSON *rows = cJSON_GetObjectItemCaseSensitive(json, "instances");
	const cJSON *row;
	const cJSON *other;

	(void)state;
	cJSON_ArrayForEach(row, rows)
	{
		cJSON_ArrayForEach(other, rows)
		{
			struct running_ti t;
			struct owner_hint lineage = {.map_index = -1};

			take_instance(other, &t);
			for (size_t i = 0; i < ELEMENTSOF(labels); i++) {
				struct owner o = {.map_index = -1};
				struct owner_hint h = {.map_index = -1};

				decode_pod(row, "labels", labels[i], &o, &h);
				assert_false(owner_known(&o));
				assert_int_equal(owner_match_labels(&h, &t), row == other);
				owner_hint_clear(&h);
			}
			decode_properties(row, &lineage);
			assert_int_equal(owner_match_lineage(&lineage, &t), row == other);
			owner_hint_clear(&lineage);
			owner_clear(&t.owner);
		}
	}
}

static void annotations_are_the_instance(void **state)
{
	static const char *const fields[] = {"executor_annotations", "pod_operator_annotations"};
	_cleanup_json_ cJSON *json = read_fixture();
	const cJSON *row;

	(void)state;
	cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(json, "instances"))
	{
		struct running_ti t;

		take_instance(row, &t);
		for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
			struct owner o = {.map_index = -1};
			struct owner_hint h = {.map_index = -1};

			decode_pod(row, "annotations", fields[i], &o, &h);
			assert_same(&o, &t.owner);
			assert_string_equal(owner_via_name(o.via), "annotations");
			assert_false(owner_hint_labels(&h));
			owner_clear(&o);
		}
		owner_clear(&t.owner);
	}
}

/* One that differs in one thing is another. */
static void what_differs_is_another(void **state)
{
	_cleanup_json_ cJSON *json = read_fixture();
	const cJSON *row =
		cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "instances"), 1);
	struct owner o = {.map_index = -1};
	struct owner_hint h = {.map_index = -1};
	struct running_ti t;

	(void)state;
	take_instance(row, &t);
	decode_pod(row, "labels", "pod_operator_labels", &o, &h);
	decode_properties(row, &h);
	assert_int_equal(owner_match_labels(&h, &t) + owner_match_lineage(&h, &t), 2);
	t.owner.try_number++;
	assert_int_equal(owner_match_labels(&h, &t) + owner_match_lineage(&h, &t), 0);
	t.owner.try_number--;
	t.owner.map_index = -1;
	assert_int_equal(owner_match_labels(&h, &t) + owner_match_lineage(&h, &t), 0);
	t.owner.map_index = 3;
	t.logical += 1;
	assert_int_equal(owner_match_lineage(&h, &t), 0);
	t.logical = 0;
	assert_int_equal(owner_match_lineage(&h, &t), 0);
	t.owner.run_id[strlen(t.owner.run_id) - 1]++;
	assert_int_equal(owner_match_labels(&h, &t), 0);
	owner_hint_clear(&h);
	owner_clear(&t.owner);
}

static void the_dag_is_known_where_it_is_not_hashed(void **state)
{
	static char plain[] = "etl";
	static char hashed[] = "etl.HOMEits-85e574acb";
	static char root[] = "root";
	struct owner_hint h = {.dag_label = plain,
		.run_label = plain,
		.task_label = plain,
		.map_index = -1,
		.try_number = 1,
		.parent_dag = root};

	(void)state;
	assert_string_equal(owner_hint_dag(&h), "etl");
	h.dag_label = hashed;
	assert_null(owner_hint_dag(&h));
	h.dag_label = NULL;
	assert_string_equal(owner_hint_dag(&h), "root");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_those_of_the_provider),
		cmocka_unit_test(hints_point_at_one_instance),
		cmocka_unit_test(annotations_are_the_instance),
		cmocka_unit_test(what_differs_is_another),
		cmocka_unit_test(the_dag_is_known_where_it_is_not_hashed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
