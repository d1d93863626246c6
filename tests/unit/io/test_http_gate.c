/* SPDX-License-Identifier: Apache-2.0
 * The server and its gate: who waits, who is let in, and what the others get. */
#include "io/http_server.h"

#include "net.h"

#define CROWD 200U

struct fixture {
	sd_event *event;
	struct http_server *server;
	unsigned port;
	struct http_gate gate;
	enum http_gate_answer answer;
	struct http_visit *waits[CROWD];
	unsigned n_waits;
	unsigned n_forgotten;
	unsigned n_served;
	char said[64];
	char caller[64];
	enum http_role role;
};

static int handle(
	void *userdata, const struct http_server_request *request, struct http_server_reply *reply)
{
	struct fixture *f = userdata;

	f->n_served++;
	f->role = request->caller->role;
	(void)snprintf(f->caller, sizeof(f->caller), "%s",
		request->caller->name ? request->caller->name : "-");
	reply->status = 200;
	return 0;
}

static enum http_gate_answer on_ask(
	void *userdata, const struct http_gate_ask *ask, struct http_caller *ret)
{
	struct fixture *f = userdata;
	char name[] = "copied";

	assert_non_null(ask->origin);
	assert_int_equal(ask->origin->family, AF_INET);
	assert_memory_equal(ask->origin->bytes, ((uint8_t[]){127, 0, 0, 1}), 4);
	(void)snprintf(f->said, sizeof(f->said), "%s %s %s", ask->path,
		ask->authorization ? ask->authorization : "-",
		ask->certificate ? ask->certificate : "-");
	if (f->answer == HTTP_GATE_WAIT) {
		assert_true(f->n_waits < ELEMENTSOF(f->waits));
		f->waits[f->n_waits++] = ask->visit;
		assert_true(f->n_waits - f->n_forgotten <= HTTP_CONNECTIONS_OF_ORIGIN);
	}
	*ret = (struct http_caller){.name = name, .role = HTTP_ROLE_OPERATE};
	if (f->answer == HTTP_GATE_PASS)
		ret->name = "alice";
	return f->answer;
}

static void on_forget(void *userdata, struct http_visit *visit)
{
	struct fixture *f = userdata;
	unsigned i = 0;

	while (i < f->n_waits && f->waits[i] != visit)
		i++;
	assert_true(i < f->n_waits);
	f->waits[i] = NULL;
	f->n_forgotten++;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	_cleanup_free_ char *err = NULL;

	assert_non_null(f);
	f->gate = (struct http_gate){.ask = on_ask, .forget = on_forget, .userdata = f};
	assert_return_code(sd_event_new(&f->event), 0);
	assert_int_equal(http_server_new(f->event, handle, f, &f->server), 0);
	assert_int_equal(http_server_listen(f->server, "127.0.0.1:0", &f->port, &err), 0);
	http_server_set_gate(f->server, &f->gate);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	assert_null(http_server_free(f->server));
	assert_null(sd_event_unref(f->event));
	free(f);
	return 0;
}

static int begin(struct fixture *f)
{
	int fd = connect_to(f->port);

	send_text(fd, "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
		      "Authorization: Basic eDp5\r\n\r\n");
	return fd;
}

static void end(struct fixture *f, int fd, int status, const char *header)
{
	struct strbuf b = {0};
	char line[32];

	(void)snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
	read_to_end(f->event, fd, &b);
	assert_non_null(b.text);
	if (strncmp(b.text, line, strlen(line)) != 0)
		fail_msg("wanted %d: %s", status, b.text);
	if (header && !strcasestr(b.text, header))
		fail_msg("%s is not in: %s", header, b.text);
	strbuf_clear(&b);
	(void)close(fd);
}

static void at_once(void **state)
{
	static const struct {
		enum http_gate_answer answer;
		int status;
		const char *header;
	} rows[] = {
		{HTTP_GATE_UNKNOWN, 401, "\r\nWWW-Authenticate: Basic realm=\"stagewatchd\""},
		{HTTP_GATE_BUSY, 503, "\r\nRetry-After: "},
		{HTTP_GATE_TOO_MANY, 429, "\r\nRetry-After: "},
		{HTTP_GATE_PASS, 200, NULL},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		f->answer = rows[i].answer;
		end(f, begin(f), rows[i].status, rows[i].header);
	}
	assert_int_equal(http_server_refusals(f->server)[HTTP_REFUSAL_UNKNOWN], 1);
	assert_int_equal(http_server_refusals(f->server)[HTTP_REFUSAL_BUSY], 1);
	assert_int_equal(http_server_refusals(f->server)[HTTP_REFUSAL_RATE], 1);
	assert_string_equal(f->said, "/x Basic eDp5 -");
	assert_int_equal(f->n_served, 1);
	assert_string_equal(f->caller, "alice");
	assert_int_equal(f->role, HTTP_ROLE_OPERATE);
}

static void later(void **state)
{
	struct fixture *f = *state;
	char name[] = "bob";
	int first;
	int second;

	f->answer = HTTP_GATE_WAIT;
	first = begin(f);
	run_until(f->event, &f->n_waits, 1);
	second = begin(f);
	run_until(f->event, &f->n_waits, 2);
	/* Others are served meanwhile. */
	f->answer = HTTP_GATE_PASS;
	end(f, begin(f), 200, NULL);
	http_visit_tell(f->waits[1], HTTP_GATE_UNKNOWN, NULL);
	end(f, second, 401, NULL);
	assert_int_equal(f->n_served, 1);
	http_visit_tell(f->waits[0], HTTP_GATE_PASS,
		&(struct http_caller){.name = name, .role = HTTP_ROLE_READ});
	name[0] = '\0';
	end(f, first, 200, NULL);
	assert_string_equal(f->caller, "bob");
	assert_int_equal(f->role, HTTP_ROLE_READ);
	assert_int_equal(f->n_forgotten, 0);
}

/* Whoever waits at a gate that goes is asked no more. */
static void another_gate(void **state)
{
	struct fixture *f = *state;
	int fd;

	f->answer = HTTP_GATE_WAIT;
	fd = begin(f);
	run_until(f->event, &f->n_waits, 1);
	http_server_set_gate(f->server, NULL);
	assert_int_equal(f->n_forgotten, 1);
	end(f, fd, 503, NULL);
	end(f, begin(f), 200, NULL);
	assert_string_equal(f->caller, "-");
	assert_int_equal(f->role, HTTP_ROLE_READ);
}

static void the_end(void **state)
{
	struct fixture *f = *state;
	int fds[2];

	f->answer = HTTP_GATE_WAIT;
	for (unsigned i = 0; i < ELEMENTSOF(fds); i++) {
		fds[i] = begin(f);
		run_until(f->event, &f->n_waits, i + 1);
	}
	f->server = http_server_free(f->server);
	assert_int_equal(f->n_forgotten, 2);
	assert_int_equal(f->n_served, 0);
	for (unsigned i = 0; i < ELEMENTSOF(fds); i++)
		(void)close(fds[i]);
}

/* Whoever has to go for a newer one waits no longer, and keeps no place. */
static void a_crowd_that_waits(void **state)
{
	struct fixture *f = *state;
	int fds[CROWD];

	f->answer = HTTP_GATE_WAIT;
	for (unsigned i = 0; i < CROWD; i++) {
		fds[i] = begin(f);
		run_until(f->event, &f->n_waits, i + 1);
	}
	f->answer = HTTP_GATE_PASS;
	end(f, begin(f), 200, NULL);
	assert_int_equal(f->n_forgotten, CROWD + 1 - HTTP_CONNECTIONS_OF_ORIGIN);
	assert_int_equal(http_server_refusals(f->server)[HTTP_REFUSAL_CROWDED], f->n_forgotten);
	assert_int_equal(http_server_refusals(f->server)[HTTP_REFUSAL_BUSY], 0);
	/* The newest still waits. */
	http_visit_tell(f->waits[CROWD - 1], HTTP_GATE_PASS, &(struct http_caller){.name = "bob"});
	end(f, fds[CROWD - 1], 200, NULL);
	for (unsigned i = 0; i < CROWD - 1; i++)
		(void)close(fds[i]);
}

/* What was said before it had to go is not looked at. */
static void a_crowd_at_once(void **state)
{
	struct fixture *f = *state;
	int fds[CROWD];
	time_t start = seconds_now();

	f->answer = HTTP_GATE_WAIT;
	for (unsigned i = 0; i < CROWD; i++)
		fds[i] = begin(f);
	while (f->n_waits == 0 || http_server_refusals(f->server)[HTTP_REFUSAL_CROWDED] <
					  CROWD - HTTP_CONNECTIONS_OF_ORIGIN) {
		assert_true(sd_event_run(f->event, USEC_PER_SEC) >= 0);
		assert_true(seconds_now() - start < GUARD_SECONDS);
	}
	f->answer = HTTP_GATE_PASS;
	end(f, begin(f), 200, NULL);
	for (unsigned i = 0; i < CROWD; i++)
		(void)close(fds[i]);
}

static void headers(void **state)
{
	static const struct http_header more[] = {{"X-Frame-Options", "deny"}};
	struct fixture *f = *state;

	http_server_set_headers(f->server, more, ELEMENTSOF(more));
	f->answer = HTTP_GATE_UNKNOWN;
	end(f, begin(f), 401, "\r\nX-Frame-Options: deny\r\n");
}

#define gate_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		gate_test(at_once),
		gate_test(later),
		gate_test(another_gate),
		gate_test(the_end),
		gate_test(a_crowd_that_waits),
		gate_test(a_crowd_at_once),
		gate_test(headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
