"""Links and results that each step of the tour shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from dashboard.pages.tour.events import BURST_SIZE, CHEAT_WAYS
from dashboard.pages.tour.queries import (
    VISITOR_PREFIX,
    CheatAttempt,
    TourView,
    is_delivered,
    is_refunded,
)
from dashboard.shell import session
from dashboard.shell.page_context import PageContext
from foundation.i18n.translation import Message
from gate.contract.states import RemovalRequestState
from schedules.drafts.previews import DestinationRules
from schedules.posts.states import DeliveryState


@dataclass(frozen=True)
class StepLink:
    """A link of a step. `code` is its message code; if `outside` is true, it opens in a new tab."""

    code: str
    href: str
    outside: bool = False


@dataclass(frozen=True)
class TourStepResult:
    """A line of a step's result. `tone` is "good", "bad" or empty while in progress; `rule` is the
    rule that decided, `more` the other reasons."""

    text: str
    tone: str = ""
    href: str = ""
    rule: DestinationRules | None = None
    more: tuple[str, ...] = ()


def step_links(page: PageContext, found: TourView, step: str, fan: str) -> list[StepLink]:
    """Return the links of a step."""
    mine = f"{session.public_url()}/{quote(found.page.account)}/" if found.page is not None else ""
    chat = f"http://127.0.0.1:{session.sandbox_port()}"
    places: Mapping[str, list[StepLink]] = {
        "publish": [
            StepLink(
                "tour.to_compose", f"/calendar?new=1&creator={found.mia.slug}" if found.mia else ""
            ),
            StepLink("tour.to_page", mine, outside=True),
        ],
        "talk": [
            StepLink(
                "tour.to_chat",
                f"{chat}/c/{quote(found.chat.account, safe='+')}?fan={VISITOR_PREFIX}{fan}"
                if found.chat
                else "",
                outside=True,
            ),
            StepLink("tour.to_orders", "/shop?view=orders"),
        ],
        "cheat": [StepLink("tour.to_approvals", "/approvals")],
        "break": [StepLink("tour.to_system", "/system")],
        "remove": [
            StepLink("tour.to_page", mine, outside=True),
            StepLink("tour.to_tasks", "/phone"),
        ],
        "count": [
            StepLink("tour.to_books", "/shop?view=books"),
            StepLink("tour.to_money", "/shop?view=money"),
        ],
        "connect": [
            StepLink("tour.to_channels", "/channels"),
            StepLink("tour.to_phone", "/phone/pair"),
            StepLink("tour.to_start", "/start"),
        ],
    }
    return [one for one in places[step] if one.href]


def step_results(page: PageContext, found: TourView, step: str) -> list[TourStepResult]:
    """Return the results of a step so far. Empty if the step has not been tried."""
    tell: Mapping[str, Callable[[PageContext, TourView], list[TourStepResult]]] = {
        "publish": _describe_publishing,
        "talk": _describe_conversation,
        "cheat": _describe_cheats,
        "break": _describe_burst,
        "remove": _describe_removal,
        "count": _describe_import,
        "connect": _describe_connections,
    }
    return tell[step](page, found)


def _describe_publishing(page: PageContext, found: TourView) -> list[TourStepResult]:
    entry = found.posted
    if entry is None:
        return []
    state = page.text(f"state.delivery.{entry.state}")
    if entry.state is DeliveryState.SCHEDULED:
        return [
            TourStepResult(
                page.text(
                    "tour.leaves", wait=page.localizer.format_time_left(entry.due_at, found.now)
                )
            )
        ]
    if entry.state is DeliveryState.PUBLISHED and entry.url:
        late = page.localizer.format_seconds(
            ((entry.settled_at or entry.due_at) - entry.due_at).total_seconds()
        )
        return [TourStepResult(page.text("tour.stands", seconds=late), "good", entry.url)]
    reason = f" {page.localizer.message_text(entry.reason)}" if entry.reason else ""
    return [
        TourStepResult(
            f"{state}.{reason}",
            "bad" if entry.state in (DeliveryState.HELD, DeliveryState.FAILED) else "",
        )
    ]


def _describe_conversation(page: PageContext, found: TourView) -> list[TourStepResult]:
    story = found.bought
    if story is None:
        return []
    price = page.localizer.format_money(story.order.price)
    said = [
        TourStepResult(
            page.text("tour.sold", title=story.order.title, price=price),
            "good" if is_delivered(story) else "",
        )
    ]
    if is_delivered(story):
        said.append(TourStepResult(page.text("tour.delivered"), "good"))
    if len(story.charges) > 1:
        back = is_refunded(story)
        said.append(
            TourStepResult(
                page.text("tour.came_back" if back else "tour.charged_twice"),
                "good" if back else "",
            )
        )
    return said


def _describe_cheats(page: PageContext, found: TourView) -> list[TourStepResult]:
    return [
        _describe_cheat_attempt(page, way, found.tries[way], found.now)
        for way in CHEAT_WAYS
        if way in found.tries
    ]


def _describe_cheat_attempt(
    page: PageContext, way: str, one: CheatAttempt, now: datetime
) -> TourStepResult:
    what = page.text(f"tour.way.{way}")
    if not one.is_refused or one.verdict is None:
        passed = one.entry.state is DeliveryState.PUBLISHED
        code = "tour.let_through" if passed else "tour.judging"
        return TourStepResult(page.text(code, what=what), "bad" if passed else "")
    reasons = [page.localizer.message_text(reason) for reason in one.verdict.reasons]
    told = (
        page.text("tour.rated", rating=page.text(f"rating.{one.verdict.rating}")),
        *reasons,
        page.text("tour.decided", at=page.localizer.format_instant(one.verdict.at, now)),
    )
    first = reasons[0] if reasons else page.text("state.delivery.held")
    return TourStepResult(
        page.text("tour.refused", what=what, why=first), "good", rule=one.rule, more=told
    )


def _describe_burst(page: PageContext, found: TourView) -> list[TourStepResult]:
    burst = found.burst
    if burst is None:
        return []
    stand = (
        burst.state_counts.get(DeliveryState.PUBLISHED, 0)
        + burst.state_counts.get(DeliveryState.REMOVING, 0)
        + burst.state_counts.get(DeliveryState.REMOVED, 0)
    )
    said = [
        TourStepResult(
            page.text("tour.counter", count=stand, of=BURST_SIZE),
            "good" if stand == BURST_SIZE else "",
        )
    ]
    if burst.killed is not None:
        at = page.localizer.format_instant(burst.killed.at, found.now)
        said.append(
            TourStepResult(page.text("tour.killed", pid=burst.killed.details.get("pid", 0), at=at))
        )
    if burst.counted is not None:
        told = burst.counted.details
        unknown = int(told.get("unknown", 0))
        whole = told.get("once", 0) + unknown == BURST_SIZE
        code: dict[str, str | int] = {
            name: told.get(name, 0) for name in ("once", "lost", "twice", "pid")
        }
        said.append(TourStepResult(page.text("tour.counted", **code), "good" if whole else "bad"))
        if unknown:
            said.append(TourStepResult(page.text("tour.unknown", count=unknown)))
    elif burst.killed is not None:
        said.append(TourStepResult(page.text("tour.looking")))
    return said


def _describe_removal(page: PageContext, found: TourView) -> list[TourStepResult]:
    said = []
    posted = [
        one
        for one in found.five
        if one.state in (DeliveryState.PUBLISHED, DeliveryState.PROCESSING)
    ]
    own = next(
        (one for one in found.five if found.page is not None and one.channel_id == found.page.id),
        None,
    )
    removed = found.removed
    if found.five and (removed is None or removed.standing.at < found.five[0].due_at):
        href = own.url or "" if own is not None else ""
        said.append(
            TourStepResult(
                page.text("tour.on_accounts", count=len(posted), of=len(found.five)), "", href
            )
        )
    if removed is None:
        return said
    code = (
        "tour.turned_down"
        if removed.standing.state is RemovalRequestState.REJECTED
        else "tour.request"
    )
    said.append(
        TourStepResult(
            page.text(
                code,
                receipt=removed.standing.receipt,
                at=page.localizer.format_instant(removed.standing.at, found.now),
            )
        )
    )
    if removed.standing.copies:
        count = {"count": removed.removed_count, "of": len(removed.standing.copies)}
        said.append(
            TourStepResult(
                page.text(
                    "tour.gone",
                    **count,
                    seconds=page.localizer.format_seconds(removed.elapsed_seconds),
                ),
                "good",
            )
        )
    said += [
        TourStepResult(page.text("tour.by_hand", account=one.account), "", f"/phone/task/{one.id}")
        for one in removed.left
    ]
    return said


def _describe_import(page: PageContext, found: TourView) -> list[TourStepResult]:
    said = []
    if found.brought is not None:
        file: dict[str, str | int] = {"source": found.brought.source, "count": found.brought.lines}
        said.append(
            TourStepResult(
                page.text(
                    "tour.brought",
                    **file,
                    at=page.localizer.format_moment(found.brought.at, found.now),
                ),
                "good",
            )
        )
    if found.closed:
        said.append(
            TourStepResult(page.text("tour.closed", month=f"{found.closed[-1]:%m/%Y}"), "good")
        )
    return said


def _describe_connections(page: PageContext, found: TourView) -> list[TourStepResult]:
    return [
        TourStepResult(
            page.localizer.message_text(Message("tour.connected", {"account": name})), "good"
        )
        for name in found.connected
    ]
