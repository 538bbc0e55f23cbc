"""What people send beside words, as far as a platform says what it is; nothing of it is fetched.

The contract of every connector: pure steppers that say what the next request is and what an answer
meant. A connector opens no socket and reads no clock, secret or database. It is handed the unit and
the answers so far.

The part of the contract by which accounts that hear the same messages are listened to once.
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
    """What a request does: each kind leaves under its own authority."""

    STAGE = "stage"  # carries content, nothing visible yet; may be redone
    PUBLISH = "publish"  # makes content visible; single-shot
    MUTATE = "mutate"  # replaces what is visible; the same again changes nothing
    RESTRICT = "restrict"  # takes content away
    CONTROL = "control"  # ids and amounts
    AUTH = "auth"  # tokens
    NOTICE = "notice"  # to a member


@dataclass(frozen=True)
class FileRef:
    """A body that is a stored object, by digest: the transport reads and re-hashes it just before
    it leaves."""

    sha256: str
    mime: str
    name: str = ""  # inside a multipart request
    part: tuple[int, int] | None = None
    """From which byte to before which; None for all of it. The whole is re-hashed all the same."""

    @property
    def digest_parts(self) -> list[object]:
        """What a request's digest covers of it."""
        return [
            self.sha256,
            self.mime,
            self.name,
            *([list(self.part)] if self.part is not None else []),
        ]


@dataclass(frozen=True)
class OAuthClient:
    """What somebody registered at a platform for us to sign in as: its public id and, where it has
    one, its secret."""

    client_id: str
    secret: Sealed | None = None


@dataclass(frozen=True)
class WireStep:
    """One request. `path` is relative to the account's base address; `json` and `file` exclude each
    other.

    `{account}` in `path` stands for the account's name; the transport fills it in, quoted. Every
    other part of a path that a platform or a person chose is quoted by the connector, so that no
    brace of theirs is left in it. With `files` the request is multipart/form-data: each entry of
    `json` is a field (text as it is, all else as JSON), each file a part of that name with the name
    people see; as a `form` it is the fields alone. Files that are `fetched` go out as addresses of
    ours, minted by the transport for this one step and put into the JSON under those names. `token`
    says how the credential is shown: as `bearer`, as Discord's `bot`, in the `path` where `{token}`
    stands, the `refresh` one as bearer, as a signature of the body (`signed`), or not at all. A
    sign-in step (AUTH) may hold `Sealed` values in its JSON: they are opened on the way out; its
    `client` is shown by Basic. Of the answer's JSON, the names in `secret_fields` are sealed before
    anything is stored: top-level ones, or those further in by a path with points, where a list of
    `name` and `value` counts as an object, in small letters, and any list by its places. With
    `only` all but plain texts of these names or paths is dropped, of a refusal all but the texts at
    its top; with none, no body is read. `secret_headers` are sealed under their names, in small
    letters, and dropped. `deadline` is total seconds. A step `to` a person leaves by no socket: it
    is a task with `files` to save.

    A sign-in's `host` may be the one that gives tokens (`auth`), or the account's without its path
    (`origin`); as a `query` its JSON is in the address. A file goes to an `address` that the
    platform told in an answer, without a credential, where its host is the account's or lies
    `within` one of those the connector names; sealed where whoever has it may send, plain where its
    fields say so, which may be `Sealed` themselves. Nothing else goes there but an empty request.
    An answer that is text, in JSON or without, is sealed as a whole under the name `text_as`.
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
    # how it is shown, not one
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
        """Whether people see something else after it."""
        return self.kind in (StepKind.PUBLISH, StepKind.MUTATE)

    def wire_digest(self) -> str:
        """SHA-256 of the projection of the request: method, path, headers, body or the digest of
        its file."""
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
    """What a digest covers of a value: of a sealed one, its own digest."""
    if isinstance(value, Mapping):
        return {name: _digest_value(part) for name, part in value.items()}
    return hashlib.sha256(value.box).hexdigest() if isinstance(value, Sealed) else value


@dataclass(frozen=True)
class Response:
    """The platform answered a step. `body` is parsed JSON (None if unreadable); secret fields are
    `Sealed`."""

    step: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    sealed: Mapping[str, Sealed] = field(default_factory=dict)
    started: float | None = field(default=None, compare=False, repr=False)
    """When the request left, by this process's `monotonic()`; None for an answer read back."""

    @property
    def is_success(self) -> bool:
        """2xx with a readable body."""
        return 200 <= self.status < 300 and self.body is not None


@dataclass(frozen=True)
class StepNotSent:
    """Nothing left the house."""

    step: str
    detail: str


@dataclass(frozen=True)
class StepAnswerLost:
    """It left; no usable answer came."""

    step: str
    detail: str


StepResult = Response | StepNotSent | StepAnswerLost


@dataclass(frozen=True)
class Send:
    """The next request."""

    step: WireStep


@dataclass(frozen=True)
class LookupQuery:
    """What a look-up seeks: sent first at `armed_at`, last at `sent_at`, under `reply_to`;
    `asked_at` our clock now."""

    native_key: str
    text: str
    armed_at: datetime
    account: str
    chat: str = ""
    known: frozenset[str] = frozenset()
    """Native ids of other subjects' copies: the same words twice are two posts, and one is not the
    other."""
    asked_at: datetime | None = None
    reply_to: str = ""
    title: str = ""
    flags: tuple[str, ...] = ()
    """The marks it bears: some lists leave out what is for adults."""
    media: tuple[Medium, ...] = ()
    told: tuple[StepResult, ...] = ()
    """What was answered to its uploads and to the attempt: some platforms name there what is asked
    for here."""
    sent_at: datetime | None = None
    price: Money | None = None  # what readers are asked for its media
    # `reply_to` is a post of ours and this a part under it; else it is what somebody said
    comment: bool = False
    options: tuple[PlatformOption, ...] = ()  # some of them decide in which list it stands
    # sought is whether `reply_to` was shown once more (`gate.contract.units.REPOST_KIND`)
    passed_on: bool = False


@dataclass(frozen=True)
class PlatformCopy:
    """A copy outside, to be removed or read: native id, and the chat it lies in for messages."""

    native_id: str
    account: str
    chat: str = ""


class Connector(Protocol):
    """One platform."""

    capabilities: Capabilities

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """The next request for `unit`, or what the last answer meant."""
        ...

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """The next look-up request (kind control, action look), or what was seen."""
        ...

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """The next request that takes the copy away; `Published` with its native id means proven
        gone."""
        ...

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """The next request for the numbers of a copy; metrics by name; None when they cannot be
        had."""
        ...


@runtime_checkable
class SupportsReplacement(Protocol):
    """A platform where a copy that is not deleted any more can be replaced
    (`Capabilities.replaces`)."""

    def replace(
        self, copy: PlatformCopy, unit: Unit, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """The next request (kind mutate) that puts what `unit` shows in the place of the copy, or
        what came of it.

        `Published` with its native id: nothing of the copy shows any more what it did. What was
        replaced before, or is gone, needs no second try; so a lost answer is a Retry, never a
        doubt. Rejected: some of it still shows.
        """
        ...


@runtime_checkable
class SupportsTextCount(Connector, Protocol):
    """A platform that counts characters in a way of its own, or allows fewer beside a picture."""

    def count_text(self, unit: Unit) -> tuple[int, int]:
        """How much the words of a unit count there, and the most that a unit like it may say."""
        ...


@runtime_checkable
class SupportsNativeKeys(Protocol):
    """A platform whose native keys have a form of their own."""

    def native_key_for(self, key: str, at: datetime) -> str:
        """The native key in the platform's form: the same for the same `key` and `at`
        (UTC-aware)."""
        ...


@dataclass(frozen=True)
class RenewedTokens:
    """A new pair of tokens. Without `refresh` the one that was shown stays; `lifetime` is the new
    token's, from now."""

    token: Sealed
    refresh: Sealed | None
    lifetime: timedelta | None


@dataclass(frozen=True)
class RefreshGrant:
    """What an account's new tokens are asked for with; `client` where somebody registered one."""

    account: str
    refresh: Sealed
    client: OAuthClient | None = None


@runtime_checkable
class SupportsTokenRefresh(Protocol):
    """A platform whose tokens end, and are renewed with a second one."""

    refresh_grace: timedelta
    """How long a refresh token still works after it was used; zero where it works once."""

    def refresh(
        self, grant: RefreshGrant, answers: tuple[StepResult, ...]
    ) -> Send | RenewedTokens | Outcome:
        """The next request (kind auth), the new pair, or why there is none.

        `Retry` says that the refresh token was surely not used up, `Uncertain` that it may have
        been.
        """
        ...


@dataclass(frozen=True)
class PostedLink:
    """A post of somebody's own, as its link or its number says."""

    native_id: str
    url: str = ""


@runtime_checkable
class SupportsManualPosting(Protocol):
    """A platform where a person posts what we prepared (`Capabilities.hand_over`)."""

    def save_file_step(self, key: str, medium: Medium) -> WireStep:
        """What a permit to save one file of the task `key` is bound to."""
        ...

    def parse_post_link(self, surface: str, pasted: str) -> PostedLink | None:
        """What a pasted link, or a post's number, names there; None when it is no such thing.
        Nothing is fetched."""
        ...
