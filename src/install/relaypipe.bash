# bash completion for relaypipe. Commands, options and settings are those that the program's own help lists, relays and
# chains those of the configuration, so nothing here has to be kept in step.

# The words that stand alone before text, two blanks in, in a part of the help: `relaypipe plan   which relays ...`
_relaypipe_rows() { # HEADING
  awk -v heading="$1" '
    index($0, heading) == 1 { inside = 1; next }
    /^$/ { inside = 0 }
    inside && /^  / { print ($1 == "relaypipe" ? $2 : $1) }
  '
}

_relaypipe_options() { grep -oE '(^|[ ,])--?[a-z][a-z-]*' | tr -d ' ,'; }

_relaypipe_offer() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2"); }

_relaypipe() {
  local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local command="" config=() i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ ${COMP_WORDS[i]} == --config ]] && config=(--config "${COMP_WORDS[i + 1]}")
  done
  [[ $COMP_CWORD -gt 1 && ${COMP_WORDS[1]} != -* ]] && command=${COMP_WORDS[1]}

  case $before in
    --config) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    --config-directory) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
    --nexthop) _relaypipe_offer "$("$program" names chains "${config[@]}" 2>/dev/null)" "$word"; return ;;
    --relay) _relaypipe_offer "$("$program" names relays "${config[@]}" 2>/dev/null)" "$word"; return ;;
    --provider) _relaypipe_offer "$("$program" names providers 2>/dev/null)" "$word"; return ;;
    --http) _relaypipe_offer "400 401 402 403 404 413 420 429 500 502 503" "$word"; return ;;
    --stage) _relaypipe_offer "greeting ehlo starttls auth mail rcpt data end_of_data" "$word"; return ;;
    -o)
      _relaypipe_offer "$("$program" --help 2>/dev/null | _relaypipe_rows "Settings for -o:" | sed 's/$/=/')" "$word"
      compopt -o nospace 2>/dev/null
      return
      ;;
    -f | --from | --to | --mail-from | --rcpt-to | --size | --timeout | --deadline | --queue-id) return ;;
  esac

  if [[ $word == -* ]]; then
    # shellcheck disable=SC2086
    _relaypipe_offer "$("$program" $command --help 2>/dev/null | _relaypipe_options)" "$word"
  elif [[ -z $command ]]; then
    _relaypipe_offer "$("$program" --help 2>/dev/null | _relaypipe_rows "Other commands")" "$word"
  elif [[ $command == providers ]]; then
    _relaypipe_offer "$("$program" names providers 2>/dev/null)" "$word"
  elif [[ $command == names ]]; then
    _relaypipe_offer "relays chains providers" "$word"
  elif [[ $command == help ]]; then
    _relaypipe_offer "$("$program" --help 2>/dev/null | _relaypipe_rows "Other commands")" "$word"
  elif [[ $command == probe ]]; then
    _relaypipe_offer "$("$program" names relays "${config[@]}" 2>/dev/null)
$("$program" names chains "${config[@]}" 2>/dev/null)" "$word"
  elif [[ $command != check && $command != plan && $command != doctor && $command != lmtp && $command != classify ]]; then
    _relaypipe_offer "$("$program" names relays "${config[@]}" 2>/dev/null)" "$word"
  fi
} && complete -F _relaypipe relaypipe
