"""An account of Nova whose platform reports earnings: the fake ledger and the real connector
without a network."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from connectors.contract.connector import Response, Send, StepResult
from connectors.contract.earnings import Earnings, TimeSpan
from connectors.contract.outcomes import Reauthorize
from connectors.platforms.fanvue import earnings
from connectors.platforms.fanvue.earnings import PAGE_LIMITS, PageLimits
from foundation.db.database import Scope
from foundation.outbox import outbox
from subscribers.checkout import platform_earnings
from subscribers.checkout.events import EarningsDue
from subscribers.checkout.platform_earnings import PACE, EarningsPace
from subscribers.ledger import entries
from subscribers.statements import file_reader
from tests.channels.builders import Killed
from tests.fakes.fanvue.earnings import Earning, EarningsLedger
from tests.fakes.fanvue.spec import Refusal
from tests.fakes.fanvue.state import Fan
from tests.subscribers.builders import Studio

_numbers = count(1)


@dataclass
class EarningsAccount:
    """The sandbox account of a studio, as an account of a platform that reports earnings."""

    studio: Studio
    number: int = field(default_factory=lambda: next(_numbers))
    fans: list[Fan] = field(
        default_factory=lambda: [Fan(f"f-{number}", f"fan{number}") for number in range(2)]
    )
    refuses: Callable[[], Response | None] = lambda: None
    questions: list[TimeSpan] = field(default_factory=list)
    days: set[date] = field(default_factory=set)
    pace: EarningsPace = PACE
    paging: PageLimits = PAGE_LIMITS

    def __post_init__(self) -> None:
        self.till = EarningsLedger(self.now)
        self.member: Any = SimpleNamespace(id=f"account-{self.number}")
        with self.studio.scope() as scope:
            scope.run("DELETE FROM earning_readings WHERE tenant_id = :t", t=scope.tenant_id)

    @property
    def source(self) -> str:
        """Name of the platform in the ledger, different for each test of an installation."""
        return f"Fanvue{self.number}x"

    def now(self) -> datetime:
        """Return the installation's time in UTC, in whole milliseconds."""
        with self.studio.scope() as scope:
            at: datetime = scope.now
        return at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)

    def later(self, **hours: float) -> None:
        """Advance the clock."""
        self.studio.world.pass_time(sum(hours.values()) * 3600)

    def earn(
        self, gross: int, net: int, source: str = "tip", fan: int | None = 0, **more: Any
    ) -> Earning:
        """Record an earning on the platform."""
        return self.till.earn(
            self.member, gross, net, source, None if fan is None else self.fans[fan], **more
        )

    def ask(self, tenant: UUID, channel: UUID, span: TimeSpan) -> Earnings | Reauthorize | None:
        """Return what the connector reads from the fake ledger, page by page."""
        self.questions.append(span)
        answers: tuple[StepResult, ...] = ()
        while isinstance(
            turn := earnings.read_earnings(self.member.id, span, answers, self.paging), Send
        ):
            answers = (*answers, self.refuses() or self._page(turn.step.name, turn.step.path))
        return turn

    def _page(self, name: str, path: str) -> Response:
        try:
            return Response(
                name,
                200,
                body=self.till.page(self.member, name, dict(parse_qsl(urlsplit(path).query))),
            )
        except Refusal as refusal:
            return Response(name, refusal.status, body=refusal.body)

    def read(self, *, lately: bool = False) -> bool:
        """Read the earnings, or only recent ones if `lately`; return True if the reading is
        complete."""
        event = EarningsDue(self.studio.world.tenant_id, self.studio.world.channel_id, lately)
        try:
            platform_earnings.read_earnings(
                event,
                tenant=self.studio.world.tenant,
                ask=self.ask,
                earns={"sandbox": self.source},
                summed=self.summed,
                pace=self.pace,
            )
        except outbox.RetryLater:
            return False
        return True

    def catch_up(self) -> None:
        """Read until everything has been read."""
        for _ in range(60):
            if self.read():
                return
            self.later(hours=0.1)
        raise AssertionError("the reading never ends")

    def summed(self, scope: Scope, creator_id: UUID, days: Collection[date]) -> None:
        """Record the days that the rollups must rebuild."""
        self.days |= set(days)

    @contextmanager
    def dying(self, at: int) -> Iterator[None]:
        """Crash the process at its n-th point, if it reaches it."""
        clockwork = self.studio.world.clockwork
        clockwork.at, clockwork.passed = at, 0
        try:
            yield
        except Killed:
            pass
        finally:
            clockwork.at = None

    def held(self) -> int:
        """Return the balance in the ledger, in cents."""
        with self.studio.scope() as scope:
            found = entries.account_balance(
                scope, entries.rail_ledger_account(file_reader.STATEMENT_RAIL, self.source)
            )
        assert set(found) <= {"USD"}
        return found.get("USD", 0)

    def truth(self) -> int:
        """Return the balance on the platform, in cents."""
        rows = self.till.paid.get(self.member.id, ())
        return sum(-one.net if one.source in ("refund", "chargeback") else one.net for one in rows)

    def lines(self) -> list[Any]:
        """Return the statement lines of this account, oldest first."""
        return self.studio.rows(
            "SELECT * FROM statement_lines WHERE tenant_id = :tenant AND source = :source ORDER "
            "BY at, id",
            source=self.source,
        )

    def told(self) -> platform_earnings.EarningsAccount:
        """Return the account's summary as the page shows it."""
        with self.studio.scope() as scope:
            (found,) = platform_earnings.list_earnings_accounts(scope, self.studio.world.creator_id)
        return found
