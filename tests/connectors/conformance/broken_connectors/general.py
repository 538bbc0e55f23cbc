"""Connectors with one fault each, taken from faults of real connectors; the suite must detect each."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.contract.balance import AccountBalance, MovementPage
from connectors.contract.comments import Comment, CommentPage, CommentTarget, ModerationAction
from connectors.contract.connector import (
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    StepResult,
    WireStep,
)
from connectors.contract.earnings import Earnings, EarningsAnswer, TimeSpan
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.contract.paid_media import PaidMessageStatus
from connectors.platforms.fanvue.publisher import Fanvue
from connectors.platforms.sandbox.publisher import Sandbox
from connectors.platforms.telegram.publisher import Telegram
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.money import Money
from gate.contract.units import Text, Unit

WHY = Message("connectors.unclear_answer", {"status": 0})
SOON = Retry(timedelta(seconds=1), "account", WHY)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class ResendsLostPosts(Sandbox):
    """Treats a lost response as not sent."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        turn = super().next_step(unit, answers)
        return SOON if isinstance(turn, Uncertain) else turn


class FailsOnServerErrors(Sandbox):
    """Treats a 5xx response as a rejection."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        turn = super().next_step(unit, answers)
        server = isinstance(turn, Uncertain) and isinstance(answers[-1], Response)
        return Rejected(WHY, permanent=True) if server else turn


class TrustsAnySuccess(Sandbox):
    """Treats an unreadable 2xx response as published."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        turn = super().next_step(unit, answers)
        last = answers[-1] if answers else None
        good = isinstance(turn, Uncertain) and isinstance(last, Response) and last.status == 201
        return Published("") if good else turn


class NewKeyEachTime(Sandbox):
    """Generates a new idempotency key for every attempt."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        return super().next_step(replace(unit, native_key=secrets.token_hex(8)), answers)


class NeverWaits(Sandbox):
    """Ignores Retry-After."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        turn = super().next_step(unit, answers)
        return SOON if isinstance(turn, Retry) else turn


class RetriesRefusals(Sandbox):
    """Retries rejected posts."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        turn = super().next_step(unit, answers)
        return SOON if isinstance(turn, Rejected) and answers else turn


class TakesMissingForGone(Sandbox):
    """Treats a 404 response as an invalid token."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        last = answers[-1] if answers else None
        if isinstance(last, Response) and last.status == 404:
            return Reauthorize(Message("connectors.token_refused"))
        return super().next_step(unit, answers)


class SendsAddresses(Sandbox):
    """Sends media URLs instead of staging the files."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        turn = super().next_step(replace(unit, media=()), answers)
        if not isinstance(turn, Send) or turn.step.json is None:
            return turn
        media = [{"url": f"https://house.example/{medium.sha256}"} for medium in unit.media]
        return Send(replace(turn.step, json={**turn.step.json, "media": media}))


class DoubtsLostUploads(Sandbox):
    """Reports a lost upload as a possible publication."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        last = answers[-1] if answers else None
        lost = isinstance(last, StepAnswerLost) and last.step.startswith("stage:")
        return Uncertain(WHY) if lost else super().next_step(unit, answers)


class CutsTexts(Sandbox):
    """Shortens the text after approval."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        body = Text("body", unit.text_of("body").strip()[:4000])
        return super().next_step(replace(unit, texts=(body,)), answers)


class ForgetsFlags(Sandbox):
    """Omits the required marks from the request."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        return super().next_step(replace(unit, flags=()), answers)


class TrustsFailedLookup(Sandbox):
    """Reports a failed lookup as absent."""

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        turn = super().look_up(sought, answers)
        return Absent() if isinstance(turn, Unknown) else turn


class MatchesOlderDuplicates(Sandbox):
    """Matches the text without comparing the time of posting."""

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        return super().look_up(
            replace(sought, armed_at=sought.armed_at - timedelta(days=9)), answers
        )


class TrustsItsClock(Sandbox):
    """Uses the installation's clock in place of the platform's."""

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        return super().look_up(replace(sought, asked_at=LONG_AGO), answers)


class InventsLookupMatches(Sandbox):
    """Reports a match without a lookup."""

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        return Found("p999999")


class ClaimsRemoval(Sandbox):
    """Reports a removal without proof."""

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        return Published(copy.native_id) if answers else super().remove(copy, answers)


class ClaimsToReplace(Sandbox):
    """Declares replacement support without implementing it."""

    capabilities = replace(Sandbox.capabilities, replaces=True)


class DoubtsEdits(Telegram):
    """Reports an edit with a lost response as uncertain, a state that no lookup can resolve."""

    def replace(
        self, copy: PlatformCopy, unit: Unit, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        turn = super().replace(copy, unit, answers)
        return Uncertain(WHY) if isinstance(turn, Retry) else turn


class RepeatsUploadRequest(Fanvue):
    """Opens the upload of every picture with the same request, and so receives the response of
    another one."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        turn = super().next_step(unit, answers)
        if not isinstance(turn, Send) or not turn.step.name.startswith("stage:open:"):
            return turn
        return Send(
            replace(
                turn.step, json={"name": "picture", "filename": "picture.png", "mediaType": "image"}
            )
        )


class GivesUpOffline(Sandbox):
    """Treats a refused connection as a rejection."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        away = bool(answers) and isinstance(answers[-1], StepNotSent)
        return Rejected(WHY, permanent=True) if away else super().next_step(unit, answers)


class LeaksTextInLookup(Sandbox):
    """Includes the text in the lookup request."""

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        step = WireStep(
            "look",
            StepKind.CONTROL,
            "POST",
            "/api/{account}/search",
            {"q": sought.text},
            action="look",
        )
        return Send(step) if not answers else super().look_up(sought, answers)


class InventsNumbers(Sandbox):
    """Reports zero for unreadable metrics."""

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        turn: Any = super().read_metrics(copy, answers)
        return {"views": 0} if answers and turn is None else turn


class InventsFollowers(Sandbox):
    """Reports zero followers for an unreadable response."""

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        turn = super().count_followers(account, destination, answers)
        return 0 if answers and turn is None else turn


class CountsItself(Sandbox):
    """Counts the account among its followers."""

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        turn = super().count_followers(account, destination, answers)
        return turn + 1 if isinstance(turn, int) else turn


class SkipsFollowerCount(Sandbox):
    """Does not request the follower count that the platform offers."""

    count_followers = None  # type: ignore[assignment]  # as if it were not there


class InventsEarnings(Fanvue):
    """Reports no earnings for an unreadable response."""

    def read_earnings(
        self, account: str, span: TimeSpan, answers: tuple[StepResult, ...]
    ) -> EarningsAnswer:
        turn = super().read_earnings(account, span, answers)
        return Earnings(()) if answers and turn is None else turn


class KeysEarningsByAmount(Fanvue):
    """Identifies movements by their amount."""

    def read_earnings(
        self, account: str, span: TimeSpan, answers: tuple[StepResult, ...]
    ) -> EarningsAnswer:
        turn = super().read_earnings(account, span, answers)
        if not isinstance(turn, Earnings):
            return turn
        return replace(turn, rows=tuple({row.gross.minor: row for row in turn.rows}.values()))


class KeysEarningsByPosition(Fanvue):
    """Gives each movement a new key on every read."""

    def read_earnings(
        self, account: str, span: TimeSpan, answers: tuple[StepResult, ...]
    ) -> EarningsAnswer:
        turn = super().read_earnings(account, span, answers)
        if not isinstance(turn, Earnings):
            return turn
        return replace(turn, rows=tuple(replace(row, key=str(uuid7())) for row in turn.rows))


class SkipsEarnings(Fanvue):
    """Does not request the earnings that the platform offers."""

    read_earnings = None  # type: ignore[assignment]  # as if it were not there


class ReadsEarningsByPost(Fanvue):
    """Requests earnings under the action `look` instead of `metrics`."""

    def read_earnings(
        self, account: str, span: TimeSpan, answers: tuple[StepResult, ...]
    ) -> EarningsAnswer:
        turn = super().read_earnings(account, span, answers)
        return Send(replace(turn.step, action="look")) if isinstance(turn, Send) else turn


class InventsEmptyLedger(Telegram):
    """Reports an empty ledger for an unreadable response."""

    def list_movements(
        self, start: int, answers: tuple[StepResult, ...]
    ) -> Send | MovementPage | Outcome:
        turn = super().list_movements(start, answers)
        return (
            turn
            if isinstance(turn, Send | MovementPage)
            else MovementPage((), 0, "XTR", AccountBalance(0))
        )


class IgnoresLedgerCursor(Telegram):
    """Ignores the cursor of the last read."""

    def list_movements(
        self, start: int, answers: tuple[StepResult, ...]
    ) -> Send | MovementPage | Outcome:
        return super().list_movements(0, answers)


class KeysChargesByAmount(Telegram):
    """Treats two charges of the same amount as one."""

    def list_movements(
        self, start: int, answers: tuple[StepResult, ...]
    ) -> Send | MovementPage | Outcome:
        turn = super().list_movements(start, answers)
        if not isinstance(turn, MovementPage):
            return turn
        return replace(turn, rows=tuple({row.minor: row for row in turn.rows}.values()))


class SkipsBalance(Telegram):
    """Reports a balance of zero instead of the balance on the platform."""

    def list_movements(
        self, start: int, answers: tuple[StepResult, ...]
    ) -> Send | MovementPage | Outcome:
        turn = super().list_movements(start, answers)
        return replace(turn, lies=AccountBalance(0)) if isinstance(turn, MovementPage) else turn


class SkipsLedger(Telegram):
    """Does not request the ledger that the platform offers."""

    list_movements = None  # type: ignore[assignment]  # as if it were not there


class ReadsFollowersByPost(Sandbox):
    """Requests followers under the action `look` instead of `metrics`."""

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        turn = super().count_followers(account, destination, answers)
        return Send(replace(turn.step, action="look")) if isinstance(turn, Send) else turn


class IgnoresComments(Sandbox):
    """Does not request comments."""

    list_comments = None  # type: ignore[assignment]  # as if it were not there


class ReportsOwnComments(Sandbox):
    """Reports replies of the account as comments of others."""

    said = "p1"

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        turn = super().next_step(unit, answers)
        self.said = turn.native_id if isinstance(turn, Published) else self.said
        return turn

    def list_comments(
        self, account: str, destination: str, cursor: str, answers: tuple[StepResult, ...]
    ) -> Send | CommentPage | None:
        turn = super().list_comments(account, destination, cursor, answers)
        own = Comment(self.said, "ann", "ann", "hello", "p1")
        return (
            CommentPage((*turn.found, own), turn.cursor) if isinstance(turn, CommentPage) else turn
        )


class DropsCommentedPost(Sandbox):
    """Reports comments without the post they belong to."""

    def list_comments(
        self, account: str, destination: str, cursor: str, answers: tuple[StepResult, ...]
    ) -> Send | CommentPage | None:
        turn = super().list_comments(account, destination, cursor, answers)
        if not isinstance(turn, CommentPage):
            return turn
        return CommentPage(tuple(replace(one, under="") for one in turn.found), turn.cursor)


class AnswersAsNewPost(Sandbox):
    """Publishes a reply as a separate post."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        return super().next_step(replace(unit, references=()), answers)


class ClaimsModeration(Sandbox):
    """Reports a moderation action as done without a request."""

    def moderate_comment(
        self, spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        return (
            Published(spot.native_id) if answers else super().moderate_comment(spot, act, answers)
        )


class DropsPrice(Fanvue):
    """Omits the price of a post."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        return super().next_step(replace(unit, price=None), answers)


class DropsStarPrice(Telegram):
    """Omits the price of a post."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        return super().next_step(replace(unit, price=None), answers)


class PricesFreePosts(Fanvue):
    """Charges for posts without a price."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        return super().next_step(replace(unit, price=unit.price or Money(300, "USD")), answers)


class SkipsLookup(Fanvue):
    """Confirms without a lookup that a post is absent."""

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        return Absent(confirmed=True)


class MissesSales(Fanvue):
    """Reports paid messages as unpaid."""

    def read_paid_status(
        self, copy: PlatformCopy, since: datetime, answers: tuple[StepResult, ...]
    ) -> Send | PaidMessageStatus | None:
        told = super().read_paid_status(copy, since, answers)
        return (
            PaidMessageStatus("unpaid")
            if isinstance(told, PaidMessageStatus) and told.state == "paid"
            else told
        )


class InventsSales(Fanvue):
    """Reports any response as a sale."""

    def read_paid_status(
        self, copy: PlatformCopy, since: datetime, answers: tuple[StepResult, ...]
    ) -> Send | PaidMessageStatus | None:
        told = super().read_paid_status(copy, since, answers)
        return PaidMessageStatus("paid") if told is None else told
