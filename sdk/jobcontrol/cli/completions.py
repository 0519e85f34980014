"""The scripts that let a shell complete jobctl's words: each asks `jobctl __complete` with what was typed so far."""

from __future__ import annotations

from typing import Annotated

import typer

from jobcontrol._requests import invalid
from jobcontrol.cli.exits import ExitCode
from jobcontrol.cli.session import session_of

#: The word that makes jobctl answer a shell; no command has it.
ASK = "__complete"

BASH = f"""\
_jobctl() {{
    local IFS=$'\\n' line
    COMPREPLY=()
    for line in $(jobctl {ASK} "${{COMP_WORDS[@]:1:COMP_CWORD}}" 2>/dev/null); do
        COMPREPLY+=("${{line%%$'\\t'*}}")
    done
}}
complete -o default -F _jobctl jobctl jobcontrol
"""
ZSH = f"""\
#compdef jobctl jobcontrol
_jobctl() {{
    local -a offered
    offered=("${{(@f)$(jobctl {ASK} "${{(@)words[2,CURRENT]}}" 2>/dev/null)}}")
    offered=("${{(@)offered//:/\\\\:}}")
    offered=("${{(@)offered/$'\\t'/:}}")
    if [[ -n "${{offered[1]}}" ]]; then _describe -V jobctl offered; else _files; fi
}}
compdef _jobctl jobctl jobcontrol
"""
FISH = f"""\
function __jobctl_complete
    set -l typed (commandline -opc)
    jobctl {ASK} $typed[2..-1] (commandline -ct) 2>/dev/null
end
complete -c jobctl -k -a '(__jobctl_complete)'
complete -c jobcontrol -k -a '(__jobctl_complete)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def completion(
    context: typer.Context,
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", help="The shell that is to complete.")],
) -> int:
    """Print the script that completes commands, options, recent jobs, queues and pipelines.

    bash: source <(jobctl completion bash). zsh: the same, after compinit. fish: jobctl completion fish | source.
    """
    if shell not in SCRIPTS:
        raise invalid("completion", f"{shell!r} is none of {', '.join(SCRIPTS)}")
    session_of(context).write(SCRIPTS[shell].rstrip())
    return ExitCode.COMPLETED
