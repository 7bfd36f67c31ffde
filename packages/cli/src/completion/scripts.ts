/** What the shells load: each asks `pawl __complete` for what may come next, so that none of them goes stale. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** Words that a shell would take apart, such as keys with a colon, are put back together for bash. */
const BASH = `# bash completion of pawl: source <(pawl completion bash)
_pawl() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" line words=() skip=0 i
  COMPREPLY=()
  if declare -F _get_comp_words_by_ref >/dev/null; then
    local cword
    _get_comp_words_by_ref -n := cur words cword
    words=("\${words[@]:1:cword}")
  else
    words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  fi
  while IFS= read -r line; do
    if [[ "$line" == ':files' ]]; then
      COMPREPLY=($(compgen -f -- "$cur"))
      compopt -o filenames 2>/dev/null
      return
    fi
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(pawl __complete "\${words[@]}" 2>/dev/null)
  declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "$cur"
}
complete -F _pawl pawl
`;

const ZSH = `#compdef pawl
# zsh completion of pawl: source <(pawl completion zsh), or as a file _pawl in a folder of $fpath
_pawl() {
  local line value
  local -a found
  while IFS= read -r line; do
    if [[ "$line" == ':files' ]]; then
      _files
      return
    fi
    value="\${line%%$'\\t'*}"
    if [[ "$line" == *$'\\t'?* ]]; then
      found+=("\${value//:/\\\\:}:\${line#*$'\\t'}")
    else
      found+=("\${value//:/\\\\:}")
    fi
  done < <(pawl __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe -V 'pawl' found
}
if [[ "$funcstack[1]" == '_pawl' ]]; then
  _pawl "$@"
elif (( $+functions[compdef] )); then
  compdef _pawl pawl
fi
`;

const FISH = `# fish completion of pawl: pawl completion fish | source
function __pawl_complete
    set -l words (commandline -opc)[2..-1] (commandline -ct)
    for line in (pawl __complete $words 2>/dev/null)
        if test "$line" = ':files'
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c pawl -f -k -a '(__pawl_complete)'
`;

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
