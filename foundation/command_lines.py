"""Commands as they must be typed on this installation, for every text that shows one."""

import shlex
import shutil
import sys
from pathlib import Path

PROGRAM = "greenroom"

JOIN_COMMAND = f"{PROGRAM} worker --join"
"""The command that a remote worker's machine runs: another installation, whose kind is unknown."""

_IN_CONTAINERS = {
    "up": "docker compose up --detach --wait",
    "down": "docker compose down",
    "logs": "docker compose logs",
}
"""Commands of the supervisor, which the container engine replaces."""


class _Deployment:
    """True if each process runs in a container of its own; `foundation/ops/settings` sets it."""

    in_containers = False


def use_containers(*, in_containers: bool) -> None:
    """Show the commands of an installation in containers, or those of one on a machine."""
    _Deployment.in_containers = in_containers


def is_command(text: str) -> bool:
    """Return True if the text is a command of the program, such as `greenroom up`."""
    return text.split(" ", 1)[0] == PROGRAM


def command_line(command: str) -> str:
    """Return a command such as `greenroom gate resume` as it must be typed: with its path if the
    program is not on PATH, and through Docker Compose in containers."""
    typed = command.removeprefix(PROGRAM).strip()
    name, _, arguments = typed.partition(" ")
    if not _Deployment.in_containers:
        return f"{_program_path()} {typed}"
    if name in _IN_CONTAINERS:
        return f"{_IN_CONTAINERS[name]} {arguments}".rstrip()
    return f"docker compose exec make {PROGRAM} {typed}"


def _program_path() -> str:
    """Return the program that belongs to this Python: its name if a shell finds it, otherwise its
    path, relative to the working directory where possible."""
    own = Path(sys.executable).with_name(PROGRAM)
    found = shutil.which(PROGRAM)
    if not own.exists() or (found is not None and Path(found).samefile(own)):
        return PROGRAM
    here = Path.cwd()
    return shlex.quote(str(own.relative_to(here) if own.is_relative_to(here) else own))
