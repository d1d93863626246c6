/* SPDX-License-Identifier: Apache-2.0
 * Picks the properties of an app that have to do with hangs. */
#include "wire/spark_properties.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "base/strbuf.h"
#include "core/facts/model.h"
#include "wire/json.h"
#include "wire/spark_owner.h"

#define MAX_KEY 100
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
	"spark.stagewatch.*",
	"spark.plugins",
};

/* What wire/spark_owner reads beside spark.airflow. Others of these have keys to a server. */
static const char *const lineage[] = {
	"spark.openlineage.parentRunId",
	"spark.openlineage.parentJobNamespace",
	"spark.openlineage.parentJobName",
	"spark.openlineage.rootParentJobName",
};

/* Programs that run what many people, or one at will, ask of them: the Thrift server, Spark
 * Connect, the Scala shell, Kyuubi's engine, Livy's sessions, kernels of notebooks. spark-sql is
 * none by its class: it runs scripts as well. */
static const char *const servers[] = {
	"org.apache.spark.sql.hive.thriftserver.HiveThriftServer2",
	"org.apache.spark.sql.connect.service.SparkConnectServer",
	"org.apache.spark.repl.Main",
	"org.apache.kyuubi.engine.spark.SparkSQLEngine",
	"org.apache.livy.rsc.driver.RSCDriverBootstrapper",
	"org.apache.zeppelin.interpreter.remote.RemoteInterpreterServer",
	"org.apache.toree.Main",
};

/* As all of Spark's own are. Of others "key=value" could not be told apart again. */
static bool is_plain(const char *key)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "._-";
	size_t n = strnlen(key, MAX_KEY + 1);

	return n <= MAX_KEY && strspn(key, chars) == n;
}

static bool matters(const char *key)
{
	if (!is_plain(key))
		return false;
	for (size_t i = 0; i < ELEMENTSOF(patterns); i++)
		if (fnmatch(patterns[i], key, FNM_NOESCAPE) == 0)
			return true;
	return false;
}

/* Whose the app is has to be known again from what is kept. */
static size_t max_of(const char *key)
{
	static const char owner[] = "spark.airflow.";

	return strncmp(key, owner, strlen(owner)) == 0 ? SPARK_MAX_IDENTITY : MAX_VALUE;
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
	r = str_printable(value->valuestring, max_of(key->valuestring), &clean);
	if (r >= 0)
		r = str_printf(&text, "%s=%s", key->valuestring, clean);
	return r < 0 ? r : strlist_add(l, text);
}

static bool is_server(const char *word)
{
	for (size_t i = 0; i < ELEMENTSOF(servers); i++)
		if (strcmp(word, servers[i]) == 0)
			return true;
	return false;
}

/* Of the driver's command line, which may hold secrets, only the main class, and that only where it
 * is a server's: the first word, or the one behind --class. *ret stays as it is where there is
 * none.
 */
static int copy_main_class(const cJSON *json, char **ret)
{
	_cleanup_free_ char *command = NULL;
	const cJSON *pair;
	const char *last = "--class";
	char *save = NULL;

	cJSON_ArrayForEach(pair, cJSON_GetObjectItemCaseSensitive(json, "systemProperties"))
	{
		const cJSON *key = cJSON_GetArrayItem(pair, 0);
		const cJSON *value = cJSON_GetArrayItem(pair, 1);

		if (!command && cJSON_IsString(key) && cJSON_IsString(value) &&
			strcmp(key->valuestring, SPARK_MAIN_CLASS) == 0) {
			command = strdup(value->valuestring);
			if (!command)
				return -ENOMEM;
		}
	}
	for (char *w = command ? strtok_r(command, " ", &save) : NULL; w;
		w = strtok_r(NULL, " ", &save)) {
		if (strcmp(last, "--class") == 0 && is_server(w))
			return str_replace(ret, w);
		last = w;
	}
	return 0;
}

static int add_main_class(struct strlist *l, const cJSON *json)
{
	_cleanup_free_ char *name = NULL;
	_cleanup_free_ char *text = NULL;
	int r;

	r = copy_main_class(json, &name);
	if (r < 0 || !name)
		return r;
	r = str_printf(&text, SPARK_MAIN_CLASS "=%s", name);
	return r < 0 ? r : strlist_add(l, text);
}

/* *ret_pairs is within *ret. */
static int parse_environment(
	const char *body, size_t len, cJSON **ret, const cJSON **ret_pairs, char **reterr)
{
	int r = json_parse(body, len, ret, reterr);

	return r < 0 ? r
		     : json_get_array(*ret, "sparkProperties", JSON_REQUIRED, ret_pairs, reterr);
}

int spark_decode_properties(const char *body, size_t len, struct strlist *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(strlist_clear) struct strlist list = {0};
	const cJSON *pairs = NULL;
	const cJSON *pair;
	int r;

	r = parse_environment(body, len, &json, &pairs, reterr);
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
	r = add_main_class(&list, json);
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(list);
	return 0;
}

static const char *key_of(const cJSON *pair)
{
	const cJSON *key = cJSON_IsArray(pair) ? pair->child : NULL;

	return key && key->next ? cJSON_GetStringValue(key) : NULL;
}

static bool is_read(const char *key)
{
	for (size_t i = 0; i < ELEMENTSOF(lineage); i++)
		if (strcmp(lineage[i], key) == 0)
			return true;
	return matters(key);
}

static int append_main_class(cJSON *root, const cJSON *json)
{
	_cleanup_free_ char *name = NULL;
	cJSON *pair;
	int r;

	r = copy_main_class(json, &name);
	if (r < 0 || !name)
		return r;
	pair = cJSON_CreateArray();
	json_append(pair, cJSON_CreateString(SPARK_MAIN_CLASS));
	json_append(pair, cJSON_CreateString(name));
	json_append(json_add_array(root, "systemProperties"), pair);
	return 0;
}

int spark_trim_environment(const char *body, size_t len, char **ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	cJSON *list = json_add_array(root, "sparkProperties");
	const cJSON *pairs = NULL;
	const cJSON *pair;
	int r;

	r = parse_environment(body, len, &json, &pairs, reterr);
	cJSON_ArrayForEach(pair, pairs)
	{
		const char *key = key_of(pair);

		/* What is no pair stays none: a list with one is refused where the owner is read.
		 */
		if (r >= 0 && !key)
			json_append(list, cJSON_CreateArray());
		else if (r >= 0 && is_read(key))
			json_append(list, cJSON_Duplicate(pair, true));
	}
	if (r >= 0)
		r = append_main_class(root, json);
	return r < 0 ? r : json_print(root, ret);
}
