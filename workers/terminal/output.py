"""Speaking with the person at the terminal: sentences in their language, steps with their seconds,
exit codes."""

import errno
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import ValidationError

from foundation.errors import GreenroomError
from foundation.i18n.translation import Message, render_message
from foundation.ops import settings
from foundation.ops.clock import monotonic

EXIT_INTERRUPTED = 130
EXIT_BUG = 70
"""Exit codes: Ctrl-C, and an error of our own (EX_SOFTWARE)."""

EXIT_NOT_READY = 3
"""Exit code: the installation does not run, or a part of it is not ready."""


def translate(message: Message) -> str:
    """`message` in the language of the terminal."""
    return render_message(message, settings.terminal_language())


def print_message(message: Message) -> None:
    """Print a sentence."""
    print(translate(message), flush=True)


@dataclass
class StepProgress:
    """A step under way; set `failed` for one that ended badly without an error."""

    failed: bool = False


@contextmanager
def progress_step(title: Message) -> Iterator[StepProgress]:
    """Run one step of a start: its title while it runs, its seconds when it is done."""
    found = StepProgress()
    started = monotonic()
    watched = sys.stdout.isatty()
    words = translate(title)
    if watched:
        print(f"  … {words}", end="\r", flush=True)
    try:
        yield found
    except BaseException:
        print(f"  ✗ {words}", flush=True)
        raise
    print(
        f"  {'✗' if found.failed else '✓'} {words:<60} {monotonic() - started:6.1f} s", flush=True
    )


def print_note(message: Message) -> None:
    """Print what a person should know beside the steps."""
    print(f"    {translate(message)}", flush=True)


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Turn every error into one sentence on stderr and an exit code; a bug's traceback goes to a
    file, never here."""
    try:
        yield
    except GreenroomError as error:
        _print_and_exit(error.message, error.exit_code)
    except ValidationError as error:
        first = error.errors()[0]
        variable = "GREENROOM_" + "__".join(str(part).upper() for part in first["loc"])
        _print_and_exit(
            Message("cli.setting_invalid", {"variable": variable, "detail": first["msg"]}), 2
        )
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # `greenroom logs | head`: nobody reads on
        sys.exit(0)
    except (
        Exception
    ) as error:  # a bug, or a broken machine: said once, here, with where to read more
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            _print_and_exit(
                Message("stack.disk_full", {"folder": str(settings.installation_folder())}), 3
            )
        _print_and_exit(
            Message("cli.bug", {"kind": type(error).__name__, "file": _write_crash_log(error)}),
            EXIT_BUG,
        )


def _print_and_exit(message: Message, code: int) -> None:
    print(translate(message), file=sys.stderr, flush=True)
    sys.exit(code)


def _write_crash_log(error: Exception) -> str:
    """Write the traceback of a bug beside the logs; say where."""
    path = settings.installation_folder() / "logs" / "crash.log"
    try:
        with path.open("a", encoding="utf-8") as file:
            traceback.print_exception(error, file=file)
    except OSError:
        return "-"
    return str(path)
