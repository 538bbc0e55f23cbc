"""The basic contract of every connector: pure functions that return the next request, or the
meaning of the last response.

A connector opens no socket and reads no clock, secret or database. It receives the unit and all
answers so far, and is called again after each answer.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, Protocol, runtime_checkable

from connectors.contract.capabilities import Capabilities
from connectors.contract.outcomes import LookupResult, Outcome
from foundation.canonical_json import canonical_json
from foundation.money import Money
from foundation.sealed import Sealed
from gate.contract.units import Medium, PlatformOption, Unit


class StepKind(StrEnum):
    """The effect of a request. Each kind needs a different authorization."""

    STAGE = "stage"  # transfers content that is not visible yet; may be repeated
    PUBLISH = "publish"  # makes content visible; sent only once
    MUTATE = "mutate"  # replaces visible content; idempotent
    RESTRICT = "restrict"  # removes content
    CONTROL = "control"  # only IDs and amounts
    AUTH = "auth"  # tokens
    NOTICE = "notice"  # a message to a member


@dataclass(frozen=True)
class FileRef:
    """A stored object as a request body. The transport reads it and checks its digest just before
    sending."""

    sha256: str
    mime: str
    name: str = ""  # in a multipart request
    part: tuple[int, int] | None = None
    """Range of bytes, end exclusive; None for the whole file. The digest of the whole file is
    checked in any case."""

    @property
    def digest_parts(self) -> list[object]:
        """Return the values that the request's digest covers."""
        return [
            self.sha256,
            self.mime,
            self.name,
            *([list(self.part)] if self.part is not None else []),
        ]


@dataclass(frozen=True)
class OAuthClient:
    """An application registered at a platform: its public ID and its secret, if it has one."""

    client_id: str
    secret: Sealed | None = None


@dataclass(frozen=True)
class WireStep:
    """One request to a platform, or one task of a member.

    `path` is relative to the account's base URL. The transport replaces `{account}` with the quoted
    account name. The connector quotes every other part that a platform or a user chose, so that it
    contains no braces.

    `json` and `file` exclude each other. With `files` the request is multipart/form-data: each
    entry of `json` is a field (text unchanged, other values as JSON), and each file a part of that
    name. With `encoding` `form` the fields are sent alone; with `query` they are in the URL, for
    sign-in steps. Files in `fetched` are sent as temporary URLs, which the transport creates for
    this step and inserts into the JSON under those names. `deadline` is the total time in seconds.

    `token` is the form of the credential: `bearer`, `bot` (Discord), `path` (replaces `{token}`),
    `refresh` (the refresh token as bearer), `signed` (a signature of the body) or `none`. A sign-in
    step (AUTH) may contain `Sealed` values in its JSON, which are opened when it is sent; its
    `client` authenticates with Basic. Its `host` may be the token server (`auth`) or the account's
    server without a path (`origin`).

    Values of `secret_fields` are sealed before the response is stored. They name top-level fields,
    or nested ones by a path with points; a list of `name` and `value` pairs counts as an object
    with lower-case names, and other lists are addressed by index. `secret_headers` are sealed under
    their lower-case names and removed. With `only`, the response is reduced to the plain texts of
    these names or paths, and an error to its top-level texts; an empty `only` discards the body.
    With `text_as`, a text response, JSON or not, is sealed as a whole under that name.

    An `address` is an upload URL from a response, to which only files and empty requests are sent,
    without a credential. Its host must be the account's or in a domain of `within`. It is sealed if
    the URL alone permits uploads, and plain if the form fields contain the authorization; these
    fields may be `Sealed`.

    A step `to` a person opens no connection: it is a task with `files` to save.
    """

    name: str
    kind: StepKind
    method: str
    path: str
    json: Mapping[str, Any] | None = None
    file: FileRef | None = None
    files: Mapping[str, FileRef] = field(default_factory=dict)
    fetched: Mapping[str, FileRef] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    # form of the credential, not the credential
    token: Literal["bearer", "bot", "path", "refresh", "signed", "none"] = "bearer"
    action: str = ""
    secret_fields: tuple[str, ...] = ()
    secret_headers: tuple[str, ...] = ()
    only: tuple[str, ...] | None = None
    deadline: float = 30.0
    to: Literal["network", "person"] = "network"
    encoding: Literal["json", "form", "query"] = "json"
    client: OAuthClient | None = None
    host: Literal["account", "auth", "origin"] = "account"
    address: Sealed | str = ""
    within: tuple[str, ...] = ()
    text_as: str = ""

    @property
    def has_content(self) -> bool:
        """Return True if the request changes visible content."""
        return self.kind in (StepKind.PUBLISH, StepKind.MUTATE)

    def wire_digest(self) -> str:
        """Return the SHA-256 of the request: its method, path and headers, and its body or the
        digests of its files."""
        body: object = self.json
        if self.file is not None:
            body = self.file.sha256 if self.file.part is None else self.file.digest_parts
        projection: list[object] = [
            self.method,
            self.path,
            dict(self.headers),
            _digest_value(body),
            str(self.kind),
        ]
        if self.files:
            projection.append({part: file.digest_parts for part, file in self.files.items()})
        if self.fetched:
            projection.append(
                {name: [file.sha256, file.mime] for name, file in self.fetched.items()}
            )
        projection += [
            told for told, usual in ((self.to, "network"), (self.encoding, "json")) if told != usual
        ]
        if self.address:
            projection.append(_digest_value(self.address))
        return hashlib.sha256(canonical_json(projection)).hexdigest()


def _digest_value(value: Any) -> Any:
    """Return the form of a value that the digest covers. A sealed value is replaced by the digest
    of its ciphertext."""
    if isinstance(value, Mapping):
        return {name: _digest_value(part) for name, part in value.items()}
    return hashlib.sha256(value.box).hexdigest() if isinstance(value, Sealed) else value


@dataclass(frozen=True)
class Response:
    """A platform's response to a step. `body` is parsed JSON, or None if unreadable; secret fields
    are `Sealed`."""

    step: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    sealed: Mapping[str, Sealed] = field(default_factory=dict)
    started: float | None = field(default=None, compare=False, repr=False)
    """The `monotonic()` time of this process at which the request was sent; None for a stored
    response."""

    @property
    def is_success(self) -> bool:
        """Return True for status 2xx with a readable body."""
        return 200 <= self.status < 300 and self.body is not None


@dataclass(frozen=True)
class StepNotSent:
    """The request was not sent."""

    step: str
    detail: str


@dataclass(frozen=True)
class StepAnswerLost:
    """The request was sent, but no usable response arrived."""

    step: str
    detail: str


StepResult = Response | StepNotSent | StepAnswerLost


@dataclass(frozen=True)
class Send:
    """The next request to send."""

    step: WireStep


@dataclass(frozen=True)
class LookupQuery:
    """The post that a look-up searches for. It was prepared at `armed_at` and last sent at
    `sent_at`, as a reply to `reply_to`; `asked_at` is the current time. All times are UTC-aware."""

    native_key: str
    text: str
    armed_at: datetime
    account: str
    chat: str = ""
    known: frozenset[str] = frozenset()
    """Native IDs of other subjects' copies, which must not be mistaken for this one if the texts
    are equal."""
    asked_at: datetime | None = None
    reply_to: str = ""
    title: str = ""
    flags: tuple[str, ...] = ()
    """The content flags of the post; some lists omit adult posts."""
    media: tuple[Medium, ...] = ()
    told: tuple[StepResult, ...] = ()
    """Responses to the uploads and to the attempt. Some contain an ID that the look-up needs."""
    sent_at: datetime | None = None
    price: Money | None = None  # the price of its locked media
    # True if the post is a part of a thread under our post `reply_to`; else `reply_to` is a comment
    # by another user.
    comment: bool = False
    options: tuple[PlatformOption, ...] = ()  # some determine the list in which the post appears
    # True if the look-up searches for a repost of `reply_to` (`gate.contract.units.REPOST_KIND`).
    passed_on: bool = False


@dataclass(frozen=True)
class PlatformCopy:
    """A published copy to be removed or read: its native ID and, for messages, the chat."""

    native_id: str
    account: str
    chat: str = ""


class Connector(Protocol):
    """The operations that every platform supports."""

    capabilities: Capabilities

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Return the next request for `unit`, or the outcome after the last answer."""
        ...

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Return the next look-up request (kind control, action look), or the result."""
        ...

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Return the next request that removes the copy, or the outcome. `Published` with its
        native ID means that the removal is confirmed."""
        ...

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return the next request, or the metrics of a copy by name. Return None if they are
        unavailable."""
        ...


@runtime_checkable
class SupportsReplacement(Protocol):
    """A platform where a copy that can no longer be deleted can be replaced
    (`Capabilities.replaces`)."""

    def replace(
        self, copy: PlatformCopy, unit: Unit, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Return the next request (kind mutate) that replaces the copy's content with that of
        `unit`, or the outcome.

        `Published` with its native ID means that no old content is visible any more. The request is
        idempotent, and a copy that is already replaced or deleted needs no retry, so a lost answer
        is a Retry, never Uncertain. Rejected means that some old content is still visible.
        """
        ...


@runtime_checkable
class SupportsTextCount(Connector, Protocol):
    """A platform with a different character count, or a lower limit for posts with pictures."""

    def count_text(self, unit: Unit) -> tuple[int, int]:
        """Return the length of the unit's text as the platform counts it, and the maximum for such
        a unit."""
        ...


@runtime_checkable
class SupportsNativeKeys(Protocol):
    """A platform with a special format of native keys."""

    def native_key_for(self, key: str, at: datetime) -> str:
        """Return the native key in the platform's format. It is the same for the same `key` and
        `at` (UTC-aware)."""
        ...


@dataclass(frozen=True)
class RenewedTokens:
    """New tokens of an account. If `refresh` is None, the old one remains valid. `lifetime` is that
    of `token`, from now."""

    token: Sealed
    refresh: Sealed | None
    lifetime: timedelta | None


@dataclass(frozen=True)
class RefreshGrant:
    """The credentials for new tokens of an account; `client` is None if no application is
    registered."""

    account: str
    refresh: Sealed
    client: OAuthClient | None = None


@runtime_checkable
class SupportsTokenRefresh(Protocol):
    """A platform whose tokens expire and are renewed with a refresh token."""

    refresh_grace: timedelta
    """Time for which a used refresh token still works; zero if it works only once."""

    def refresh(
        self, grant: RefreshGrant, answers: tuple[StepResult, ...]
    ) -> Send | RenewedTokens | Outcome:
        """Return the next request (kind auth), the new tokens, or the failure.

        `Retry` means that the refresh token was certainly not used, `Uncertain` that it may have
        been.
        """
        ...


@dataclass(frozen=True)
class PostedLink:
    """A manually published post, identified by its link or number."""

    native_id: str
    url: str = ""


@runtime_checkable
class SupportsManualPosting(Protocol):
    """A platform where a member posts the prepared content manually (`Capabilities.hand_over`)."""

    def save_file_step(self, key: str, medium: Medium) -> WireStep:
        """Return the step to which the permit for saving a file of the task `key` is bound."""
        ...

    def parse_post_link(self, surface: str, pasted: str) -> PostedLink | None:
        """Return the post named by a pasted link or number, or None if it is invalid. Sends no
        request."""
        ...
