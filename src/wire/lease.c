/* SPDX-License-Identifier: Apache-2.0
 * Leases: GET, POST where there is none, PUT with the resourceVersion that was seen. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/json.h"
#include "wire/kube_object.h"
#include "wire/leader_store.h"

static int lease_body(const struct leader_place *place, const struct leadership_step *step,
	const char *version, usec_t wall, char **ret)
{
	_cleanup_json_ cJSON *root = cJSON_CreateObject();
	cJSON *metadata;
	cJSON *spec;
	uint64_t seconds = leader_seconds(step->duration);
	char date[32];
	char time[48];

	/* MicroTime has six places. It is for people: nobody reads it here. */
	(void)format_timestamp(date, sizeof(date), wall);
	date[strcspn(date, "Z")] = '\0';
	(void)snprintf(time, sizeof(time), "%s.%06uZ", date, (unsigned)(wall % USEC_PER_SEC));
	json_add_text(root, "apiVersion", "coordination.k8s.io/v1");
	json_add_text(root, "kind", "Lease");
	metadata = json_add_object(root, "metadata");
	json_add_text(metadata, "name", place->name);
	json_add_text(metadata, "namespace", place->namespace);
	if (version)
		json_add_text(metadata, "resourceVersion", version);
	spec = json_add_object(root, "spec");
	json_add_text(spec, "holderIdentity", step->holder ? step->holder : "");
	json_add_number(spec, "leaseDurationSeconds", (double)seconds);
	json_add_text(spec, "renewTime", time);
	json_add_number(spec, "leaseTransitions", (double)step->transitions);
	return json_print(root, ret);
}

static int lease_request(const struct leader_place *place, const struct leadership_step *step,
	const char *version, usec_t wall, struct leader_request *ret)
{
	bool creates = step->ask == LEADERSHIP_CREATE;
	int r = str_printf(&ret->path, "/apis/coordination.k8s.io/v1/namespaces/%s/leases%s%s",
		place->namespace, creates ? "" : "/", creates ? "" : place->name);

	ret->method = step->ask == LEADERSHIP_READ ? "GET" : creates ? "POST" : "PUT";
	if (r < 0 || step->ask == LEADERSHIP_READ)
		return r;
	return lease_body(place, step, creates ? NULL : version, wall, &ret->body);
}

static int decode_spec(const cJSON *spec, struct leader_record *ret, char **reterr)
{
	const char *holder = NULL;
	int64_t seconds = 0;
	int64_t transitions = 0;
	int r = json_get_string(spec, "holderIdentity", JSON_OPTIONAL, &holder, reterr);

	if (r >= 0)
		r = json_get_i64(spec, "leaseTransitions", JSON_OPTIONAL, &transitions, reterr);
	ret->transitions = transitions > 0 ? (uint64_t)transitions : 0;
	if (r >= 0 && holder && *holder)
		r = json_copy_id(spec, "holderIdentity", JSON_REQUIRED, &ret->holder, reterr);
	if (r >= 0)
		r = json_get_i64(spec, "leaseDurationSeconds",
			ret->holder ? JSON_REQUIRED : JSON_OPTIONAL, &seconds, reterr);
	return r <= 0 ? r : leader_take_duration(seconds, &ret->duration, reterr);
}

static int decode_lease(const char *body, size_t len, struct leader_record *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const cJSON *metadata = NULL;
	const cJSON *spec = NULL;
	int r = kube_parse_kind(body, len, "Lease", &json, reterr);

	if (r >= 0)
		r = json_get_object(json, "metadata", JSON_REQUIRED, &metadata, reterr);
	if (r >= 0)
		r = json_copy_id(metadata, "resourceVersion", JSON_REQUIRED, &ret->version, reterr);
	if (r >= 0)
		r = json_get_object(json, "spec", JSON_OPTIONAL, &spec, reterr);
	if (r < 0 || !spec)
		return r < 0 ? r : 0;
	return decode_spec(spec, ret, reterr);
}

/* A namespace that is not there is a 404 as well: then the create says so. */
static int lease_answer(enum leadership_ask ask, int status, const char *body, size_t len,
	struct leader_answer *ret, char **reterr)
{
	ret->reply = ask == LEADERSHIP_READ ? LEADERSHIP_SEEN : LEADERSHIP_WRITTEN;
	if (status == 404 && ask == LEADERSHIP_READ)
		return 0;
	if (status == 409 || (status == 404 && ask == LEADERSHIP_WRITE)) {
		ret->reply = LEADERSHIP_BEATEN;
		return 0;
	}
	if (status != 200 && status != 201)
		return leader_refuse(status, body, len, "message", reterr);
	return decode_lease(body, len, &ret->record, reterr);
}

const struct leader_codec lease_codec = {.request = lease_request, .answer = lease_answer};
