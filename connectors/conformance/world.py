"""Permits for the suite alone: signed by a key that is made anew in each process and that no
installation knows.

A connector's world: a fake over real HTTP, an account on it, and the truth about what the fake took
in.

Whoever writes a connector builds one `World` on a fake of their platform;
`connectors.conformance.rules` judges it.
"""

import hashlib
import io
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
    """A permit for just this step, as the gate mints them."""
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
"""What is stored, by digest: the pictures of every world."""
_numbers = count(1)


def stored_picture(data: bytes, mime: str, alt: str) -> Medium:
    """A picture of yours that units of a world can carry (`World.media`)."""
    digest = hashlib.sha256(data).hexdigest()
    TEST_OBJECTS[digest] = data
    return Medium(digest, mime, len(data), alt=alt, ai="generated")


def _draw_picture(kind: str, shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (shade, 90, 90)).save(out, kind)
    return out.getvalue()


def pictures(kind: str) -> tuple[Medium, ...]:
    """Two small pictures that a machine made: `PNG` or `JPEG`."""
    shades = enumerate((40, 200))
    return tuple(
        stored_picture(_draw_picture(kind, shade), f"image/{kind.lower()}", f"picture {place}")
        for place, shade in shades
    )


TEST_PICTURES = pictures("PNG")


def reveal_token(tenant_id: UUID, sealed: Sealed) -> str:
    """Tokens of the suite are sealed by nothing."""
    return sealed.box.decode()


def seal_token(tenant_id: UUID, secret: str) -> Sealed:
    """The other way."""
    return Sealed(secret.encode())


def conformance_transport(http: HttpClient, lend: MakeMediaUrl | None = None) -> Transport:
    """The real transport, on the suite's key and its stored pictures."""
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
    """What a fake platform must offer so that the contract can be judged from its side."""

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        """Do something wrong the next time (`foundation/ops/fault_injection.py` knows how): a mode,
        and a kind of request."""
        ...

    def accepted_posts(self) -> list[tuple[str, str]]:
        """Native id and text of everything ever taken in, repeats and what was deleted included."""
        ...

    def live_post_ids(self) -> set[str]:
        """Native ids that stand."""
        ...

    def requests(self) -> list[Mapping[str, Any]]:
        """The record of requests of this account."""
        ...


def tells_adult_and_ai(wire: Mapping[str, Any]) -> bool:
    """Both marks, as our own networks take them."""
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
"""What a kind of request is to the house; all others are control."""


@dataclass(frozen=True)
class WorldRoles:
    """A role that a world's account may give: to `member`, who is there, and not to `stranger`, who
    is not.

    `borne` tells whether the member bears it; `on` is the kind of request the fake takes giving it
    for.
    """

    role: str
    member: str
    stranger: str
    borne: Callable[[], bool]
    on: str = "roles"


@dataclass(frozen=True)
class WorldWebhook:
    """A platform that calls us instead of being polled: `stands` is where, and the secret it
    shows ("" twice where it calls nobody); `call` lets a reader write, and gives the JSON that
    is called."""

    stands: Callable[[], tuple[str, str]]
    call: Callable[[str], object]


@dataclass(frozen=True)
class SignedCall:
    """A call about an account: the header that signs it, its body, and the secret that did."""

    header: str
    body: bytes
    secret: str


@dataclass(kw_only=True)
class ConnectorWorld:
    """One connector on one kind of account; each rule gets a fresh one. `surface` begins with the
    platform's name."""

    connector: Connector
    account: AccountTarget
    fake: FakePlatform
    surface: str
    transport: Transport
    clock: AdjustableClock
    """The fake's, which the suite moves on instead of waiting."""
    name: str = ""
    viewer: str = ""
    can_look: bool = True
    earlier: frozenset[str] = frozenset()
    """Native ids of what the account left there before, as the house knows them of everything it
    sent."""
    tells_files: bool = True
    """Whether posts without words can be told apart by what they show."""
    lags: bool = True
    """The fake's look-ups can lag behind."""
    destination: str = ""
    counts: str = "views"
    """A number the platform tells of a copy; "" where it tells none."""
    followers: Callable[[int], None] | None = None
    """Makes so many people follow the account; None where the platform tells nobody how many do."""
    followers_on: str = "metrics"
    """What kind of request the fake takes that question for."""
    remark: Callable[[str, str], str] | None = None
    """Lets somebody else say this under the account's post of that native id; the native id of what
    they said, as `connectors.contract.comments.Comment` has it. None where nothing of the kind is
    told."""
    address: Callable[[str], str] | None = None
    """Where people find a copy, by its native id; None where it has no address, as messages have
    none."""
    elsewhere: tuple[str, ...] = ()
    """Addresses on the platform that are no post of the account: of a person, of somebody else's
    post."""
    named_as: Callable[[str], str] = str
    """What an address names, where the platform has another name for a copy than the one it gave at
    first."""
    named_on: str = "lookups"
    """What kind of request the fake takes the question for an address for; "" where nobody can be
    asked for a post."""
    watched_on: str = ""
    """What kind of request the fake takes the question for whether a post still stands; `named_on`
    where empty."""
    take_down: Callable[[str], None] | None = None
    """Makes somebody take a copy away there; None where the account's own removal does."""
    answers: bool = True
    """Whether what is said there can be answered."""
    passed_on: Callable[[str], bool] | None = None
    """Whether a post was shown once more to whoever follows its place; None where the platform
    knows nothing of it. The fake takes the request for that as one of the kind `passes`."""
    closes: Callable[[str], None] | None = None
    """Let nobody comment a post any more; None where that cannot be."""

    remarks_on: str = "remarks"
    """What kind of request the fake takes the question for remarks for."""
    stands_under: Callable[[str], str] = field(default=lambda native_id: "")
    """The native id of what a post of ours was put under."""
    remark_is: Callable[[str], Set[str]] = field(default=lambda native_id: frozenset())
    """What a remark is to the fake: some of liked, unliked, shown, hidden, deleted, blocked (its
    author is), reported."""
    grants: Callable[[], RefreshGrant] | None = None
    """What new tokens of the account are asked for with, each time another; None where the fake
    gives none."""
    grants_on: str = "tokens"
    """What kind of request the fake takes that question for."""
    hooks: WorldWebhook | None = None
    """How it calls us instead of being polled; None where it does not."""
    calls: Callable[[], SignedCall] | None = None
    """Something happens that it calls about; None where it calls about nothing."""
    roles: WorldRoles | None = None
    """A role to give; None where the platform knows none."""
    earned: Callable[[int], None] | None = None
    """Makes somebody pay so much, in minor units; None where the platform tells nobody what an
    account earned."""
    priced: Callable[[str], int | None] = field(default=lambda native_id: None)
    """What the platform asks readers for a copy, in minor units; None where everybody sees it."""
    earned_on: str = "other"
    """What kind of request the fake takes that question for."""
    moved: Callable[[int], str] | None = None
    """Makes somebody pay so much, in minor units; the charge's number. None where the platform
    lists no movements."""
    moved_on: str = "lookups"
    """What kind of request the fake takes that question for."""
    price: Money | None = None
    """What every unit of this world costs its reader."""
    bought: Callable[[str], None] | None = None
    """Makes the reader buy the message of a native id; None where nothing is sold by the platform
    itself."""
    chooses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values of options that are taken on this account, where not all that are declared are."""
    beside: Callable[[Unit, str], Unit] = field(default=lambda unit, option: unit)
    """A unit that chose an option, with what that option is nothing without."""
    flags: tuple[str, ...] = ("adult=true", "ai=true")
    told: Callable[[Mapping[str, Any]], bool] = tells_adult_and_ai
    """Whether the body of a request tells `flags`."""
    flagged_media: int = 0
    keyed: bool = True
    """Whether the platform takes a native key of ours."""
    twins_after: timedelta = timedelta(hours=2)
    """When it takes the same words from one account again."""
    key_on_wire: Callable[[str], str] = str
    """How the native key travels."""
    key: Callable[[], str] = field(default=lambda: str(uuid7()))
    """A native key that was not used yet, in the platform's form."""
    name_of: Callable[[Medium], str] = field(default=lambda medium: medium.sha256)
    """What a staged file is called by in the publish step."""
    media: tuple[Medium, ...] = TEST_PICTURES
    least_media: int = 0
    """A platform without posts of words alone gets so many pictures with each."""
    shown: Callable[[str], set[tuple[str, bool]]] = field(default=lambda native_id: set())
    """The words of every message of a copy and whether each is a picture, where copies can be
    replaced."""
    says: Callable[[str], tuple[str, int]] | None = None
    """The words of a copy as everybody reads them, and how many media it shows; needed where words
    can be changed."""
    addressed: bool = False
    """A staged file is named by the address where the platform told that it would lie."""
    title: str = ""
    """Where posts have one, that of every unit; `taken` tells the text under it."""
    keeps: Callable[[str], str] = str
    """How the platform keeps a text it was sent: some trim it."""
    ahead: timedelta = field(default=timedelta())
    """By how much the house's clock is ahead of the fake's."""
    hangs: set[StepKind] = field(default_factory=set)
    """The requests for which the platform was asked to keep us waiting for longer than we are
    patient."""

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        """Have the platform do something wrong."""
        if mode in HANGING:
            self.hangs.add(KINDS.get(on, StepKind.CONTROL))
        self.fake.inject_fault(mode, on, **more)

    def unit(
        self,
        text: str = "",
        *,
        media: int = 0,
        flags: tuple[str, ...] = (),
        price: Money | None = None,
    ) -> Unit:
        """A unit for this account, new each time."""
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
        """The house's time."""
        return self.clock() + self.ahead
