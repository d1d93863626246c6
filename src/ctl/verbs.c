/* SPDX-License-Identifier: Apache-2.0
 * The verbs of stagewatchctl, and its command line. */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/parse.h"
#include "base/strbuf.h"
#include "ctl/ctl.h"

const struct ctl_verb ctl_verbs[] = {
	{.name = "status", .help = "mode, pause, clusters, hung stages", .run = ctl_status},
	{.name = "stages", .help = "apps and active stages, with verdicts", .run = ctl_stages},
	{.name = "watch", .help = "the same, every two seconds, until Ctrl-C", .run = ctl_watch},
	{.name = "incidents",
		.options = "[--all]",
		.takes = CTL_TAKES_ALL,
		.help = "open incidents; --all: ended ones, too",
		.run = ctl_incidents},
	{.name = "explain",
		.object = "ID",
		.help = "evidence of an incident, what was done, what comes next",
		.run = ctl_explain},
	{.name = "observed",
		.help = "what mode act would have acted upon, and what became of it",
		.run = ctl_observed},
	{.name = "audit",
		.object = "APP",
		.may_lack = true,
		.options = "[--all]",
		.takes = CTL_TAKES_ALL,
		.help = "settings and symptoms that lead to hangs; --all: minor ones, too",
		.run = ctl_audit},
	{.name = "report",
		.object = "NAME",
		.may_lack = true,
		.options = "[--all]",
		.takes = CTL_TAKES_ALL,
		.help = "finished runs, compared with earlier ones; --all: every run",
		.run = ctl_report},
	{.name = "ack",
		.object = "ID",
		.changes = true,
		.help = "note that you look after an incident",
		.run = ctl_ack},
	{.name = "ignore",
		.object = "ID",
		.changes = true,
		.help = "an incident is no hang: do nothing, keep its evidence",
		.run = ctl_ignore},
	{.name = "abort",
		.object = "ID",
		.changes = true,
		.help = "begin no action on an incident, give up what sent nothing",
		.run = ctl_abort},
	{.name = "kill",
		.object = "APP",
		.options = "[--yes]",
		.takes = CTL_TAKES_YES,
		.changes = true,
		.help = "end an app that hangs, as a rule's action would",
		.run = ctl_kill},
	{.name = "retry",
		.object = "APP",
		.options = "[--yes]",
		.takes = CTL_TAKES_YES,
		.changes = true,
		.help = "the same, and let Airflow run its task again",
		.run = ctl_retry},
	{.name = "test-notify",
		.object = "NAME",
		.changes = true,
		.help = "send a test to [notify NAME], and say whether it arrived",
		.run = ctl_test_notify},
	{.name = "pause",
		.object = "REASON",
		.options = "[--for TIME]",
		.takes = CTL_TAKES_FOR,
		.changes = true,
		.help = "begin no action until resume, or for a time such as 2h",
		.run = ctl_pause},
	{.name = "resume",
		.changes = true,
		.help = "end the pause, close the storm breaker",
		.run = ctl_resume},
};
const size_t n_ctl_verbs = ELEMENTSOF(ctl_verbs);

static void print_help(void)
{
	printf("stagewatchctl [--socket PATH | --url URL] [--json] VERB ...\n"
	       "\n"
	       "Asks stagewatchd what it sees, and tells it to pause.\n"
	       "\n");
	for (size_t i = 0; i < n_ctl_verbs; i++) {
		const struct ctl_verb *v = &ctl_verbs[i];
		char usage[40];

		(void)snprintf(usage, sizeof(usage), "%s%s%s%s%s%s", v->name,
			v->object ? (v->may_lack ? " [" : " ") : "", v->object ? v->object : "",
			v->may_lack ? "]" : "", v->options ? " " : "",
			v->options ? v->options : "");
		printf("  %-26s %s\n", usage, v->help);
	}
	printf("\n"
	       "  --socket PATH   the daemon's control socket; default: %s\n"
	       "  --url URL       use its web server, such as http://127.0.0.1:14040; verbs that\n"
	       "                  only read\n"
	       "  --user NAME     with --url: log in, with a password that is asked for\n"
	       "  --password-file FILE\n"
	       "                  with --user: the password is in this file\n"
	       "  --ca-file FILE  with --url: certificates to trust, not the system's\n"
	       "  --cert FILE     with --url: a certificate of your own\n"
	       "  --key FILE      with --cert: its key, if that is in another file\n"
	       "  --json          print JSON, as the daemon answers it\n"
	       "  --all           with incidents, audit, report: all of them\n"
	       "  --for TIME      with pause: how long\n"
	       "  --yes           with kill, retry: do not ask first\n"
	       "  --version       print the version, and exit\n"
	       "  --help          print this, and exit\n"
	       "\n"
	       "Exit status: 0 success, 1 status found a hung stage, 2 the daemon cannot be\n"
	       "reached or refused, or status found what could not be seen, 3 wrong usage.\n"
	       "See stagewatchctl(8).\n",
		CTL_SOCKET);
}

struct arguments {
	struct ctl ctl;
	struct ctl_login login;
	const struct ctl_verb *verb;
	unsigned given; /* CTL_TAKES_* */
	bool done;      /* --help, --version */
};

static int wrong(const char *text, const char *what)
{
	fprintf(stderr, "stagewatchctl: %s%s\n", text, what);
	return -EINVAL;
}

static int parse_length(struct arguments *a, const char *text)
{
	usec_t t = 0;

	a->given |= CTL_TAKES_FOR;
	if (parse_duration(text, &t) < 0 || t < USEC_PER_SEC)
		return wrong("not a time such as 30min or 2h: ", text);
	a->ctl.length = t;
	return 0;
}

static int parse_option(struct arguments *a, int c)
{
	switch (c) {
	case 's':
		a->ctl.socket = optarg;
		return 0;
	case 'u':
		a->ctl.url = optarg;
		return 0;
	case 'U':
		a->login.user = optarg;
		return 0;
	case 'P':
		a->login.password_file = optarg;
		return 0;
	case 'C':
		a->login.ca_file = optarg;
		return 0;
	case 'E':
		a->login.cert_file = optarg;
		return 0;
	case 'K':
		a->login.key_file = optarg;
		return 0;
	case 'j':
		a->ctl.json = true;
		return 0;
	case 'a':
		a->ctl.all = true;
		a->given |= CTL_TAKES_ALL;
		return 0;
	case 'y':
		a->ctl.yes = true;
		a->given |= CTL_TAKES_YES;
		return 0;
	case 'f':
		return parse_length(a, optarg);
	case 'v':
		printf("stagewatchctl %s\n", STAGEWATCHD_VERSION);
		a->done = true;
		return 0;
	case 'h':
		print_help();
		a->done = true;
		return 0;
	default:
		return -EINVAL; /* getopt has said what is wrong */
	}
}

static int check_url(const struct arguments *a)
{
	const struct ctl_login *l = &a->login;

	if (a->ctl.url && a->ctl.socket)
		return wrong("--socket and --url exclude one another", "");
	if (a->ctl.url && a->verb->changes)
		return wrong(a->verb->name, " goes over the control socket only");
	if (!a->ctl.url &&
		(l->user || l->password_file || l->ca_file || l->cert_file || l->key_file))
		return wrong(
			"--user, --password-file, --ca-file, --cert and --key go with --url", "");
	if (l->password_file && !l->user)
		return wrong("--password-file goes with --user", "");
	if (l->key_file && !l->cert_file)
		return wrong("--key goes with --cert", "");
	return 0;
}

static int parse_verb(struct arguments *a, int argc, char **argv)
{
	if (argc == 0)
		return wrong("which verb?", "");
	for (size_t i = 0; i < n_ctl_verbs; i++)
		if (str_equal(ctl_verbs[i].name, argv[0]))
			a->verb = &ctl_verbs[i];
	if (!a->verb)
		return wrong("unknown verb: ", argv[0]);
	if (a->verb->object && !a->verb->may_lack && argc < 2)
		return wrong(a->verb->name, " needs an argument");
	if (argc > (a->verb->object ? 2 : 1))
		return wrong("unexpected argument: ", argv[a->verb->object ? 2 : 1]);
	a->ctl.object = argc > 1 ? argv[1] : NULL;
	if (a->given & ~a->verb->takes)
		return wrong(a->verb->name, " does not take --all, --for or --yes of another verb");
	return check_url(a);
}

static int parse_arguments(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{"socket", required_argument, NULL, 's'},
		{"url", required_argument, NULL, 'u'},
		{"user", required_argument, NULL, 'U'},
		{"password-file", required_argument, NULL, 'P'},
		{"ca-file", required_argument, NULL, 'C'},
		{"cert", required_argument, NULL, 'E'},
		{"key", required_argument, NULL, 'K'},
		{"json", no_argument, NULL, 'j'},
		{"all", no_argument, NULL, 'a'},
		{"for", required_argument, NULL, 'f'},
		{"yes", no_argument, NULL, 'y'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int r = 0;
	int c;

	while (r >= 0 && !a->done && (c = getopt_long(argc, argv, "", options, NULL)) != -1)
		r = parse_option(a, c);
	return r < 0 || a->done ? r : parse_verb(a, argc - optind, argv + optind);
}

int ctl_main(int argc, char **argv)
{
	struct arguments a = {.ctl = {.out = stdout}};
	int r;

	if (parse_arguments(argc, argv, &a) < 0) {
		fprintf(stderr, "Try stagewatchctl --help.\n");
		return CTL_USAGE;
	}
	if (a.done)
		return CTL_OK;
	if (!a.ctl.socket)
		a.ctl.socket = CTL_SOCKET;
	r = ctl_login(&a.login, &a.ctl.endpoint) < 0 ? CTL_FAILED : a.verb->run(&a.ctl);
	if (fflush(stdout) == EOF)
		r = CTL_FAILED;
	endpoint_clear(&a.ctl.endpoint);
	return r;
}
