"""The judge of the tour and its three witnesses: the text on the page, the database, the sandbox's own record."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit
from uuid import UUID

from channels import reads as channel_reads
from channels.reads import Channel
from foundation.clock import monotonic
from foundation.database import Scope
from foundation.errors import GreenroomError
from foundation.ids import uuid7
from foundation.words import Message, catalogue, say
from schedules import reads as schedule_reads
from schedules.planning import deliveries_of
from schedules.reads import Entry
from schedules.states import DeliveryState
from tenants import login
from tenants import reads as tenant_reads
from tenants.reads import Creator, Member
from tenants.roles import Role
from workers.demo_cast import LUMIERE
from workers.demo_people import member_with
from workers.sandbox_calls import control
from workers.tour_browser import SECONDS, Disagreement, Window, keep
from workers.wiring import Services

T = TypeVar("T")
JUDGING = "system:judge"
LOOK = 0.2


@dataclass(frozen=True)
class Result:
    """One step: how long it took, and which witness disagreed, if one did."""

    step: str
    language: str
    width: int
    seconds: float
    witness: str = ""
    told: str = ""

    @property
    def good(self) -> bool:
        """Whether all three say the same."""
        return not self.witness


@dataclass
class Judge:
    """One look at the tour in one language. `pictures` is where they are kept, None for nowhere."""

    s: Services
    window: Window
    language: str
    fast: bool
    pictures: Path | None = None
    role: Role = Role.OWNER
    width: int = 1440
    results: list[Result] = field(default_factory=list)
    scenes: list[str] = field(default_factory=list)
    """Minutes that had been played when this judge came in."""
    began: float = 0.0
    """When the minute that is judged began."""
    tell: Callable[[Result], None] = lambda _: None
    """Who is told of each step as it ends."""
    mark: str = field(default_factory=lambda: uuid7().hex[-6:])

    # the page

    def word(self, code: str, **params: str | int) -> str:
        """A sentence as the page says it."""
        return say(Message(code, params), self.language)

    def begins(self, code: str) -> str:
        """A sentence up to its first value: what is the same whatever the values are."""
        return catalogue(self.language)[code].split("{", 1)[0].strip()

    def ends(self, code: str) -> str:
        """A sentence after its last value."""
        return catalogue(self.language)[code].rpartition("}")[2].strip(" ,")

    def address(self, path: str = "/") -> str:
        """An address of the dashboard."""
        return f"{self.s.settings.dashboard.public_url.rstrip('/')}{path}"

    def go(self, path: str) -> None:
        """Open a page of the dashboard, and read it for words of the house."""
        self.window.go(self.address(path))
        self.window.read()

    def stay(self, path: str) -> None:
        """Be on a page that shows by itself what is new: it is opened only where another one is open."""
        if urlsplit(self.window.page.url).path != path:
            self.go(path)

    def picture(self, name: str) -> None:
        """Keep what is seen, where pictures are kept."""
        if self.pictures is not None and self.width > 1000:
            keep(self.window, self.pictures / f"{name}.png")

    def _keep_failure(self, name: str) -> None:
        """What was seen when a witness disagreed, beside the house's logs; a window that is gone shows nothing."""
        from playwright.sync_api import Error as Broken  # noqa: PLC0415  a browser for whoever asks for one

        with suppress(Broken):
            keep(self.window, self.s.settings.home / "logs" / f"tour-{name.split(maxsplit=1)[0]}-{self.language}.png")

    # the database

    def read(self, ask: Callable[[Scope], T]) -> T:
        """What `ask` reads in the demo agency."""
        with self.s.tenant(LUMIERE.tenant_id, JUDGING) as scope:
            return ask(scope)

    def rows(self, statement: str, **params: Any) -> list[Any]:
        """What a query of the demo agency gives, `:tenant` being it."""
        return self.read(lambda scope: list(scope.run(statement, tenant=scope.tenant_id, **params)))

    def creator(self, slug: str) -> Creator:
        """A creator of the demo."""
        return self.read(lambda scope: tenant_reads.creator(scope, slug))

    def channels(self, slug: str) -> list[Channel]:
        """Her accounts."""
        return self.read(lambda scope: channel_reads.channels_of(scope, tenant_reads.creator(scope, slug).id))

    def me(self) -> Member:
        """Who looks: a member of the demo agency."""
        return self.read(lambda scope: member_with(scope, self.role))

    def link(self) -> str:
        """The address that lets them in once."""
        me = self.me()
        secret = self.read(lambda scope: login.invite(scope, me.id))
        return self.address(f"/auth/link/{secret}")

    def entries(self, post_id: UUID) -> list[Entry]:
        """Where a post goes."""
        return self.read(lambda scope: schedule_reads.of_post(scope, post_id, names=channel_reads.names(scope)))

    def run_of(self, step: str, since: str) -> list[UUID]:
        """The posts of the newest run of a step of the tour, if it is newer than the run `since`."""
        written = self.read(lambda scope: schedule_reads.written(scope, "tour", f"{step}:"))
        newest = max((key.split(":")[1] for key in written), default="")
        return [post for key, post in sorted(written.items()) if newest > since and key.split(":")[1] == newest]

    def states(self, posts: list[UUID]) -> list[DeliveryState]:
        """How all deliveries of these posts stand."""
        return self.read(
            lambda scope: [DeliveryState(row.state) for post in posts for row in deliveries_of(scope, post)]
        )

    # the sandbox

    def control(self, method: str, path: str, body: dict[str, object] | None = None) -> Any:
        """The sandbox's control side."""
        return control(f"http://127.0.0.1:{self.s.settings.sandbox.port}", method, path, body)

    def received(self, account: str) -> list[dict[str, Any]]:
        """Every post an account of the sandbox ever took in."""
        posts: list[dict[str, Any]] = self.control("GET", f"truth/{quote(account, safe='')}")["posts"]
        return posts

    def record(self, account: str, after: int = 0) -> list[dict[str, Any]]:
        """Every request an account of the sandbox received after an entry."""
        entries: list[dict[str, Any]] = self.control("GET", f"record?after={after}&account={quote(account, safe='')}")[
            "record"
        ]
        return entries

    # judging

    def agree(self, witness: str, holds: bool, told: str) -> None:
        """Raise Disagreement unless `holds`."""
        if not holds:
            raise Disagreement(witness, told)

    def until(self, witness: str, ask: Callable[[], bool], told: str, seconds: float = SECONDS) -> None:
        """Wait until `ask` holds. Raises Disagreement."""
        end = monotonic() + seconds
        while not ask():
            if monotonic() > end:
                raise Disagreement(witness, told)
            self.window.page.wait_for_timeout(1000 * LOOK)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step, timed; a disagreement, or what the browser complained about meanwhile, is its result."""
        from playwright.sync_api import Error as Broken  # noqa: PLC0415  a browser for whoever asks for one

        began, before = monotonic(), len(self.window.complaints)
        witness, told = "", ""
        try:
            yield
        except Disagreement as found:
            witness, told = found.witness, found.told
        except Broken as found:
            witness, told = "text", " ".join(str(found).split())[:300]
        except GreenroomError as found:
            witness, told = "database", say(found.message, self.language)
        complaints = self.window.complaints[before:]
        told = "; ".join(filter(None, [told, *dict.fromkeys(complaints)]))
        witness = witness or ("text" if complaints else "")
        if witness:
            self._keep_failure(name)
        result = Result(name, self.language, self.width, monotonic() - began, witness, told)
        self.results.append(result)
        self.tell(result)
