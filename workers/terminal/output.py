"""Messages to the terminal, in its language: results on stdout, progress and errors on stderr."""

import errno
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import ValidationError

from foundation.errors import BadInput, GreenroomError
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ops import settings
from foundation.ops.clock import monotonic
from workers.terminal.exit_codes import ExitCode

STEP_TITLE_WIDTH = 60
"""Width of a step's title in characters, so that the durations of all steps are aligned."""


class _Language:
    """The language that `--language` chose for the running command, or empty for the terminal's
    language."""

    chosen = ""


def resolve_language(language: str) -> str:
    """Return the requested language, or that of the terminal if none is requested.

    Raises BadInput for a language without a catalogue.
    """
    if language and language not in LANGUAGES:
        raise BadInput("cli.story.language", language=language[:20])
    return language or terminal_language()


def use_language(language: str) -> None:
    """Print all further output in this language, errors included. An empty value restores the
    language of the terminal. Raises BadInput."""
    _Language.chosen = resolve_language(language) if language else ""


def terminal_language() -> str:
    """Return the language of the output: that of `use_language`, else that of the locale."""
    return _Language.chosen or settings.terminal_language()


def translate(message: Message) -> str:
    """Return a message in the language of the output."""
    return render_message(message, terminal_language())


def print_message(message: Message, *, indent: int = 0) -> None:
    """Print a result to stdout."""
    print(" " * indent + translate(message), flush=True)


def print_progress(message: Message, *, indent: int = 0) -> None:
    """Print progress or a diagnostic to stderr."""
    _print_diagnostic(" " * indent + translate(message))


def print_note(message: Message) -> None:
    """Print a diagnostic below the step that it belongs to, to stderr."""
    print_progress(message, indent=4)


@dataclass
class StepProgress:
    """A step in progress; `failed` marks one that failed without an error."""

    failed: bool = False


@contextmanager
def progress_step(title: Message) -> Iterator[StepProgress]:
    """Show a step on stderr: its title while the block runs, its duration in seconds at the end."""
    found = StepProgress()
    started = monotonic()
    text = translate(title)
    if sys.stderr.isatty():
        _print_diagnostic(f"  … {text}", end="\r")
    try:
        yield found
    except BaseException:
        _print_diagnostic(f"  ✗ {text}")
        raise
    seconds = monotonic() - started
    mark = "✗" if found.failed else "✓"
    _print_diagnostic(f"  {mark} {text:<{STEP_TITLE_WIDTH}} {seconds:6.1f} s")


def _print_diagnostic(text: str, *, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Turn every error into one sentence on stderr and an exit code.

    The traceback of an unexpected error is written to `logs/crash.log`.
    """
    try:
        yield
    except GreenroomError as error:
        _print_and_exit(error.message, error.exit_code)
    except ValidationError as error:
        first = error.errors()[0]
        variable = "GREENROOM_" + "__".join(str(part).upper() for part in first["loc"])
        _print_and_exit(
            Message("cli.setting_invalid", {"variable": variable, "detail": first["msg"]}),
            ExitCode.USAGE,
        )
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # `greenroom logs | head` closes the pipe early; Python would warn about it at exit.
        sys.stderr.close()
        sys.exit(ExitCode.OK)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            _print_and_exit(
                Message("stack.disk_full", {"folder": str(settings.installation_folder())}),
                ExitCode.UNAVAILABLE,
            )
        _print_and_exit(
            Message("cli.bug", {"kind": type(error).__name__, "file": _write_crash_log(error)}),
            ExitCode.BUG,
        )


def _print_and_exit(message: Message, code: int) -> None:
    print_progress(message)
    sys.exit(code)


def _write_crash_log(error: Exception) -> str:
    """Append the traceback to `logs/crash.log` and return its path, or a dash if that fails."""
    path = settings.installation_folder() / "logs" / "crash.log"
    try:
        with path.open("a", encoding="utf-8") as file:
            traceback.print_exception(error, file=file)
    except OSError:
        return "-"
    return str(path)
