# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For bash: patiently WHAT COMMAND... says each ten seconds that COMMAND still runs, on standard output as it was
# when this file was read. The one who says so ends with the shell, however that ends.
exec 3>&1

_tell_time() {
	local what=$1 from=$SECONDS r
	while :; do
		r=0
		read -rt 10 || r=$?
		# Above 128: ten seconds have passed. Else the shell has closed its end.
		[ "$r" -gt 128 ] || return 0
		printf '        %s: %d s\n' "$what" $((SECONDS - from)) >&3
	done
}

patiently() {
	local what=$1 alive r=0
	shift
	exec {alive}> >(_tell_time "$what")
	"$@"
	r=$?
	exec {alive}>&-
	return "$r"
}
