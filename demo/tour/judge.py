"""The judge of the tour, with three witnesses: the page, the database and the records of the test
network."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit
from uuid import UUID

from channels.accounts import queries
from channels.accounts.queries import Channel
from demo.agency.cast import LUMIERE
from demo.agency.people import first_member_with_role
from demo.tour.browser import WAIT_SECONDS, BrowserWindow, WitnessDisagreement, save_screenshot
from foundation.db.database import Scope
from foundation.errors import GreenroomError
from foundation.i18n.translation import Message, load_catalogue, render_message
from foundation.ids import uuid7
from foundation.ops.clock import monotonic
from sandbox.client import call_control
from schedules.posts.deliveries import deliveries_of_post
from schedules.posts.queries import DeliveryEntry, entries_of_post, post_ids_by_origin_key
from schedules.posts.states import DeliveryState
from tenants.agencies.queries import Creator, Member, get_creator
from tenants.agencies.rights import Role
from tenants.auth import sessions
from workers.wiring import Services

T = TypeVar("T")
JUDGE_ACTOR = "system:judge"
LOOK = 0.2


@dataclass(frozen=True)
class TourCheckResult:
    """The result of one step: its duration, and the witness that disagreed, if any."""

    step: str
    language: str
    width: int
    seconds: float
    witness: str = ""
    told: str = ""

    @property
    def has_passed(self) -> bool:
        """True if all witnesses agree."""
        return not self.witness


@dataclass
class TourJudge:
    """The check of the tour in one language. `pictures` is the folder of screenshots, or None for
    no screenshots."""

    services: Services
    window: BrowserWindow
    language: str
    fast: bool
    pictures: Path | None = None
    role: Role = Role.OWNER
    width: int = 1440
    results: list[TourCheckResult] = field(default_factory=list)
    scenes: list[str] = field(default_factory=list)
    """Number of scenes before this judge signed in."""
    began: float = 0.0
    """Start of the scene that is checked."""
    tell: Callable[[TourCheckResult], None] = lambda _: None
    """Receives the result of each step when it ends."""
    mark: str = field(default_factory=lambda: uuid7().hex[-6:])

    # the page

    def catalogue_text(self, code: str, **params: str | int) -> str:
        """Return a message in the language of the page."""
        return render_message(Message(code, params), self.language)

    def catalogue_text_start(self, code: str) -> str:
        """Return a message up to its first parameter."""
        return load_catalogue(self.language)[code].split("{", 1)[0].strip()

    def catalogue_text_end(self, code: str) -> str:
        """Return a message after its last parameter."""
        return load_catalogue(self.language)[code].rpartition("}")[2].strip(" ,")

    def dashboard_url(self, path: str = "/") -> str:
        """Return a URL of the dashboard."""
        return f"{self.services.settings.dashboard.public_url.rstrip('/')}{path}"

    def open_page(self, path: str) -> None:
        """Open a page of the dashboard and check it for internal terms."""
        self.window.open(self.dashboard_url(path))
        self.window.note_internal_words()

    def ensure_page_open(self, path: str) -> None:
        """Open a page that updates itself, unless it is open already."""
        if urlsplit(self.window.page.url).path != path:
            self.open_page(path)

    def save_screenshot(self, name: str) -> None:
        """Save a screenshot if screenshots are requested."""
        if self.pictures is not None and self.width > 1000:
            save_screenshot(self.window, self.pictures / f"{name}.png")

    def _keep_failure(self, name: str) -> None:
        """Save a screenshot of a disagreement with the logs; a closed window has none."""
        # imported here: Playwright is installed with the tests only
        from playwright.sync_api import Error as Broken  # noqa: PLC0415  see above

        with suppress(Broken):
            save_screenshot(
                self.window,
                self.services.settings.home
                / "logs"
                / f"tour-{name.split(maxsplit=1)[0]}-{self.language}.png",
            )

    # the database

    def read_demo_agency(self, ask: Callable[[Scope], T]) -> T:
        """Return the result of `ask` in a transaction of the demo agency."""
        with self.services.tenant(LUMIERE.tenant_id, JUDGE_ACTOR) as scope:
            return ask(scope)

    def query_rows(self, statement: str, **params: Any) -> list[Any]:
        """Return the rows of a query in the demo agency; `:tenant` is its tenant."""
        return self.read_demo_agency(
            lambda scope: list(scope.run(statement, tenant=scope.tenant_id, **params))
        )

    def find_creator(self, slug: str) -> Creator:
        """Return a creator of the demo."""
        return self.read_demo_agency(lambda scope: get_creator(scope, slug))

    def channels_of_creator(self, slug: str) -> list[Channel]:
        """Return the channels of a creator."""
        return self.read_demo_agency(
            lambda scope: queries.list_creator_channels(scope, get_creator(scope, slug).id)
        )

    def current_member(self) -> Member:
        """Return the signed-in member of the demo agency."""
        return self.read_demo_agency(lambda scope: first_member_with_role(scope, self.role))

    def sign_in_link(self) -> str:
        """Return a one-time sign-in link of the member."""
        me = self.current_member()
        secret = self.read_demo_agency(lambda scope: sessions.create_sign_in_link(scope, me.id))
        return self.dashboard_url(f"/auth/link/{secret}")

    def deliveries_of(self, post_id: UUID) -> list[DeliveryEntry]:
        """Return the deliveries of a post."""
        return self.read_demo_agency(
            lambda scope: entries_of_post(scope, post_id, names=queries.channel_names(scope))
        )

    def latest_step_run(self, step: str, since: str) -> list[UUID]:
        """Return the posts of the newest run of a step, if it is newer than the run `since`."""
        written = self.read_demo_agency(
            lambda scope: post_ids_by_origin_key(scope, "tour", f"{step}:")
        )
        newest = max((key.split(":")[1] for key in written), default="")
        return [
            post
            for key, post in sorted(written.items())
            if newest > since and key.split(":")[1] == newest
        ]

    def delivery_states(self, posts: list[UUID]) -> list[DeliveryState]:
        """Return the states of all deliveries of these posts."""
        return self.read_demo_agency(
            lambda scope: [
                DeliveryState(row.state)
                for post in posts
                for row in deliveries_of_post(scope, post)
            ]
        )

    # the sandbox

    def call_sandbox_control(
        self, method: str, path: str, body: dict[str, object] | None = None
    ) -> Any:
        """Call the control API of the test network."""
        return call_control(
            f"http://127.0.0.1:{self.services.settings.sandbox.port}", method, path, body
        )

    def sandbox_posts(self, account: str) -> list[dict[str, Any]]:
        """Return every post that an account of the test network ever accepted."""
        posts: list[dict[str, Any]] = self.call_sandbox_control(
            "GET", f"truth/{quote(account, safe='')}"
        )["posts"]
        return posts

    def sandbox_requests(self, account: str, after: int = 0) -> list[dict[str, Any]]:
        """Return every request that an account of the test network received after an entry of its
        record."""
        entries: list[dict[str, Any]] = self.call_sandbox_control(
            "GET", f"record?after={after}&account={quote(account, safe='')}"
        )["record"]
        return entries

    # judging

    def check_witness(self, witness: str, holds: bool, told: str) -> None:
        """Raise WitnessDisagreement unless `holds`."""
        if not holds:
            raise WitnessDisagreement(witness, told)

    def wait_for_witness(
        self, witness: str, ask: Callable[[], bool], told: str, seconds: float = WAIT_SECONDS
    ) -> None:
        """Wait until `ask` returns True. Raises WitnessDisagreement."""
        end = monotonic() + seconds
        while not ask():
            if monotonic() > end:
                raise WitnessDisagreement(witness, told)
            self.window.page.wait_for_timeout(1000 * LOOK)

    @contextmanager
    def timed_step(self, name: str) -> Iterator[None]:
        """Run and time one step; its result is a disagreement or the complaints of the browser, if
        any."""
        # imported here: Playwright is installed with the tests only
        from playwright.sync_api import Error as Broken  # noqa: PLC0415  see above

        began = monotonic()
        before = len(self.window.complaints)
        witness = ""
        told = ""
        try:
            yield
        except WitnessDisagreement as found:
            witness = found.witness
            told = found.told
        except Broken as found:
            witness = "text"
            told = " ".join(str(found).split())[:300]
        except GreenroomError as found:
            witness = "database"
            told = render_message(found.message, self.language)
        complaints = self.window.complaints[before:]
        told = "; ".join(filter(None, [told, *dict.fromkeys(complaints)]))
        witness = witness or ("text" if complaints else "")
        if witness:
            self._keep_failure(name)
        result = TourCheckResult(
            name, self.language, self.width, monotonic() - began, witness, told
        )
        self.results.append(result)
        self.tell(result)
