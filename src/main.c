/* SPDX-License-Identifier: Apache-2.0
 * stagewatchd: watches Apache Spark for stages that no longer progress. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "daemon/manager.h"
#include "daemon/suggest.h"
#include "io/clock.h"
#include "io/negotiate.h"
#include "io/password.h"
#include "io/service.h"
#include "setup/runtime.h"
#include "setup/settings.h"
#include "watch/check_access.h"
#include "watch/replay.h"

#define DEFAULT_CONFIG STAGEWATCHD_SYSCONFDIR "/stagewatchd.conf"
#define EXIT_USAGE 3

enum run_mode {
	RUN_DAEMON,
	RUN_CHECK_CONFIG,
	RUN_CHECK_ACCESS,
	RUN_PRINT_CONFIG,
	RUN_ONCE,
	RUN_REPLAY,
	RUN_SUGGEST,
	RUN_RECORD
};

struct arguments {
	const char *config;
	const char *recording; /* to read, or to write */
	const char *app;       /* to record; NULL: the first that answers */
	struct strlist histories;
	enum run_mode mode;
	bool done; /* --help, --version */
};

static void print_help(void)
{
	printf("stagewatchd [--config FILE] [--check-config | --check-access | --print-config |\n"
	       "             --once | --replay FILE | --record FILE [--app ID] |\n"
	       "             --suggest [--history [NAME=]URL]...]\n"
	       "\n"
	       "Watches Apache Spark for stages that no longer progress.\n"
	       "\n"
	       "  --config FILE    read FILE and FILE.d/*.conf, not %s\n"
	       "  --check-config   report every fault in the configuration, and exit\n"
	       "  --check-access   test the permissions at Airflow and Spark, change nothing, and\n"
	       "                   exit: 0 all granted, 1 one is denied, 2 no usable answer\n"
	       "  --print-config   print the configuration in force, and exit\n"
	       "  --once           poll twice, print apps and stages, and exit: 0 all is well,\n"
	       "                   1 a stage is hung, 2 something could not be checked\n"
	       "  --replay FILE    print the verdicts on a recording (- is standard input), and "
	       "exit\n"
	       "  --record FILE    write the answers of one app's driver to FILE (- is standard\n"
	       "                   output), for --replay, until the app ends, or SIGTERM\n"
	       "  --app ID         with --record: the app; default: the first that answers\n"
	       "  --suggest        propose limits for each rule by what stages took, change\n"
	       "                   nothing, and exit: 0 for each, 1 too few stages for one,\n"
	       "                   2 something could not be read\n"
	       "  --history URL    with --suggest: also the finished apps of this Spark History\n"
	       "                   Server; NAME=URL: with the credentials of [spark NAME]\n"
	       "  --debug          log more\n"
	       "  --version        print the version, and exit\n"
	       "  --help           print this, and exit\n"
	       "\n"
	       "Without a configuration it watches the driver UIs of this host, ports 4040 to\n"
	       "4056, and changes nothing. See stagewatchd(8) and stagewatchd.conf(5).\n",
		DEFAULT_CONFIG);
}

static int set_mode(struct arguments *a, enum run_mode mode)
{
	if (a->mode != RUN_DAEMON && a->mode != mode) {
		fprintf(stderr,
			"stagewatchd: --check-config, --check-access, --print-config, --once, "
			"--replay and --record exclude one another\n");
		return -EINVAL;
	}
	a->mode = mode;
	return 0;
}

static const struct option known_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"check-config", no_argument, NULL, 'k'},
	{"check-access", no_argument, NULL, 's'},
	{"print-config", no_argument, NULL, 'p'},
	{"once", no_argument, NULL, 'o'},
	{"replay", required_argument, NULL, 'r'},
	{"record", required_argument, NULL, 'w'},
	{"app", required_argument, NULL, 'a'},
	{"suggest", no_argument, NULL, 'g'},
	{"history", required_argument, NULL, 'y'},
	{"debug", no_argument, NULL, 'd'},
	{"version", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const struct {
	int option;
	enum run_mode mode;
} modes[] = {
	{'k', RUN_CHECK_CONFIG},
	{'s', RUN_CHECK_ACCESS},
	{'p', RUN_PRINT_CONFIG},
	{'o', RUN_ONCE},
	{'r', RUN_REPLAY},
	{'w', RUN_RECORD},
	{'g', RUN_SUGGEST},
};

static int take_option(struct arguments *a, int option)
{
	for (size_t i = 0; i < ELEMENTSOF(modes); i++)
		if (modes[i].option == option) {
			a->recording = optarg;
			return set_mode(a, modes[i].mode);
		}
	if (option == 'c') {
		a->config = optarg;
	} else if (option == 'a') {
		a->app = optarg;
	} else if (option == 'y') {
		return strlist_add(&a->histories, optarg);
	} else if (option == 'd') {
		log_set_max_level(LOG_DEBUG);
	} else if (option == 'v') {
		printf("stagewatchd %s\n", STAGEWATCHD_VERSION);
		a->done = true;
	} else if (option == 'h') {
		print_help();
		a->done = true;
	} else {
		return -EINVAL; /* getopt has said what is wrong */
	}
	return 0;
}

static int refuse(const char *text, const char *what)
{
	fprintf(stderr, "stagewatchd: %s%s\n", text, what);
	return -EINVAL;
}

static int parse_arguments(int argc, char **argv, struct arguments *a)
{
	int r = 0;
	int c;

	while (r >= 0 && (c = getopt_long(argc, argv, "", known_options, NULL)) != -1)
		r = take_option(a, c);
	if (r < 0)
		return r;
	if (optind < argc)
		return refuse("unexpected argument: ", argv[optind]);
	if (a->app && a->mode != RUN_RECORD)
		return refuse("--app goes with --record", "");
	if (a->histories.n > 0 && a->mode != RUN_SUGGEST)
		return refuse("--history goes with --suggest", "");
	return 0;
}

/* NULL, the built-in settings, where no file is named and the usual one is not there. */
static int load(struct arguments *a, struct settings **ret)
{
	struct strlist errors = {0};
	int r;

	if (!a->config && access(DEFAULT_CONFIG, F_OK) == 0)
		a->config = DEFAULT_CONFIG;
	r = settings_load(a->config, ret, &errors);
	for (size_t i = 0; i < errors.n; i++)
		fprintf(stderr, "%s\n", errors.items[i]);
	if (r < 0 && errors.n == 0)
		fprintf(stderr, "stagewatchd: %s: %s\n", a->config ? a->config : "built-in",
			strerror(-r));
	strlist_clear(&errors);
	return r;
}

static void print_lines(const struct strlist *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		fprintf(stderr, "%s\n", lines->items[i]);
}

/* Whether what the secrets hold is fit for where they go. Takes the settings over. */
static int check_objects(struct settings *s, struct strlist *faults)
{
	struct runtime *runtime = NULL;
	int r = runtime_new(s, NULL, NULL, &runtime, faults);

	runtime_unref(runtime);
	return r;
}

/* Says all that is wrong, and what could not be looked at. */
static int check_config(struct arguments *a)
{
	struct settings *s = NULL;
	struct strlist faults = {0};
	struct strlist notes = {0};
	int r;

	if (!a->config && access(DEFAULT_CONFIG, F_OK) == 0)
		a->config = DEFAULT_CONFIG;
	r = settings_check_all(a->config, &s, &faults, &notes);
	if (r >= 0 && notes.n == 0)
		r = check_objects(TAKE_PTR(s), &faults);
	print_lines(&faults);
	print_lines(&notes);
	if (r < 0 && faults.n == 0)
		fprintf(stderr, "stagewatchd: %s: %s\n", a->config ? a->config : "built-in",
			strerror(-r));
	else if (r >= 0)
		fprintf(stderr, "%s: no faults\n",
			a->config ? a->config : "built-in configuration");
	strlist_clear(&faults);
	strlist_clear(&notes);
	settings_free(s);
	return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
}

static int print_config(const struct settings *s)
{
	_cleanup_free_ char *text = NULL;
	int r;

	r = settings_print(s, &text);
	if (r >= 0 && fputs(text, stdout) == EOF)
		r = -EIO;
	return r;
}

/* Whatever is configured, nothing is asked and nothing done. */
static int replay(const struct arguments *a, const struct settings *settings)
{
	bool standard = strcmp(a->recording, "-") == 0;
	_cleanup_fclose_ FILE *f = standard ? NULL : fopen(a->recording, "re");

	if (!standard && !f) {
		fprintf(stderr, "stagewatchd: %s: %s\n", a->recording, strerror(errno));
		return EXIT_USAGE;
	}
	/* What the poller says of the recorded drivers is not what a person asked for. */
	log_set_max_level(LOG_ERR);
	return replay_run(settings, standard ? stdin : f, a->recording, stdout) < 0 ? EXIT_USAGE
										    : EXIT_SUCCESS;
}

/* Answers may hold what only its owner should read. */
static FILE *create_recording(const char *path)
{
	int fd;

	if (strcmp(path, "-") == 0)
		return fdopen(dup(STDOUT_FILENO), "w");
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return fd < 0 ? NULL : fdopen(fd, "w");
}

static int run(const struct arguments *a, struct settings *settings)
{
	_cleanup_fclose_ FILE *out = NULL; /* outlives the manager */
	_cleanup_(manager_freep) struct manager *m = NULL;
	struct manager_options options = {
		.config = a->config, .once = a->mode == RUN_ONCE, .record_app = a->app};
	int r;

	if (a->mode == RUN_RECORD) {
		options.record = out = create_recording(a->recording);
		if (!out) {
			fprintf(stderr, "stagewatchd: %s: %s\n", a->recording, strerror(errno));
			settings_free(settings);
			return EXIT_USAGE;
		}
	}
	if (a->mode == RUN_DAEMON)
		log_set_limit(clock_boottime);
	r = manager_new(&options, settings, &m);
	if (r == -EBADMSG) /* it has said what is wrong */
		return EXIT_USAGE;
	if (r < 0) {
		log_error("Failed to start: %s; exiting", strerror(-r));
		return a->mode == RUN_DAEMON ? EXIT_FAILURE : EXIT_USAGE;
	}
	if (a->mode == RUN_DAEMON)
		log_notice("stagewatchd %s started, configuration: %s", STAGEWATCHD_VERSION,
			a->config ? a->config : "built-in");
	r = manager_run(m);
	if (r < 0) {
		log_error("The event loop failed: %s; exiting", strerror(-r));
		return EXIT_FAILURE;
	}
	return r;
}

static int check_access(struct settings *settings)
{
	int r = check_access_run(settings, stdout);

	if (r == -EBADMSG) /* it has said what is wrong */
		return EXIT_USAGE;
	if (r < 0)
		log_error("Failed to test the permissions: %s; exiting", strerror(-r));
	return r < 0 ? EXIT_USAGE : r;
}

static int suggest(const struct arguments *a, struct settings *settings)
{
	int r = suggest_run(settings, &a->histories, stdout);

	if (r == -EBADMSG) /* it has said what is wrong */
		return EXIT_USAGE;
	if (r < 0)
		log_error("Failed to look for proposals: %s; exiting", strerror(-r));
	return r < 0 ? EXIT_USAGE : r;
}

/* Takes settings over. */
static int run_mode(const struct arguments *a, struct settings *settings)
{
	int status = EXIT_SUCCESS;

	if (a->mode == RUN_DAEMON || a->mode == RUN_ONCE || a->mode == RUN_RECORD)
		return run(a, settings);
	if (a->mode == RUN_CHECK_ACCESS)
		return check_access(settings);
	if (a->mode == RUN_SUGGEST)
		return suggest(a, settings);
	if (a->mode == RUN_REPLAY)
		status = replay(a, settings);
	else if (a->mode == RUN_PRINT_CONFIG && print_config(settings) < 0)
		status = EXIT_FAILURE;
	settings_free(settings);
	return status;
}

int main(int argc, char **argv)
{
	struct arguments a = {0};
	struct settings *settings = NULL;
	int status = EXIT_USAGE;

	service_forbid_dumps();
	if (argc > 1 && str_equal(argv[1], NEGOTIATE_HELPER))
		return negotiate_helper_run(argv[2]);
	if (argc > 1 && str_equal(argv[1], PASSWORD_HELPER))
		return password_helper_run();
	/* libcurl takes and gives back a buffer of 16 kB for each request, and with each the
	 * allocator would merge all small free blocks of the heap, most of which are cold. And no
	 * heap for each thread that resolves a name. */
	(void)mallopt(M_MXFAST, 0);
	(void)mallopt(M_ARENA_MAX, 1);
	log_open();
	if (parse_arguments(argc, argv, &a) < 0)
		fprintf(stderr, "Try stagewatchd --help.\n");
	else if (a.done)
		status = EXIT_SUCCESS;
	else if (a.mode == RUN_CHECK_CONFIG)
		status = check_config(&a);
	else if (load(&a, &settings) >= 0)
		status = run_mode(&a, settings);
	strlist_clear(&a.histories);
	return status;
}
