/* SPDX-License-Identifier: Apache-2.0
 * Picks the properties of an app that have to do with hangs. */
#include "wire/spark_properties.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/json.h"

#define MAX_VALUE 200

static const char *const patterns[] = {
	"spark.master",
	"spark.submit.deployMode",
	"spark.network.*",
	"spark.rpc.*Timeout",
	"spark.rpc.*.maxSize",
	"spark.executor.heartbeatInterval",
	"spark.executor.cores",
	"spark.executor.instances",
	"spark.executor.memory*",
	"spark.executor.pyspark.memory",
	"spark.driver.memory*",
	"spark.driver.cores",
	"spark.driver.maxResultSize",
	"spark.cores.max",
	"spark.task.*",
	"spark.stage.*",
	"spark.speculation*",
	"spark.dynamicAllocation.*",
	"spark.memory.*",
	"spark.serializer",
	"spark.kryo.*",
	"spark.kryoserializer.*",
	"spark.serializer.objectStreamReset",
	"spark.rdd.compress",
	"spark.io.compression.*",
	"spark.shuffle.*",
	"spark.reducer.*",
	"spark.barrier.*",
	"spark.scheduler.*",
	"spark.locality.wait*",
	"spark.excludeOnFailure.*",
	"spark.python.worker.*",
	"spark.sql.execution.arrow.*",
	"spark.sql.execution.pyspark.*",
	"spark.sql.execution.pythonUDF.*",
	"spark.sql.broadcastTimeout",
	"spark.sql.autoBroadcastJoinThreshold",
	"spark.sql.shuffle.partitions",
	"spark.sql.adaptive.enabled",
	"spark.default.parallelism",
	"spark.ui.reverseProxy",
	"spark.ui.liveUpdate.*",
	"spark.airflow.*",
};

static bool matters(const char *key)
{
	for (size_t i = 0; i < ELEMENTSOF(patterns); i++)
		if (fnmatch(patterns[i], key, FNM_NOESCAPE) == 0)
			return true;
	return false;
}

static int add_pair(struct strlist *l, const cJSON *pair)
{
	const cJSON *key = cJSON_GetArrayItem(pair, 0);
	const cJSON *value = cJSON_GetArrayItem(pair, 1);
	_cleanup_free_ char *clean = NULL;
	_cleanup_free_ char *text = NULL;
	int r;

	if (!cJSON_IsString(key) || !cJSON_IsString(value) || !matters(key->valuestring))
		return 0;
	r = str_printable(value->valuestring, MAX_VALUE, &clean);
	if (r >= 0)
		r = str_printf(&text, "%s=%s", key->valuestring, clean);
	if (r < 0)
		return r;
	str_sanitize(text);
	return strlist_add(l, text);
}

int spark_decode_properties(const char *body, size_t len, struct strlist *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(strlist_clear) struct strlist list = {0};
	const cJSON *pairs = NULL;
	const cJSON *pair;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_array(json, "sparkProperties", JSON_REQUIRED, &pairs, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(pair, pairs)
	{
		if (!cJSON_IsArray(pair) || list.n >= SPARK_MAX_PROPERTIES)
			continue;
		r = add_pair(&list, pair);
		if (r < 0)
			return r;
	}
	*ret = TAKE_STRUCT(list);
	return 0;
}
