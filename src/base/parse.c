/* SPDX-License-Identifier: Apache-2.0
 * Text to values, without the locale and without the time zone of the process. */
#include "base/parse.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

/* Digits after the point of a second: nanoseconds. */
#define MAX_FRACTION 9

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits from *s on; *s is left behind them. -EINVAL where there are none. */
static int take_u64(const char **s, uint64_t *ret)
{
	uint64_t value = 0;
	const char *p = *s;

	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++) {
		if (__builtin_mul_overflow(value, 10U, &value) ||
			__builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -ERANGE;
	}
	*s = p;
	*ret = value;
	return 0;
}

int parse_u64(const char *s, uint64_t *ret)
{
	uint64_t value;
	int r;

	r = take_u64(&s, &value);
	if (r < 0)
		return r;
	if (*s)
		return -EINVAL;
	*ret = value;
	return 0;
}

static bool equal_ignoring_case(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		int lower = *a >= 'A' && *a <= 'Z' ? *a - 'A' + 'a' : *a;

		if (lower != *b)
			return false;
	}
	return *a == *b;
}

int parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = {"1", "yes", "y", "true", "t", "on"};
	static const char *const no[] = {"0", "no", "n", "false", "f", "off"};

	for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
		if (equal_ignoring_case(s, yes[i])) {
			*ret = true;
			return 0;
		}
		if (equal_ignoring_case(s, no[i])) {
			*ret = false;
			return 0;
		}
	}
	return -EINVAL;
}

static const struct {
	const char *name;
	usec_t length;
} units[] = {
	{"us", 1},
	{"usec", 1},
	{"ms", USEC_PER_MSEC},
	{"msec", USEC_PER_MSEC},
	{"s", USEC_PER_SEC},
	{"sec", USEC_PER_SEC},
	{"second", USEC_PER_SEC},
	{"seconds", USEC_PER_SEC},
	{"m", USEC_PER_MINUTE},
	{"min", USEC_PER_MINUTE},
	{"minute", USEC_PER_MINUTE},
	{"minutes", USEC_PER_MINUTE},
	{"h", USEC_PER_HOUR},
	{"hr", USEC_PER_HOUR},
	{"hour", USEC_PER_HOUR},
	{"hours", USEC_PER_HOUR},
	{"d", 24 * USEC_PER_HOUR},
	{"day", 24 * USEC_PER_HOUR},
	{"days", 24 * USEC_PER_HOUR},
	{"w", (usec_t)7 * 24 * USEC_PER_HOUR},
	{"week", (usec_t)7 * 24 * USEC_PER_HOUR},
	{"weeks", (usec_t)7 * 24 * USEC_PER_HOUR},
};

static const char *skip_space(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

/* "10" alone would be ten of what the reader thinks it is. */
static int take_unit(const char **s, usec_t *ret)
{
	const char *p = *s;
	size_t n = 0;

	while ((p[n] >= 'a' && p[n] <= 'z') || (p[n] >= 'A' && p[n] <= 'Z'))
		n++;
	for (size_t i = 0; i < ELEMENTSOF(units); i++) {
		if (strlen(units[i].name) == n && memcmp(units[i].name, p, n) == 0) {
			*s = p + n;
			*ret = units[i].length;
			return 0;
		}
	}
	return -EINVAL;
}

/* One "1.5h". What is below a microsecond is dropped, as are digits after the sixth. */
static int take_span(const char **s, usec_t *ret)
{
	const char *p = *s;
	uint64_t whole;
	uint64_t fraction = 0;
	uint64_t scale = 1;
	usec_t unit;
	int r;

	r = take_u64(&p, &whole);
	if (r < 0)
		return r;
	if (*p == '.') {
		if (!is_digit(*++p))
			return -EINVAL;
		for (; is_digit(*p); p++) {
			if (scale == 1000000)
				continue;
			fraction = fraction * 10 + (uint64_t)(*p - '0');
			scale *= 10;
		}
	}
	p = skip_space(p);
	if (whole == 0 && fraction == 0 && *p == '\0') {
		*s = p;
		*ret = 0;
		return 0;
	}
	r = take_unit(&p, &unit);
	if (r < 0)
		return r;
	if (__builtin_mul_overflow(whole, unit, &whole) ||
		__builtin_add_overflow(whole, fraction * unit / scale, &whole))
		return -ERANGE;
	*s = p;
	*ret = whole;
	return 0;
}

int parse_duration(const char *s, usec_t *ret)
{
	usec_t total = 0;
	int r;

	s = skip_space(s);
	do {
		usec_t span;

		r = take_span(&s, &span);
		if (r < 0)
			return r;
		if (__builtin_add_overflow(total, span, &total))
			return -ERANGE;
		s = skip_space(s);
	} while (*s);
	*ret = total;
	return 0;
}

struct civil {
	int64_t year;
	int64_t month; /* 1-12 */
	int64_t day;
	int64_t hour;
	int64_t minute;
	int64_t second;
};

/* Exactly n digits. */
static int take_digits(const char **s, size_t n, int64_t *ret)
{
	int64_t value = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_digit((*s)[i]))
			return -EINVAL;
		value = value * 10 + ((*s)[i] - '0');
	}
	*s += n;
	*ret = value;
	return 0;
}

static int take_char(const char **s, char c)
{
	if (**s != c)
		return -EINVAL;
	(*s)++;
	return 0;
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Whether a calendar and a clock have it, leap seconds included. */
static bool civil_valid(const struct civil *c)
{
	static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (c->month < 1 || c->month > 12 || c->day < 1)
		return false;
	return c->day <= days[c->month - 1] + (c->month == 2 && is_leap(c->year)) &&
	       c->hour <= 23 && c->minute <= 59 && c->second <= 60;
}

/* Seconds since 1970, UTC. A year that begins with March has its leap day at its end: the months
 * before are then of 31 and 30 days in a pattern of five. */
static int64_t civil_seconds(const struct civil *c)
{
	int64_t year = c->year - (c->month <= 2);
	int64_t month = (c->month + 9) % 12;
	int64_t days = (153 * month + 2) / 5 + c->day - 1;

	days += 365 * year + year / 4 - year / 100 + year / 400 - 719468;
	return ((days * 24 + c->hour) * 60 + c->minute) * 60 + c->second;
}

static int take_clock(const char **s, struct civil *c)
{
	int r;

	r = take_digits(s, 2, &c->hour);
	if (r >= 0)
		r = take_char(s, ':');
	if (r >= 0)
		r = take_digits(s, 2, &c->minute);
	if (r >= 0)
		r = take_char(s, ':');
	if (r >= 0)
		r = take_digits(s, 2, &c->second);
	return r;
}

static int take_date(const char **s, struct civil *c)
{
	int r;

	r = take_digits(s, 4, &c->year);
	if (r >= 0)
		r = take_char(s, '-');
	if (r >= 0)
		r = take_digits(s, 2, &c->month);
	if (r >= 0)
		r = take_char(s, '-');
	if (r >= 0)
		r = take_digits(s, 2, &c->day);
	return r;
}

/* ".473291", microseconds; none is 0. */
static int take_fraction(const char **s, int64_t *ret)
{
	int64_t value = 0;
	int64_t scale = 100000;
	size_t n = 0;

	*ret = 0;
	if (**s != '.')
		return 0;
	if (!is_digit(*++*s))
		return -EINVAL;
	for (; is_digit(**s); (*s)++) {
		if (++n > MAX_FRACTION)
			return -EINVAL;
		value += (**s - '0') * scale;
		scale /= 10;
	}
	*ret = value;
	return 0;
}

/* "GMT", "Z", "+01:00" or "+0100", up to the end: seconds east of UTC. */
static int take_zone(const char **s, int64_t *ret)
{
	int64_t hours;
	int64_t minutes;
	bool west;
	int r;

	*ret = 0;
	if (strcmp(*s, "GMT") == 0 || strcmp(*s, "Z") == 0)
		return 0;
	west = **s == '-';
	if (!west && **s != '+')
		return -EINVAL;
	(*s)++;
	r = take_digits(s, 2, &hours);
	if (r < 0)
		return r;
	if (**s == ':')
		(*s)++;
	r = take_digits(s, 2, &minutes);
	if (r < 0)
		return r;
	if (**s || hours > 23 || minutes > 59)
		return -EINVAL;
	*ret = (hours * 60 + minutes) * (west ? -60 : 60);
	return 0;
}

int parse_timestamp(const char *s, usec_t *ret)
{
	struct civil c = {0};
	int64_t fraction = 0;
	int64_t east = 0;
	int64_t seconds;
	int r;

	r = take_date(&s, &c);
	if (r >= 0)
		r = take_char(&s, 'T');
	if (r >= 0)
		r = take_clock(&s, &c);
	if (r >= 0)
		r = take_fraction(&s, &fraction);
	if (r >= 0)
		r = take_zone(&s, &east);
	if (r < 0)
		return r;
	if (!civil_valid(&c))
		return -EINVAL;
	seconds = civil_seconds(&c) - east;
	if (seconds < 0)
		return -ERANGE;
	*ret = (usec_t)seconds * USEC_PER_SEC + (usec_t)fraction;
	return 0;
}

/* The place of the three letters at *s in names, from 0. */
static int take_name(const char **s, const char *names, int64_t *ret)
{
	for (size_t i = 0; names[i]; i += 3) {
		if (strncmp(*s, names + i, 3) == 0) {
			*s += 3;
			*ret = (int64_t)(i / 3);
			return 0;
		}
	}
	return -EINVAL;
}

int parse_http_date(const char *s, usec_t *ret)
{
	struct civil c = {0};
	int64_t weekday;
	int64_t month = 0;
	int64_t seconds;
	int r;

	r = take_name(&s, "MonTueWedThuFriSatSun", &weekday);
	if (r >= 0)
		r = take_char(&s, ',');
	if (r >= 0)
		r = take_char(&s, ' ');
	if (r >= 0)
		r = take_digits(&s, 2, &c.day);
	if (r >= 0)
		r = take_char(&s, ' ');
	if (r >= 0)
		r = take_name(&s, "JanFebMarAprMayJunJulAugSepOctNovDec", &month);
	if (r >= 0)
		r = take_char(&s, ' ');
	if (r >= 0)
		r = take_digits(&s, 4, &c.year);
	if (r >= 0)
		r = take_char(&s, ' ');
	if (r >= 0)
		r = take_clock(&s, &c);
	if (r < 0)
		return r;
	c.month = month + 1;
	if (strcmp(s, " GMT") != 0 || !civil_valid(&c))
		return -EINVAL;
	seconds = civil_seconds(&c);
	if (seconds < 0)
		return -ERANGE;
	*ret = (usec_t)seconds * USEC_PER_SEC;
	return 0;
}

int parse_size(const char *s, uint64_t *ret)
{
	uint64_t value;
	unsigned int shift = 0;
	int r;

	r = take_u64(&s, &value);
	if (r < 0)
		return r;
	if (*s == 'K')
		shift = 10;
	else if (*s == 'M')
		shift = 20;
	else if (*s == 'G')
		shift = 30;
	if (shift > 0)
		s++;
	if (*s)
		return -EINVAL;
	if (value > UINT64_MAX >> shift)
		return -ERANGE;
	*ret = value << shift;
	return 0;
}

int parse_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}
