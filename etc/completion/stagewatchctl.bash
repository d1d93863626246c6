# SPDX-License-Identifier: Apache-2.0
# Completion of stagewatchctl for bash.

_stagewatchctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} word verb=
	local verbs='status stages watch incidents explain observed audit report ack ignore abort kill retry test-notify pause resume'

	case $prev in
	--socket | --password-file | --ca-file | --cert | --key)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--url | --user | --for) return ;;
	esac
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ " $verbs " == *" $word "* ]] && verb=$word
	done
	case $verb in
	'') word="$verbs --socket --url --user --password-file --ca-file --cert --key --json --version --help" ;;
	incidents | audit | report) word='--all --json' ;;
	kill | retry) word='--yes --json' ;;
	pause) word='--for --json' ;;
	explain | ack | ignore | abort)
		word=$(stagewatchctl incidents 2>/dev/null | awk 'NR > 1 && $1 ~ /^[0-9]+T[0-9]+Z-/ { print $1 }')
		;;
	*) word=--json ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$word" -- "$cur")
}
complete -F _stagewatchctl stagewatchctl
