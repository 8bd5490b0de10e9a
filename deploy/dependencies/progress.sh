# Progress displays for bash: a line that moves on a terminal, a line now and then elsewhere.
# Meant to be sourced.

if [ -t 1 ]; then progress_on_terminal=yes; else progress_on_terminal=no; fi

say() { printf '%s\n' "▸ $*"; }
fail() {
  printf '%s\n' "✗ $*" >&2
  exit 1
}
fail_with_log() {
  local log=$1
  shift
  printf '%s\n' "--- the end of $log ---" >&2
  tail -n 40 "$log" >&2
  fail "$@"
}

# show_step PERCENT TEXT: on a terminal it replaces the line before, elsewhere it prints at each tenth.
progress_tenth=-1
show_step() {
  local percent=$1 text=$2
  if [ $progress_on_terminal = yes ]; then
    printf '\r\033[K  %.*s' "$((${COLUMNS:-100} - 4))" "$text"
  elif [ $((percent / 10)) -gt $progress_tenth ]; then
    printf '  %s\n' "$text"
    progress_tenth=$((percent / 10))
  fi
}
end_steps() {
  [ $progress_on_terminal = no ] || printf '\r\033[K'
  progress_tenth=-1
}

# Reads ninja's output: "[37/412] Building CXX object …".
show_ninja_progress() {
  local name=$1 line ready all
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\ (.*) ]] || continue
    ready=${BASH_REMATCH[1]} all=${BASH_REMATCH[2]}
    show_step $((100 * ready / all)) "$(printf '[%*d/%d] %s: %s' ${#all} "$ready" "$all" "$name" "${BASH_REMATCH[3]##*/}")"
  done
  end_steps
}

# Reads what apt writes to APT::Status-Fd: "dlstatus:N:PERCENT:TEXT" and "pmstatus:PACKAGE:PERCENT:TEXT".
show_apt_progress() {
  local kind percent text phase=
  while IFS=: read -r kind _ percent text; do
    case $kind in dlstatus | pmstatus) ;; *) continue ;; esac
    [ "$kind" = "$phase" ] || progress_tenth=-1
    phase=$kind
    show_step "${percent%%.*}" "$(printf '[%3d%%] %s' "${percent%%.*}" "$text")"
  done
  end_steps
}
