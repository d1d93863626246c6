/* SPDX-License-Identifier: Apache-2.0
 * A YARN NodeManager's JMX: how much CPU a container uses. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/json.h"
#include "wire/processes.h"

/* A thousand cores. */
#define MAX_PERCENT 100000.0

static bool is_of(const cJSON *bean, const char *container)
{
	static const char prefix[] = "Hadoop:service=NodeManager,name=ContainerResource_";
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(bean, "name");

	return cJSON_IsString(name) && strncmp(name->valuestring, prefix, strlen(prefix)) == 0 &&
	       strcmp(name->valuestring + strlen(prefix), container) == 0;
}

int nodemanager_decode_cpu(
	const char *body, size_t len, const char *container, double *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const cJSON *beans = NULL;
	const cJSON *bean;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r < 0)
		return r;
	if (!cJSON_IsObject(json))
		return json_refuse(reterr, "not an object");
	r = json_get_array(json, "beans", JSON_REQUIRED, &beans, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(bean, beans)
	{
		const cJSON *percent =
			cJSON_GetObjectItemCaseSensitive(bean, "PCpuUsagePercentAvgPercents");

		if (!is_of(bean, container) || !percent)
			continue;
		if (!cJSON_IsNumber(percent) ||
			!(percent->valuedouble >= 0 && percent->valuedouble <= MAX_PERCENT))
			return json_refuse(
				reterr, "\"PCpuUsagePercentAvgPercents\" is no percentage");
		*ret = percent->valuedouble / 100;
		return 1;
	}
	return 0;
}

static bool is_plain(const char *s, size_t n, const char *more)
{
	for (size_t i = 0; i < n; i++) {
		char c = s[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    strchr(more, c)))
			return false;
	}
	return n > 0;
}

int nodemanager_parse_link(const char *log_url, char **ret_url, char **ret_container)
{
	static const char path[] = "/node/containerlogs/";
	_cleanup_free_ char *url = NULL;
	const char *host = strstr(log_url, "://");
	const char *slash = host ? strchr(host + 3, '/') : NULL;
	const char *container;
	size_t n;

	if ((strncmp(log_url, "http://", 7) != 0 && strncmp(log_url, "https://", 8) != 0) ||
		!slash || strncmp(slash, path, strlen(path)) != 0 ||
		!is_plain(host + 3, (size_t)(slash - host - 3), "-._:[]"))
		return -EINVAL;
	container = slash + strlen(path);
	n = strcspn(container, "/?");
	if (strncmp(container, "container_", 10) != 0 || !is_plain(container, n, "_"))
		return -EINVAL;
	if (str_printf(&url, "%.*s", (int)(slash - log_url), log_url) < 0 ||
		str_printf(ret_container, "%.*s", (int)n, container) < 0)
		return -ENOMEM;
	*ret_url = TAKE_PTR(url);
	return 0;
}
