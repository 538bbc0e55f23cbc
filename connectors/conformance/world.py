"""The world of a connector: a fake platform over real HTTP, an account on it, and the fake's record
of all requests.

The author of a connector builds one `ConnectorWorld` on a fake of their platform, and
`connectors.conformance.rules` tests the connector in it. The permits are signed by a key that is
generated in each process and that no installation trusts.
"""

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Protocol
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from connectors.conformance.fake_servers import AdjustableClock
from connectors.contract.connector import Connector, RefreshGrant, StepKind, WireStep
from connectors.transport.permit_record import MemoryPermitRecord
from connectors.transport.transport import AccountTarget, MakeMediaUrl, Transport
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.money import Money
from foundation.sealed import Sealed
from gate.contract.permit import PERMIT_TTL, Permit, sign_permit
from gate.contract.units import Medium, Rating, Subject, Text, Unit

SIGNING_KEY = Ed25519PrivateKey.generate()


def conformance_permit(
    unit: Unit, step: WireStep, now: datetime, points_at: tuple[str, ...] = ()
) -> Permit:
    """Return a permit for exactly this step, like those of the gate."""
    unsigned = Permit(
        jti=uuid7(),
        tenant_id=unit.tenant_id,
        channel_id=unit.channel_id,
        account=unit.account,
        surface=unit.surface,
        subject=unit.subject,
        step=step.name,
        unit_digest=unit.digest(),
        wire_digest=step.wire_digest(),
        viewer=unit.viewer,
        flags=unit.flags,
        points_at=points_at,
        rating=Rating.G,
        bundle="suite",
        minted_at=now,
        expires_at=now + PERMIT_TTL,
        price=unit.price,
    )
    return sign_permit(unsigned, SIGNING_KEY)


TEST_TENANT = uuid7()
TEST_CREATOR = uuid7()
TEST_OBJECTS: dict[str, bytes] = {}
"""The stored objects by digest: the pictures of every world."""
_numbers = count(1)


def stored_picture(data: bytes, mime: str, alt: str) -> Medium:
    """Store a picture and return it as a medium for units of a world (`ConnectorWorld.media`)."""
    digest = hashlib.sha256(data).hexdigest()
    TEST_OBJECTS[digest] = data
    return Medium(digest, mime, len(data), alt=alt, ai="generated")


def _draw_picture(kind: str, shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (shade, 90, 90)).save(out, kind)
    return out.getvalue()


def pictures(kind: str) -> tuple[Medium, ...]:
    """Return two small pictures marked as AI-generated; `kind` is `PNG` or `JPEG`."""
    shades = enumerate((40, 200))
    return tuple(
        stored_picture(_draw_picture(kind, shade), f"image/{kind.lower()}", f"picture {place}")
        for place, shade in shades
    )


TEST_PICTURES = pictures("PNG")


def reveal_token(tenant_id: UUID, sealed: Sealed) -> str:
    """Return the token in a `Sealed` of the suite, which is not encrypted."""
    return sealed.box.decode()


def seal_token(tenant_id: UUID, secret: str) -> Sealed:
    """Return the token as a `Sealed`, without encryption."""
    return Sealed(secret.encode())


def conformance_transport(http: HttpClient, lend: MakeMediaUrl | None = None) -> Transport:
    """Return the real transport, with the suite's key and stored pictures."""
    return Transport(
        http=http,
        reveal=reveal_token,
        seal=seal_token,
        read_object=lambda tenant_id, sha256: TEST_OBJECTS[sha256],
        verify_key=SIGNING_KEY.public_key(),
        record=MemoryPermitRecord(now=None),
        lend=lend,
    )


class FakePlatform(Protocol):
    """The interface of a fake platform, through which the rules verify what it received."""

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        """Fail the next request of kind `on` in the given mode
        (`foundation/ops/fault_injection.py`)."""
        ...

    def accepted_posts(self) -> list[tuple[str, str]]:
        """Return the native ID and the text of every post ever accepted, including duplicates and
        deleted posts."""
        ...

    def live_post_ids(self) -> set[str]:
        """Return the native IDs of the existing posts."""
        ...

    def requests(self) -> list[Mapping[str, Any]]:
        """Return the log of this account's requests."""
        ...


def tells_adult_and_ai(wire: Mapping[str, Any]) -> bool:
    """Return True if a request has both content flags in the form of our own networks."""
    return (
        wire.get("flags", wire.get("rating_flags")) == ["adult=true", "ai=true"]
        and wire.get("ai") is True
    )


HANGING = frozenset({"hang", "accept_then_hang", "drip"})
KINDS = {
    "files": StepKind.STAGE,
    "posts": StepKind.PUBLISH,
    "messages": StepKind.PUBLISH,
    "passes": StepKind.PUBLISH,
    "edits": StepKind.MUTATE,
    "deletes": StepKind.RESTRICT,
}
"""The step kinds of the fake's kinds of requests. All other kinds are control steps."""


@dataclass(frozen=True)
class WorldRoles:
    """A role that the account can assign to `member`, who has joined, but not to `stranger`.

    `borne` returns True if the member has the role; `on` is the fake's kind of request that assigns
    it.
    """

    role: str
    member: str
    stranger: str
    borne: Callable[[], bool]
    on: str = "roles"


@dataclass(frozen=True)
class WorldWebhook:
    """A platform with webhooks. `stands` returns its address and secret (both "" if none is set);
    `call` sends a message from a reader and returns the JSON of the call."""

    stands: Callable[[], tuple[str, str]]
    call: Callable[[str], object]


@dataclass(frozen=True)
class SignedCall:
    """A call about an account: its signature header, body and secret."""

    header: str
    body: bytes
    secret: str


@dataclass(kw_only=True)
class ConnectorWorld:
    """One connector with one kind of account. Each rule gets a new one. `surface` begins with the
    platform's name."""

    connector: Connector
    account: AccountTarget
    fake: FakePlatform
    surface: str
    transport: Transport
    clock: AdjustableClock
    """The fake's clock, which the suite advances instead of waiting."""
    name: str = ""
    viewer: str = ""
    can_look: bool = True
    earlier: frozenset[str] = frozenset()
    """Native IDs of earlier posts of the account that are known here."""
    tells_files: bool = True
    """True if posts without text can be distinguished by their media."""
    lags: bool = True
    """True if the look-ups of the fake can lag."""
    destination: str = ""
    counts: str = "views"
    """Name of a metric of a copy; "" if the platform has none."""
    followers: Callable[[int], None] | None = None
    """Sets the number of followers. It is None if the platform does not report that number."""
    followers_on: str = "metrics"
    """The fake's kind of the request that reads the number of followers."""
    remark: Callable[[str, str], str] | None = None
    """Adds a comment of another user (text, native ID of the post) and returns its ID as in
    `connectors.contract.comments.Comment`. None if the platform has no comments."""
    address: Callable[[str], str] | None = None
    """Returns the URL of a copy by its native ID; None if copies have no URL, such as messages."""
    elsewhere: tuple[str, ...] = ()
    """URLs on the platform that are not posts of the account, for example a profile or another
    account's post."""
    named_as: Callable[[str], str] = str
    """Returns the current native ID of a copy, if the platform changes the first one."""
    named_on: str = "lookups"
    """The fake's kind of the request that resolves a URL; "" if posts cannot be queried."""
    watched_on: str = ""
    """The fake's kind of the request that checks presence; `named_on` if empty."""
    take_down: Callable[[str], None] | None = None
    """Deletes a copy externally; None if the account's removal is used instead."""
    answers: bool = True
    """True if the platform allows replies to comments."""
    passed_on: Callable[[str], bool] | None = None
    """Returns True if a post was crossposted; None if crossposts are unsupported. The fake's kind
    of the crosspost request is `passes`."""
    closes: Callable[[str], None] | None = None
    """Closes a post for comments; None if unsupported."""

    remarks_on: str = "remarks"
    """The fake's kind of the request that lists comments."""
    stands_under: Callable[[str], str] = field(default=lambda native_id: "")
    """Returns the native ID of the parent of a reply."""
    remark_is: Callable[[str], Set[str]] = field(default=lambda native_id: frozenset())
    """Returns the states of a comment on the fake: liked, unliked, shown, hidden, deleted, blocked
    (its author) or reported."""
    grants: Callable[[], RefreshGrant] | None = None
    """Returns credentials for a token refresh, different each time; None if the fake issues none.
    """
    grants_on: str = "tokens"
    """The fake's kind of the request that refreshes tokens."""
    hooks: WorldWebhook | None = None
    """The platform's webhook; None if unsupported."""
    calls: Callable[[], SignedCall] | None = None
    """Triggers an event and returns its signed call; None if unsupported."""
    roles: WorldRoles | None = None
    """A role to assign; None if unsupported."""
    earned: Callable[[int], None] | None = None
    """Adds a payment in minor units; None if the platform does not report earnings."""
    priced: Callable[[str], int | None] = field(default=lambda native_id: None)
    """Returns the price of a copy in minor units, or None if it is free."""
    earned_on: str = "other"
    """The fake's kind of the request that reads earnings."""
    moved: Callable[[int], str] | None = None
    """Adds a payment in minor units and returns the ID of the charge; None if the platform lists no
    movements."""
    moved_on: str = "lookups"
    """The fake's kind of the request that lists movements."""
    price: Money | None = None
    """The price of every unit of this world."""
    bought: Callable[[str], None] | None = None
    """Marks the message with this native ID as bought; None if the platform sells nothing."""
    chooses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The accepted values by option, for options of which this account does not accept all declared
    values."""
    beside: Callable[[Unit, str], Unit] = field(default=lambda unit, option: unit)
    """Adds to a unit whatever the named option requires."""
    flags: tuple[str, ...] = ("adult=true", "ai=true")
    told: Callable[[Mapping[str, Any]], bool] = tells_adult_and_ai
    """Returns True if a request body contains `flags`."""
    flagged_media: int = 0
    keyed: bool = True
    """True if the platform accepts our native key."""
    twins_after: timedelta = timedelta(hours=2)
    """Time after which the platform accepts the same text from one account again."""
    key_on_wire: Callable[[str], str] = str
    """Returns the form of the native key in requests."""
    key: Callable[[], str] = field(default=lambda: str(uuid7()))
    """Returns a new native key in the platform's format."""
    name_of: Callable[[Medium], str] = field(default=lambda medium: medium.sha256)
    """Returns the name of a staged file in the publish step."""
    media: tuple[Medium, ...] = TEST_PICTURES
    least_media: int = 0
    """Minimum number of pictures per unit, for platforms without text-only posts."""
    shown: Callable[[str], set[tuple[str, bool]]] = field(default=lambda native_id: set())
    """Returns the text of each message of a copy, with True if the message has a picture. Needed
    for replacements."""
    says: Callable[[str], tuple[str, int]] | None = None
    """Returns the public text of a copy and its number of media. Needed for edits."""
    addressed: bool = False
    """True if the publish step names a staged file by the URL that the platform returned."""
    title: str = ""
    """Title of every unit, on platforms with titles. `accepted_posts` returns the text without it.
    """
    keeps: Callable[[str], str] = str
    """Returns a text as the platform stores it; some trim it."""
    ahead: timedelta = field(default=timedelta())
    """Amount by which our clock is ahead of the fake's."""
    hangs: Counter[StepKind] = field(default_factory=Counter)
    """Number of steps of each kind that the fake will still delay beyond their deadline."""
    hang_deadline: float = 0.4
    """Maximum number of seconds of a step in which the fake hangs. Other steps, and the steps after
    a hang, retain their own deadline, so that a slow test machine does not count as a fault."""

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        """Make the fake platform fail."""
        if mode in HANGING:
            self.hangs[KINDS.get(on, StepKind.CONTROL)] += more.get("times", 1)
        self.fake.inject_fault(mode, on, **more)

    def unit(
        self,
        text: str = "",
        *,
        media: int = 0,
        flags: tuple[str, ...] = (),
        price: Money | None = None,
    ) -> Unit:
        """Return a new unit for this account."""
        titles = (Text("title", self.title),) if self.title else ()
        return Unit(
            tenant_id=TEST_TENANT,
            creator_id=TEST_CREATOR,
            subject=Subject("delivery", uuid7()),
            platform=self.connector.capabilities.platform,
            surface=self.surface,
            channel_id=self.account.channel_id,
            account=self.account.account,
            audience="viewer" if self.viewer else "public",
            texts=(*titles, Text("body", text or f"hello {next(_numbers)}")),
            media=self.media[: max(media, self.least_media)],
            price=price or self.price,
            viewer=self.viewer,
            destination=self.destination,
            flags=flags,
            native_key=self.key(),
        )

    def now(self) -> datetime:
        """Return our time (UTC-aware)."""
        return self.clock() + self.ahead
