# SPDX-License-Identifier: Apache-2.0
# Completion of stagewatchctl for fish.

function __stagewatchctl_incidents
	stagewatchctl incidents 2>/dev/null | awk 'NR > 1 && $1 ~ /^[0-9]+T[0-9]+Z-/ { print $1 }'
end

set -l verbs status stages watch incidents explain observed audit report ack ignore abort kill retry test-notify pause resume

complete -c stagewatchctl -f
complete -c stagewatchctl -l socket -r -F -d 'the control socket'
complete -c stagewatchctl -l url -x -d 'use the web server'
complete -c stagewatchctl -l user -x -d 'with --url: log in'
complete -c stagewatchctl -l password-file -r -F -d 'with --user: its password'
complete -c stagewatchctl -l ca-file -r -F -d 'with --url: certificates to trust'
complete -c stagewatchctl -l cert -r -F -d 'with --url: a certificate of your own'
complete -c stagewatchctl -l key -r -F -d 'with --cert: its key'
complete -c stagewatchctl -l json -d 'print JSON'
complete -c stagewatchctl -l version -d 'print the version'
complete -c stagewatchctl -l help -d 'print a short help'
complete -c stagewatchctl -n "not __fish_seen_subcommand_from $verbs" -a status -d 'mode, pause, clusters, hung stages'
complete -c stagewatchctl -n "not __fish_seen_subcommand_from $verbs" -a stages -d 'apps and active stages, with verdicts'
complete -c stagewatchctl -n "not __fish_seen_subcommand_from $verbs" -a watch -d 'the same, every two seconds, until Ctrl-C'
complete -c stagewatchctl -n "not __fish_seen_subcommand_from $verbs" -a incidents -d 'open incidents; --all: ended ones, too'
complete -c stagewatchctl -n "not __fish_seen_subcommand_from $verbs" -a explain -d 'evidence of an incident, what was done, what comes next'
complete -c stagewatchctl -n "not __fish_seen_subcommand_from $verbs" -a observed -d 'what mode act would have acted upon, and what became of it'
complete -c stagewatchctl -n "not __fish_seen_subcommand_from $verbs" -a audit -d 'settings and symptoms that lead to hangs; --all: minor ones, too'
complete -c stagewatchctl -n "not __fish_seen_subcommand_from $verbs" -a report -d 'finished runs, compared with earlier ones; --all: every run'
complete -c stagewatchctl -n "not __fish_seen_subcommand_from $verbs" -a ack -d 'note that you look after an incident'
complete -c stagewatchctl -n "not __fish_seen_subcommand_from $verbs" -a ignore -d 'an incident is no hang: do nothing, keep its evidence'
complete -c stagewatchctl -n "not __fish_seen_subcommand_from $verbs" -a abort -d 'begin no action on an incident, give up what sent nothing'
complete -c stagewatchctl -n "not __fish_seen_subcommand_from $verbs" -a kill -d 'end an app that hangs, as a rules action would'
complete -c stagewatchctl -n "not __fish_seen_subcommand_from $verbs" -a retry -d 'the same, and let Airflow run its task again'
complete -c stagewatchctl -n "not __fish_seen_subcommand_from $verbs" -a test-notify -d 'send a test to [notify NAME], and say whether it arrived'
complete -c stagewatchctl -n "not __fish_seen_subcommand_from $verbs" -a pause -d 'begin no action until resume, or for a time such as 2h'
complete -c stagewatchctl -n "not __fish_seen_subcommand_from $verbs" -a resume -d 'end the pause, close the storm breaker'
complete -c stagewatchctl -n '__fish_seen_subcommand_from incidents audit report' -l all -d 'all of them'
complete -c stagewatchctl -n '__fish_seen_subcommand_from pause' -l for -x -d 'how long'
complete -c stagewatchctl -n '__fish_seen_subcommand_from kill retry' -l yes -d 'do not ask first'
complete -c stagewatchctl -n '__fish_seen_subcommand_from explain ack ignore abort' -a '(__stagewatchctl_incidents)'
