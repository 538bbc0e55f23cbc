"""Exit codes of the command line, defined here alone: `greenroom --help` lists them.

Imports nothing of Greenroom, so that `greenroom --help` stays fast. The codes 1 to 6 are those of
`foundation.errors`.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """The status with which a command ends."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNAVAILABLE = 3
    NOT_FOUND = 4
    REFUSED = 5
    CONFLICT = 6
    BUG = 70
    """EX_SOFTWARE of sysexits.h."""
    INTERRUPTED = 130
    """128 + SIGINT, as shells report it."""


EXIT_CODE_MEANINGS: dict[ExitCode, str] = {
    ExitCode.OK: "Success",
    ExitCode.FAILED: "The command ran, and found a problem or did not finish",
    ExitCode.USAGE: "Invalid argument, option, file or setting",
    ExitCode.UNAVAILABLE: "Greenroom or a service is not running or not ready",
    ExitCode.NOT_FOUND: "The named object does not exist",
    ExitCode.REFUSED: "Not allowed by a rule or by the member’s role",
    ExitCode.CONFLICT: "The current state does not allow it, or another run is active",
    ExitCode.BUG: "Unexpected error; see logs/crash.log",
    ExitCode.INTERRUPTED: "Interrupted with Ctrl-C",
}


def exit_codes_help() -> str:
    """Return the list of exit codes for the end of `greenroom --help`."""
    lines = [f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODE_MEANINGS.items()]
    return "\n".join(["\b", "Exit codes:", *lines])
