"""Comments: those under an account's posts, and posts of other users that mention the account.

A reply is an ordinary unit that refers to the comment (`gate.contract.units.Unit.under`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Literal, Protocol, runtime_checkable

from connectors.contract.connector import Connector, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome

COMMENTS_ACTION = "remarks"
MODERATE_ACTION = "moderate"
"""Action and step name of a moderation request. `COMMENTS_ACTION` is that of a request that reads
comments."""

OWN_COMMENT_PREFIX = "comment:"
"""Prefix of the native ID of our replies, on platforms whose posts and comments have the same form
of ID."""

ModerationAction = Literal["like", "unlike", "hide", "show", "delete", "block", "report"]
"""The actions for a comment: like or unlike it, hide or show it, delete it, block its author, or
report it. Each is idempotent. `Capabilities.moderates` lists those that a platform allows programs
to perform for a user."""

MAX_COMMENT_LENGTH = 10_000
"""Number of stored characters of a comment, more than any platform allows."""

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Comment:
    """A comment or mention. `native_id` and `author` are the platform's IDs of the comment and its
    author.

    `under` is the native ID of the commented post, or "" for a mention elsewhere or if unknown.
    `handle` is the author's name as used in texts.
    """

    native_id: str
    author: str
    handle: str
    text: str
    under: str = ""
    url: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class CommentPage:
    """The comments that one read found, oldest first, and the cursor of the next read. A comment
    may occur twice."""

    found: tuple[Comment, ...]
    cursor: str
    more: bool = False
    """True if the read stopped early and the next one continues."""


@dataclass(frozen=True)
class CommentTarget:
    """A comment to be moderated, and the account that does it."""

    native_id: str
    author: str
    account: str
    destination: str = ""


@runtime_checkable
class SupportsComments(Connector, Protocol):
    """A platform that lists the comments under an account's posts."""

    def list_comments(
        self, account: str, destination: str, cursor: str, answers: tuple[StepResult, ...]
    ) -> Send | CommentPage | None:
        """Return the next request (kind control, action updates), or the comments since `cursor`.
        Return None if they cannot be read.

        `cursor` is "" at first. The account's own comments are omitted. If there are too many for
        one read, the oldest are returned and the next read continues from them.
        """
        ...

    def moderate_comment(
        self, spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Return the next request (kind control, action moderate), or the outcome.

        `Published` with the comment's native ID means that the comment is in the requested state.
        The action is idempotent, so a lost answer is a Retry, never Uncertain.
        """
        ...


def thread_comment_id(native_id: str) -> str:
    """Return the ID of the top-level comment from an ID `top/reply`, on platforms without nested
    replies."""
    return native_id.partition("/")[0]


def own_comment_id(native_id: str) -> str:
    """Return the platform's ID of a comment or of our reply."""
    return native_id.removeprefix(OWN_COMMENT_PREFIX).rpartition("/")[2]


def is_own_reply(native_id: str) -> bool:
    """Return True if a copy is our reply to a comment and not a post."""
    return native_id.startswith(OWN_COMMENT_PREFIX)


def comments_request(
    path: str, *, name: str = COMMENTS_ACTION, headers: Mapping[str, str] = NO_HEADERS
) -> Send:
    """Return the request that reads `path` with the account's token."""
    return Send(WireStep(name, StepKind.CONTROL, "GET", path, headers=headers, action="updates"))


def moderation_request(
    method: str, path: str, json: Mapping[str, object] | None = None, *, name: str = MODERATE_ACTION
) -> Send:
    """Return the request of a moderation action. It contains only IDs."""
    return Send(WireStep(name, StepKind.CONTROL, method, path, json, action=MODERATE_ACTION))
