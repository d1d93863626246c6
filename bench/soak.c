/* SPDX-License-Identifier: Apache-2.0
 * Years in minutes: the whole daemon but its sockets polls apps that come and go, a million times,
 *in a time of its own. Meanwhile stages hang and are acted upon, drivers, the master and Airflow
 *fail, the configuration is loaded anew and a token changes. What the daemon holds is printed as a
 *line of JSON now and then.
 *
 *	soak [POLLS] */
#define FAKE_MAX_APPS 200

#include "../tests/unit/daemon/world.h"

#include <dirent.h>
#include <malloc.h>

#define ROUND USEC_PER_MINUTE
#define NAMES 50
#define ROUNDS_PER_SAMPLE 50
#define ROUNDS_PER_RELOAD 30
#define HUNG 0 /* the slot of the app that hangs for good, of one task, try after try */

enum illness {
	WELL,
	ANSWERS_500,
	ANSWERS_RUBBISH,
	IS_SILENT,
	REFUSES,
	ILLNESS_MAX
};

struct slot {
	char id[32];
	char name[16];
	char url[32];
	char properties[256];
	unsigned ends;     /* in which round */
	unsigned ill_from; /* rounds */
	unsigned ill_to;
	enum illness illness;
	bool stands; /* its stage, from a third of its life on */
	unsigned begun;
};

struct soak {
	struct world *w;
	struct slot slots[FAKE_MAX_APPS];
	unsigned round;
	unsigned n_apps;
	unsigned n_reloads;
	uint64_t n_polls;
	uint64_t n_requests;
	uint32_t chance;
};

static struct soak soak;

static uint32_t below(uint32_t n)
{
	soak.chance = soak.chance * 1664525U + 1013904223U;
	return (uint32_t)(((uint64_t)soak.chance * n) >> 32);
}

/* The master's and Airflow's come every few hours, for some minutes. */
static enum illness illness_of(const char *url)
{
	if (strncmp(url, FAKE_MASTER, strlen(FAKE_MASTER)) == 0)
		return soak.round % 420 < 10 ? 1 + soak.round / 420 % (ILLNESS_MAX - 1) : WELL;
	if (strncmp(url, FAKE_AIRFLOW, strlen(FAKE_AIRFLOW)) == 0)
		return soak.round % 300 < 10 ? 1 + soak.round / 300 % (ILLNESS_MAX - 1) : WELL;
	if (strncmp(url, "http://d", 8) == 0) {
		const struct slot *s = &soak.slots[strtoul(url + 8, NULL, 10)];

		return soak.round >= s->ill_from && soak.round < s->ill_to ? s->illness : WELL;
	}
	return WELL;
}

static void answer(void *userdata, const struct transport_request *r, struct fake_answer *ret)
{
	const char *url = strchr(r->what, ' ') + 1;
	enum illness illness = illness_of(url);

	soak.n_requests++;
	soak.n_polls += strstr(url, "/stages?") != NULL;
	switch (illness) {
	case ANSWERS_500:
		*ret = (struct fake_answer){.status = 500, .body = "{}"};
		return;
	case ANSWERS_RUBBISH:
		*ret = (struct fake_answer){
			.status = 200, .type = "application/json", .body = "{[["};
		return;
	case IS_SILENT:
		ret->error = -ETIMEDOUT;
		return;
	case REFUSES:
		ret->error = -ECONNREFUSED;
		return;
	case WELL:
	case ILLNESS_MAX:
		world_answer(userdata, r, ret);
	}
}

static void begin_app(unsigned k)
{
	struct world *w = soak.w;
	struct fake_app *a = &w->spark.apps[k];
	struct slot *s = &soak.slots[k];
	unsigned life = 30 + below(240);

	*s = (struct slot){.begun = soak.round, .ends = soak.round + life};
	(void)snprintf(s->id, sizeof(s->id), "app-%u", soak.n_apps++);
	(void)snprintf(s->name, sizeof(s->name), "etl-%u", soak.n_apps % NAMES);
	(void)snprintf(s->url, sizeof(s->url), "http://d%u:4040", k);
	if (k == HUNG)
		(void)snprintf(s->properties, sizeof(s->properties),
			",[\"spark.airflow.dag_id\",\"d\"],[\"spark.airflow.run_id\",\"r\"],"
			"[\"spark.airflow.task_id\",\"t\"],[\"spark.airflow.map_index\",\"-1\"],"
			"[\"spark.airflow.try_number\",\"%d\"]",
			w->airflow.try_number);
	s->stands = k == HUNG || below(12) == 0;
	if (below(12) == 0) {
		s->illness = 1 + below(ILLNESS_MAX - 1);
		s->ill_from = soak.round + below(life);
		s->ill_to = s->ill_from + 1 + below(40);
	}
	*a = (struct fake_app){.id = s->id,
		.name = s->name,
		.url = s->url,
		.properties = s->properties,
		.started = w->fake.wall,
		.state = "RUNNING",
		.stage = 7,
		.n_tasks = below(4) == 0 ? 2 : -1,
		.tasks_per_executor = 3,
		.active_tasks = 1000,
		.moving = true};
}

/* Its task has failed, or was cleared: the next try has another app. */
static void task_failed(void *userdata)
{
	struct world *w = userdata;

	fake_app_end(&w->spark.apps[HUNG], "FINISHED");
	soak.slots[HUNG].ends = soak.round + 3;
}

static void go_on(void)
{
	struct world *w = soak.w;

	w->spark.n_apps = FAKE_MAX_APPS;
	for (unsigned k = 0; k < FAKE_MAX_APPS; k++) {
		struct fake_app *a = &w->spark.apps[k];
		struct slot *s = &soak.slots[k];

		if (s->stands && soak.round == s->begun + 5)
			a->moving = false;
		a->completed = a->moving ? 1 + soak.round % 5 : a->completed;
		if (soak.round == s->ends)
			fake_app_end(a, "FINISHED");
		if (soak.round < s->ends + 2)
			continue;
		if (k == HUNG) { /* another run of its task */
			w->airflow.state = "running";
			w->airflow.id = ++w->airflow.try_number;
		}
		begin_app(k);
	}
	w->airflow.sent[0] = '\0';
}

static void configure(void)
{
	struct world *w = soak.w;
	char token[32];

	(void)snprintf(token, sizeof(token), "token-%u\n", soak.n_reloads);
	world_write(w, "token", token);
	free(w->config);
	w->config = NULL;
	assert_true(str_printf(&w->config,
			    "[daemon]\npoll_interval = 60s\nmode = act\nretention = 24h\n"
			    "state_dir = %s/state\ncontrol_socket = %s/control\n"
			    "[web]\nlisten = 127.0.0.1:0\n"
			    "[limits]\nsettle = 0\nactions_per_hour = 1000\nstorm_threshold = 0\n"
			    "storm_share = 0\n"
			    "[evidence]\nbundle_max_size = 512K\nbundles_max_size = 8M\n"
			    "[spark m]\ntype = standalone\nurl = " FAKE_MASTER
			    "\nbearer_token_file = %s/token\n"
			    "[spark gone]\ntype = standalone\nurl = http://gone:8080\n%s"
			    "[airflow main]\nurl = " FAKE_AIRFLOW
			    "\nusername = watchdog\npassword_file = %s/password\n"
			    "[rule r%u]\napp = *\naction = retry\nhung_after = 10min\n"
			    "hung_after_unproven = 15min\nstarved_after = 1h\nidle_after = 1h\n"
			    "unobservable_after = 1h\nend_timeout = 10min\nretry_timeout = 20min\n"
			    "max_retries = 100\ncooldown = 0\n",
			    w->dir, w->dir, w->dir,
			    soak.n_reloads % 2 ? "[spark extra]\nurl = http://extra:4040\n" : "",
			    w->dir, soak.n_reloads % 5) >= 0);
	world_write(w, "conf", w->config);
}

static size_t count_files(const char *path, uint64_t *ret_bytes)
{
	DIR *d = opendir(path);
	struct dirent *e;
	struct stat st;
	size_t n = 0;

	while (d && (e = readdir(d))) {
		n++;
		if (ret_bytes && fstatat(dirfd(d), e->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
			*ret_bytes += (uint64_t)st.st_size;
	}
	if (d)
		(void)closedir(d);
	return n;
}

static unsigned count_series(void)
{
	_cleanup_free_ char *text = world_get(soak.w, "/metrics", NULL, NULL);
	unsigned n = 0;

	for (const char *line = text; *line; line = strchr(line, '\n') + 1)
		n += *line != '#';
	return n;
}

static unsigned long resident_pages(void)
{
	unsigned long size = 0;
	unsigned long resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2) /* NOLINT(cert-err34-c) */
		abort();
	(void)fclose(f);
	return resident;
}

static void sample(void)
{
	struct world *w = soak.w;
	struct stat st = {0};
	uint64_t evidence = 0;
	char path[64];
	uint64_t actions = 0;

	(void)snprintf(path, sizeof(path), "%s/state/incidents", w->dir);
	(void)count_files(path, &evidence);
	(void)snprintf(path, sizeof(path), "%s/state/ledger.db", w->dir);
	(void)stat(path, &st);
	for (int o = 0; o < ACTION_OUTCOME_MAX; o++)
		actions += w->manager->stats.actions[RULE_ACTION_RETRY][o];
	printf("{\"hours\":%.2f,\"polls\":%" PRIu64 ",\"requests\":%" PRIu64
	       ",\"apps\":%zu,\"memory\":%.3f,\"heap\":%.1f,\"descriptors\":%zu,\"ledger\":%.0f,"
	       "\"evidence\":%.3f,\"series\":%u,\"incidents\":%" PRIu64 ",\"actions\":%" PRIu64
	       ",\"reloads\":%u,\"began\":%u}\n",
		(double)soak.round / 60, soak.n_polls, soak.n_requests,
		detector_n_apps(w->manager->detector), (double)resident_pages() / 256,
		(double)mallinfo2().uordblks / 1024, count_files("/proc/self/fd", NULL),
		(double)st.st_size / 1024, (double)evidence / (1 << 20), count_series(),
		w->manager->incidents.next_number, actions, soak.n_reloads, soak.n_apps);
	(void)fflush(stdout);
}

static void one_round(void)
{
	struct world *w = soak.w;

	soak.round++;
	go_on();
	if (soak.round % ROUNDS_PER_RELOAD == 0) {
		soak.n_reloads++;
		configure();
		world_reload(w);
	}
	world_run(w, ROUND);
	for (int k = 0; w->fake.waiting && k < 10; k++)
		world_run(w, USEC_PER_SEC);
	if (!w->fake.waiting)
		fake_forget(&w->fake);
	fake_log_clear();
	if (soak.round % ROUNDS_PER_SAMPLE == 0)
		sample();
}

int main(int argc, char **argv)
{
	uint64_t polls = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	void *state = NULL;
	struct world *w;

	assert_int_equal(world_set_up(&state), 0);
	soak.w = w = state;
	w->fake.otherwise = answer;
	w->airflow.failed = task_failed;
	w->airflow.userdata = w;
	for (unsigned k = 0; k < FAKE_MAX_APPS; k++)
		begin_app(k);
	w->spark.n_apps = FAKE_MAX_APPS;
	configure();
	world_begin(w);
	while (soak.n_polls < polls)
		one_round();
	sample();
	return world_tear_down(&state);
}
