#compdef stagewatchctl
# SPDX-License-Identifier: Apache-2.0
# Completion of stagewatchctl for zsh.

local -a verbs ids
verbs=(
	'status:mode, pause, clusters, hung stages'
	'stages:apps and active stages, with verdicts'
	'watch:the same, every two seconds, until Ctrl-C'
	'incidents:open incidents; --all - ended ones, too'
	'explain:evidence of an incident, what was done, what comes next'
	'observed:what mode act would have acted upon, and what became of it'
	'audit:settings and symptoms that lead to hangs; --all - minor ones, too'
	'report:finished runs, compared with earlier ones; --all - every run'
	'ack:note that you look after an incident'
	'ignore:an incident is no hang - do nothing, keep its evidence'
	'abort:begin no action on an incident, give up what sent nothing'
	'kill:end an app that hangs, as a rules action would'
	'retry:the same, and let Airflow run its task again'
	'test-notify:send a test to \[notify NAME\], and say whether it arrived'
	'pause:begin no action until resume, or for a time such as 2h'
	'resume:end the pause, close the storm breaker'
)

_arguments -C \
	'(--url)--socket[the control socket]:path:_files' \
	'(--socket)--url[use the web server]:url:' \
	'--user[with --url\: log in]:user:' \
	'--password-file[with --user\: its password]:path:_files' \
	'--ca-file[with --url\: certificates to trust]:path:_files' \
	'--cert[with --url\: a certificate of your own]:path:_files' \
	'--key[with --cert\: its key]:path:_files' \
	'--json[print JSON]' \
	'--all[with incidents, audit, report\: all of them]' \
	'--for[with pause\: how long]:time:' \
	'--yes[with kill, retry\: do not ask first]' \
	'--version[print the version]' \
	'--help[print a short help]' \
	'1:verb:->verb' \
	'2:object:->object' && return

case $state in
verb) _describe -t verbs verb verbs ;;
object)
	case $line[1] in
	explain | ack | ignore | abort)
		ids=(${(f)"$(stagewatchctl incidents 2>/dev/null | awk 'NR > 1 && $1 ~ /^[0-9]+T[0-9]+Z-/ { print $1 }')"})
		compadd -a ids
		;;
	esac
	;;
esac
