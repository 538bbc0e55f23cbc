"""The errors of the system.

GreenroomError   base of every error that may be shown to a user; has a Message
├── NotFound     does not exist in this scope; the same for another tenant's object
├── Refused      the rules forbid it, now or for this user
├── Conflict     another change came first, or the state does not allow it
├── BadInput     the input is invalid; the message says what and where
├── Unavailable  a service, internal or external, cannot be reached
└── LeaseLost    another worker took over the outbox row; the handler stops silently
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from foundation.i18n.translation import Message


class GreenroomError(Exception):
    """Base of errors for users; `message` is rendered in the reader's language, `input_field` is
    the name of the input that it concerns, or ""."""

    exit_code = 1

    def __init__(self, code: str, **params: str | int) -> None:
        self.message = Message(code, params)
        self.input_field = ""
        super().__init__(str(self.message))

    def about(self, input_field: str) -> Self:
        """Name the input that the error concerns, and return the error."""
        self.input_field = input_field
        return self


class NotFound(GreenroomError):
    """The object does not exist in this scope. Another tenant's object causes the same error."""

    exit_code = 4


class Refused(GreenroomError):
    """The rules forbid the action, now or for this user."""

    exit_code = 5


class Conflict(GreenroomError):
    """Another change came first, or the current state does not allow the transition."""

    exit_code = 6


class BadInput(GreenroomError):
    """The input is invalid; the message says what is wrong and where."""

    exit_code = 2


class Unavailable(GreenroomError):
    """An internal or external service cannot be reached or lacks something."""

    exit_code = 3


class LeaseLost(GreenroomError):
    """Another worker has taken over the outbox row of this handler."""


@contextmanager
def about_input(field: str) -> Iterator[None]:
    """Name the input that errors concern, for a block that checks only this one: functions that
    parse a value do not know to which input it belongs."""
    try:
        yield
    except GreenroomError as error:
        error.about(field)
        raise
