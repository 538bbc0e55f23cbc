"""Empty states: beside the sentence that explains them, the button of the first thing to do.

The template `shell/templates/empty.html` draws both from the message code of the sentence.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from tenants.agencies.rights import Right, Role, has_right

_READER: ContextVar[Role | None] = ContextVar("reader", default=None)
"""Role of the member for whom the page, fragment or dialog is drawn."""


@dataclass(frozen=True)
class EmptyAction:
    """The page to open, the message code of the button, and the right that the page needs."""

    href: str
    label: str
    right: Right


_CONNECT = EmptyAction("/channels", "home.step.account", Right.RUN)
_WRITE = EmptyAction("/calendar?new=1", "home.no_posts_act", Right.RUN)

EMPTY_ACTIONS: Mapping[str, EmptyAction] = {
    "dashboard.no_creators": EmptyAction("/creators", "home.step.creator", Right.STAFF),
    "queue.no_account": _CONNECT,
    "compose.no_accounts": _CONNECT,
    "aside.none": _WRITE,
    "calendar.empty": _WRITE,
    "compose.no_pictures": EmptyAction("/studio", "home.to.studio", Right.RUN),
}
"""The action of each empty state, by the message code of its sentence. An empty state whose form is
on the same page has none."""


def set_reader(role: Role) -> None:
    """Set the role of the member for whom the page is drawn."""
    _READER.set(role)


def empty_action(code: str) -> EmptyAction | None:
    """Return the action of an empty state, or None if there is none or the member may not do it."""
    found = EMPTY_ACTIONS.get(code)
    role = _READER.get()
    if found is None or role is None or not has_right(role, found.right):
        return None
    return found
