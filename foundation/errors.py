"""The errors of the house.

GreenroomError            every error a person may be told of; carries a Message
├── NotFound              no such thing in this scope; another tenant's looks the same
├── Refused               the rules forbid it, now or for this person
├── Conflict              somebody else was faster, or the state does not allow it
├── BadInput              what came in cannot be used; says what and where
├── Unavailable           a part of the house or of the outside cannot be reached
└── LeaseLost             an outbox row went to another worker; the handler stops quietly
"""

from foundation.i18n.translation import Message


class GreenroomError(Exception):
    """An error with a sentence for people: `message` is rendered at the edge in the reader's
    language."""

    exit_code = 1

    def __init__(self, code: str, **params: str | int) -> None:
        self.message = Message(code, params)
        super().__init__(str(self.message))


class NotFound(GreenroomError):
    """No such thing in this scope; another tenant's thing looks just the same."""

    exit_code = 4


class Refused(GreenroomError):
    """The rules forbid it, now or for this person."""

    exit_code = 5


class Conflict(GreenroomError):
    """Somebody else was faster, or the present state does not allow the move."""

    exit_code = 6


class BadInput(GreenroomError):
    """What came in cannot be used; the message says what is wrong and where."""

    exit_code = 2


class Unavailable(GreenroomError):
    """A part of the house, or of the outside, cannot be reached or lacks something."""

    exit_code = 3


class LeaseLost(GreenroomError):
    """The outbox row this handler worked for belongs to another worker by now."""
