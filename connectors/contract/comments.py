"""The part of the contract by which an account hears what people say under its posts and about it,
and acts on it.

A remark is a comment under a post of ours, or a post of somebody's that names us. It is answered
like anything else that leaves: by a unit, which points at it (`gate.contract.units.Unit.under`).
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
"""Names of the steps."""

OWN_COMMENT_PREFIX = "comment:"
"""How the native id of an answer of ours begins where posts and comments are numbered alike."""

ModerationAction = Literal["like", "unlike", "hide", "show", "delete", "block", "report"]
"""What may be done with a remark: liked and no more, out of everybody's sight and back, gone, its
author kept away, told to the platform. Each done twice is done once; `Capabilities.moderates` says
which a platform allows to a program that acts where a person pressed."""

MAX_COMMENT_LENGTH = 10_000
"""Characters of a remark that are kept: more than any platform takes."""

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Comment:
    """What somebody said. `native_id` and `author` are the platform's ids, of what was said and of
    who said it.

    `under` is the native id of our post, as its copy is known by, where it stands under one; ""
    where it names us elsewhere, or where nobody tells. `handle` is what people call the author
    there, as a text names them.
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
    """What one reading found, oldest first, and where the next one begins. The same remark twice is
    one."""

    found: tuple[Comment, ...]
    cursor: str
    more: bool = False
    """Whether it stopped before the end: some was left for the next reading."""


@dataclass(frozen=True)
class CommentTarget:
    """A remark to be acted on, and the account that acts."""

    native_id: str
    author: str
    account: str
    destination: str = ""


@runtime_checkable
class SupportsComments(Connector, Protocol):
    """A platform that tells what people say under an account's posts."""

    def list_comments(
        self, account: str, destination: str, cursor: str, answers: tuple[StepResult, ...]
    ) -> Send | CommentPage | None:
        """The next request (kind control, action updates), what was said since `cursor`, or None
        where nobody tells.

        `cursor` is "" at first. What the account itself said is not among it. A reading that found
        more than it may take gives the oldest of it, so that the next one goes on there.
        """
        ...

    def moderate_comment(
        self, spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """The next request (kind control, action moderate), or what came of it: `Published` with
        the remark's native id means that it is so now, as it may have been before. A lost answer is
        a Retry, never a doubt."""
        ...


def thread_comment_id(native_id: str) -> str:
    """Of a comment called `top/own`, the one under which its answers stand: where replies have no
    replies."""
    return native_id.partition("/")[0]


def own_comment_id(native_id: str) -> str:
    """What the platform calls a comment, or an answer of ours."""
    return native_id.removeprefix(OWN_COMMENT_PREFIX).rpartition("/")[2]


def is_own_reply(native_id: str) -> bool:
    """Whether a copy is an answer of ours, and no post."""
    return native_id.startswith(OWN_COMMENT_PREFIX)


def comments_request(
    path: str, *, name: str = COMMENTS_ACTION, headers: Mapping[str, str] = NO_HEADERS
) -> Send:
    """The request for what stands at `path`, with the account's own token."""
    return Send(WireStep(name, StepKind.CONTROL, "GET", path, headers=headers, action="updates"))


def moderation_request(
    method: str, path: str, json: Mapping[str, object] | None = None, *, name: str = MODERATE_ACTION
) -> Send:
    """The request that acts on a remark: ids alone."""
    return Send(WireStep(name, StepKind.CONTROL, method, path, json, action=MODERATE_ACTION))
