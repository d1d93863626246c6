#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Holds the sources against the layers of ARCHITECTURE.md: who may include whom, and what the core may call.
# Usage: layering.sh SOURCE_ROOT LIBCORE.a ; exit 0: clean, 1: a violation, named on standard output.
set -eu
root=$1
core=$2

# layer: layers it may include
table='
base: base
core: base core
conf: base conf
wire: base core wire
io: base io
source: base core wire io source
action: base core wire io action
daemon: base core conf wire io source action daemon
ctl: base core wire io ctl
main: base conf daemon
stagewatchctl: ctl
'
# Third-party headers, and the layers that may include them.
third='
curl/: io
microhttpd.h: io
cjson/: wire
ini.h: conf
systemd/sd-journal.h: base
systemd/sd-event.h: io daemon
systemd/sd-daemon.h: io
zlib.h: io
sqlite3.h: io
openssl/: io
'

faults=0
fault() {
	echo "$1"
	faults=1
}

layer_of() {
	case $1 in
	*/main.c) echo main ;;
	*/stagewatchctl.c) echo stagewatchctl ;;
	*) echo "$1" | sed -E 's,.*/(src|include)/([a-z]+)/.*,\2,' ;;
	esac
}

for file in $(find "$root/src" "$root/include" -name '*.[ch]' | sort); do
	layer=$(layer_of "$file")
	allowed=$(echo "$table" | sed -n "s/^$layer: //p")
	[ -n "$allowed" ] || fault "$file: layer $layer is not in the table"
	for used in $(sed -nE 's,^#include "([a-z]+)/.*,\1,p' "$file" | sort -u); do
		case " $allowed " in
		*" $used "*) ;;
		*) fault "$file: $layer may not include $used" ;;
		esac
	done
	echo "$third" | while IFS=: read -r header layers; do
		[ -n "$header" ] || continue
		grep -q "#include <$header" "$file" || continue
		case " $layers " in
		*" $layer "*) ;;
		*) echo "$file: $layer may not include <$header>" ;;
		esac
	done > "${TMPDIR:-/tmp}/layering.$$"
	if [ -s "${TMPDIR:-/tmp}/layering.$$" ]; then
		cat "${TMPDIR:-/tmp}/layering.$$"
		faults=1
	fi
	rm -f "${TMPDIR:-/tmp}/layering.$$"
done

# One place asks for the time and sets timers.
for file in $(grep -lE '\b(clock_gettime|gettimeofday|sd_event_now|sd_event_add_time|sd_event_source_set_time)' \
	$(find "$root/src" -name '*.c') || true); do
	case $file in
	*/io/clock.c) ;;
	*) fault "$file: asks a clock or sets a timer by itself, not by io/clock.h" ;;
	esac
done

# The core sees data and the time it is given: no clock, file, network, environment, process or log.
families='curl_|HMAC|EVP_|posix_spawn|sqlite3_|sd_|MHD_|cJSON_|ini_|log_|clock_|epoll_|pthread_|exec[lv]|fexecve|inotify_|timerfd_|signalfd'
names='time|gettimeofday|localtime|localtime_r|open|openat|read|write|close|recv|recvfrom|recvmsg|send
	sendto|sendmsg|socket|connect|bind|printf|vprintf|fprintf|vfprintf|puts|putchar|fputs|fputc
	fopen|fdopen|fread|fwrite|fgets|getenv|secure_getenv|setlocale|exit|_exit|abort|fork|vfork
	system|popen|sleep|usleep|nanosleep|poll|ppoll|select|rand|random|getrandom|signal|sigaction
	kill|syslog|stat|fstat|unlink|rename|mkdir'
names=$(echo $names | tr ' ' '|')
bad=$(nm -u "$core" 2>/dev/null | sed -nE 's/^ +U ([A-Za-z0-9_]+)(@.*)?$/\1/p' | sort -u |
	grep -Ex "($families).*|(__)?(isoc99_)?($names)(64)?(_2)?(_chk)?" || true)
for symbol in $bad; do
	fault "core calls $symbol"
done
exit $faults
