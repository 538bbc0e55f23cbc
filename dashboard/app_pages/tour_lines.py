"""What each step of the tour shows: where it leads, and what came of it, in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from dashboard import session
from dashboard.frame import Page
from dashboard.reads.tour import VISITOR, Tour, Try, came_back, delivered
from dashboard.touring import BURST, WAYS
from foundation.words import Message
from gate.states import ComplaintState
from schedules.previewing import Rule
from schedules.states import DeliveryState

S = DeliveryState


@dataclass(frozen=True)
class Link:
    """Where a step leads: `code` is its sentence; `outside` opens beside this page."""

    code: str
    href: str
    outside: bool = False


@dataclass(frozen=True)
class Line:
    """One thing that is seen: good, bad or under way; with a rule where one spoke, and the rest of its reasons."""

    text: str
    tone: str = ""
    href: str = ""
    rule: Rule | None = None
    more: tuple[str, ...] = ()


def links(page: Page, found: Tour, step: str, fan: str) -> list[Link]:
    """Where a step leads."""
    mine = f"{session.public_address()}/{quote(found.page.account)}/" if found.page is not None else ""
    chat = f"http://127.0.0.1:{session.sandbox_port()}"
    places: Mapping[str, list[Link]] = {
        "publish": [
            Link("tour.to_compose", f"/calendar?new=1&creator={found.mia.slug}" if found.mia else ""),
            Link("tour.to_page", mine, outside=True),
        ],
        "talk": [
            Link(
                "tour.to_chat",
                f"{chat}/c/{quote(found.chat.account, safe='+')}?fan={VISITOR}{fan}" if found.chat else "",
                outside=True,
            ),
            Link("tour.to_orders", "/shop?view=orders"),
        ],
        "cheat": [Link("tour.to_approvals", "/approvals")],
        "break": [Link("tour.to_system", "/system")],
        "remove": [Link("tour.to_page", mine, outside=True), Link("tour.to_tasks", "/phone")],
        "count": [Link("tour.to_books", "/shop?view=books"), Link("tour.to_money", "/shop?view=money")],
        "connect": [
            Link("tour.to_channels", "/channels"),
            Link("tour.to_phone", "/phone/pair"),
            Link("tour.to_start", "/start"),
        ],
    }
    return [one for one in places[step] if one.href]


def lines(page: Page, found: Tour, step: str) -> list[Line]:
    """What came of a step so far; nothing before anybody tried it."""
    tell: Mapping[str, Callable[[Page, Tour], list[Line]]] = {
        "publish": _publish,
        "talk": _talk,
        "cheat": _cheat,
        "break": _break,
        "remove": _remove,
        "count": _count,
        "connect": _connect,
    }
    return tell[step](page, found)


def _publish(page: Page, found: Tour) -> list[Line]:
    entry = found.posted
    if entry is None:
        return []
    state = page.word(f"state.delivery.{entry.state}")
    if entry.state is S.SCHEDULED:
        return [Line(page.word("tour.leaves", wait=page.voice.wait(entry.due_at, found.now)))]
    if entry.state is S.PUBLISHED and entry.url:
        late = page.voice.seconds(((entry.settled_at or entry.due_at) - entry.due_at).total_seconds())
        return [Line(page.word("tour.stands", seconds=late), "good", entry.url)]
    reason = f" {page.voice.say(entry.reason)}" if entry.reason else ""
    return [Line(f"{state}.{reason}", "bad" if entry.state in (S.HELD, S.FAILED) else "")]


def _talk(page: Page, found: Tour) -> list[Line]:
    story = found.bought
    if story is None:
        return []
    price = page.voice.money(story.order.price)
    said = [Line(page.word("tour.sold", title=story.order.title, price=price), "good" if delivered(story) else "")]
    if delivered(story):
        said.append(Line(page.word("tour.delivered"), "good"))
    if len(story.charges) > 1:
        back = came_back(story)
        said.append(Line(page.word("tour.came_back" if back else "tour.charged_twice"), "good" if back else ""))
    return said


def _cheat(page: Page, found: Tour) -> list[Line]:
    return [_tried(page, way, found.tries[way], found.now) for way in WAYS if way in found.tries]


def _tried(page: Page, way: str, one: Try, now: datetime) -> Line:
    what = page.word(f"tour.way.{way}")
    if not one.refused or one.verdict is None:
        passed = one.entry.state is S.PUBLISHED
        code = "tour.let_through" if passed else "tour.judging"
        return Line(page.word(code, what=what), "bad" if passed else "")
    reasons = [page.voice.say(reason) for reason in one.verdict.reasons]
    told = (
        page.word("tour.rated", rating=page.word(f"rating.{one.verdict.rating}")),
        *reasons,
        page.word("tour.decided", at=page.voice.instant(one.verdict.at, now)),
    )
    first = reasons[0] if reasons else page.word("state.delivery.held")
    return Line(page.word("tour.refused", what=what, why=first), "good", rule=one.rule, more=told)


def _break(page: Page, found: Tour) -> list[Line]:
    burst = found.burst
    if burst is None:
        return []
    stand = burst.states.get(S.PUBLISHED, 0) + burst.states.get(S.REMOVING, 0) + burst.states.get(S.REMOVED, 0)
    said = [Line(page.word("tour.counter", count=stand, of=BURST), "good" if stand == BURST else "")]
    if burst.killed is not None:
        at = page.voice.instant(burst.killed.at, found.now)
        said.append(Line(page.word("tour.killed", pid=burst.killed.details.get("pid", 0), at=at)))
    if burst.counted is not None:
        told = burst.counted.details
        whole = told.get("once") == BURST
        code: dict[str, str | int] = {name: told.get(name, 0) for name in ("once", "lost", "twice", "pid")}
        said.append(Line(page.word("tour.counted", **code), "good" if whole else "bad"))
    elif burst.killed is not None:
        said.append(Line(page.word("tour.looking")))
    return said


def _remove(page: Page, found: Tour) -> list[Line]:
    said = []
    posted = [one for one in found.five if one.state in (S.PUBLISHED, S.PROCESSING)]
    own = next((one for one in found.five if found.page is not None and one.channel_id == found.page.id), None)
    removed = found.removed
    if found.five and (removed is None or removed.standing.at < found.five[0].due_at):
        href = own.url or "" if own is not None else ""
        said.append(Line(page.word("tour.on_accounts", count=len(posted), of=len(found.five)), "", href))
    if removed is None:
        return said
    code = "tour.turned_down" if removed.standing.state is ComplaintState.REJECTED else "tour.request"
    said.append(
        Line(page.word(code, receipt=removed.standing.receipt, at=page.voice.instant(removed.standing.at, found.now)))
    )
    if removed.standing.copies:
        count = {"count": removed.gone, "of": len(removed.standing.copies)}
        said.append(Line(page.word("tour.gone", **count, seconds=page.voice.seconds(removed.seconds)), "good"))
    said += [Line(page.word("tour.by_hand", account=one.account), "", f"/phone/task/{one.id}") for one in removed.left]
    return said


def _count(page: Page, found: Tour) -> list[Line]:
    said = []
    if found.brought is not None:
        file: dict[str, str | int] = {"source": found.brought.source, "count": found.brought.lines}
        said.append(Line(page.word("tour.brought", **file, at=page.voice.moment(found.brought.at, found.now)), "good"))
    if found.closed:
        said.append(Line(page.word("tour.closed", month=f"{found.closed[-1]:%m/%Y}"), "good"))
    return said


def _connect(page: Page, found: Tour) -> list[Line]:
    return [Line(page.voice.say(Message("tour.connected", {"account": name})), "good") for name in found.connected]
