"""The timeline of a day: one line for each event, printed when it happens."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message, render_message
from foundation.ops.wall_time import load_zone
from schedules.posts import queries
from schedules.posts.queries import DeliveryMoveEntry
from schedules.posts.states import NEEDS_DECISION, DeliveryState
from subscribers.history import fan_timeline
from subscribers.history.fan_timeline import MessageLine
from tenants.agencies.queries import Creator

DAY_ACTOR = "system:day"
LATE_TOLERANCE = timedelta(seconds=1)
MAX_QUOTE_CHARACTERS = 64
"""Maximum number of characters of a text quoted on one line."""

QUOTED_PARAMS = ("text", "prompt")
"""Parameters that are shortened to that length."""

RULE = 78
"""Width of the line between two sections of the day, in characters."""

SUBJECT = 10
"""Width of the subject of a line, in characters."""

SUBJECT_BY_CODE: Mapping[str, str] = {
    "day.photos": "photos",
    "day.picture": "picture",
    "day.rated": "person",
    "day.caption": "caption",
    "day.pack": "pack",
    "day.pack_stays": "pack",
    "day.approved": "person",
    "day.planned": "plan",
    "day.published": "posted",
    "day.found": "posted",
    "day.held": "held",
    "day.uncertain": "checking",
    "day.failed": "refused",
    "day.removed": "removed",
    "day.fan_plays": "chat",
    "day.fan_left": "chat",
    "day.fan_wrote": "chat",
    "day.fan_pressed": "chat",
    "day.fan_acted": "chat",
    "day.answered": "chat",
    "day.invoiced": "chat",
    "day.delivered": "chat",
    "day.sold": "sale",
    "day.refunded": "refund",
    "day.money": "sale",
    "day.no_sales": "sale",
    "day.balanced": "sale",
    "day.unbalanced": "sale",
    "day.all_posted": "posted",
    "day.not_all_posted": "posted",
    "day.see": "see",
    "day.report": "report",
}
"""Message code -> subject of its line, a message `day.about_…`; other lines have the subject
`clock`."""

SINGULAR_CODES: Mapping[str, tuple[str, str]] = {
    "day.photos": ("count", "day.photos_one"),
    "day.rated": ("count", "day.rated_one"),
    "day.approved": ("count", "day.approved_one"),
    "day.planned": ("posts", "day.planned_one"),
    "day.all_posted": ("count", "day.all_posted_one"),
    "day.money": ("orders", "day.money_one"),
}
"""Message code -> the parameter that counts, and the message for a count of one."""

_SAID = {"invoice": "day.invoiced", "pack": "day.delivered"}
_DONE = {"button": "day.fan_pressed", "age": "day.fan_acted", "unsupported": "day.fan_acted"}
_TOLD = frozenset({*NEEDS_DECISION, DeliveryState.REMOVED})


class Timeline:
    """Prints events with the creator's local time, each once."""

    def __init__(
        self,
        tenant: OpenScope,
        tenant_id: UUID,
        creator: Creator,
        *,
        language: str,
        out: Callable[[str], None],
    ) -> None:
        self._tenant = tenant
        self._tenant_id = tenant_id
        self._creator = creator
        self._language = language
        self._out = out
        self._zone = load_zone(creator.zone)
        self._told: set[object] = set()
        self._since: datetime | None = None
        self._last: datetime | None = None
        self._part = ""

    def print_title(self, title: str) -> None:
        """Print the title of the day, without a time."""
        self._out(title)

    def print_section(self, code: str) -> None:
        """Start a section: its heading is printed before the next line."""
        self._part = code

    def print_line(self, at: datetime, code: str, **params: str | int) -> None:
        """Print an event at an instant (UTC-aware). An event that is noticed late is shown with the
        time of the line before it."""
        at = self._last = max(at, self._last or at)
        if self._part:
            self._out(f"\n── {self._render_sentence(self._part)} ".ljust(RULE + 1, "─"))
            self._part = ""
        counted, alone = SINGULAR_CODES.get(code, ("", code))
        fitting = {
            name: _shorten_text(value) if name in QUOTED_PARAMS else value
            for name, value in params.items()
        }
        sentence = self._render_sentence(alone if params.get(counted) == 1 else code, fitting)
        local = at.astimezone(self._zone)
        subject = self._render_sentence(f"day.about_{SUBJECT_BY_CODE.get(code, 'clock')}")
        self._out(f"{local:%H:%M:%S}  {subject:<{SUBJECT}} {sentence}")

    def start_from(self, now: datetime) -> None:
        """Show the events after this instant."""
        self._since = now

    def print_new_events(self) -> None:
        """Print the events since the last call, in order."""
        if self._since is None:
            return
        with self._tenant(self._tenant_id, DAY_ACTOR) as scope:
            lines = [
                *self._list_post_lines(scope),
                *self._list_message_lines(scope),
                *self._list_sale_lines(scope),
            ]
        for at, key, code, params in sorted(lines, key=lambda line: line[0]):
            if key not in self._told:
                self._told.add(key)
                self.print_line(at, code, **params)

    def _list_post_lines(self, scope: Scope) -> "list[_Line]":
        moves = queries.delivery_moves_since(scope, self._creator.id, self._since or scope.now)
        return [line for move in moves if (line := self._line_from_move(move)) is not None]

    def _line_from_move(self, move: DeliveryMoveEntry) -> "_Line | None":
        params: dict[str, str | int] = {"account": move.channel, "text": move.text}
        if move.after is DeliveryState.PUBLISHED and move.due_at is not None:
            params["ms"] = max(0, int((move.at - move.due_at) / timedelta(milliseconds=1)))
            code = "day.published" if move.before is DeliveryState.PUBLISHING else "day.found"
            return move.at, move.id, code, params
        if move.after in _TOLD:
            params["reason"] = render_message(move.reason, self._language) if move.reason else ""
            return move.at, move.id, f"day.{move.after}", params
        return None

    def _list_message_lines(self, scope: Scope) -> "list[_Line]":
        since = self._since or scope.now
        lines = fan_timeline.messages_between(
            scope, self._creator.id, since, scope.now + LATE_TOLERANCE
        )
        return [
            (line.at, line.id, _message_code(line), self._message_params(line)) for line in lines
        ]

    def _message_params(self, line: MessageLine) -> dict[str, str | int]:
        return {
            "fan": line.fan,
            "text": line.body,
            "author": self._render_sentence(f"day.author_{line.author}"),
        }

    def _list_sale_lines(self, scope: Scope) -> "list[_Line]":
        since = self._since or scope.now
        return [
            (
                sale.at,
                (sale.payment_id, sale.kind),
                "day.refunded" if sale.kind == "refund" else "day.sold",
                {"title": sale.title, "amount": str(sale.amount), "fan": sale.fan},
            )
            for sale in fan_timeline.sales_between(
                scope, self._creator.id, since, scope.now + LATE_TOLERANCE
            )
        ]

    def _render_sentence(self, code: str, params: Mapping[str, str | int] | None = None) -> str:
        return render_message(Message(code, params or {}), self._language)


_Line = tuple[datetime, object, str, dict[str, str | int]]


def _message_code(line: MessageLine) -> str:
    return (
        _DONE.get(line.kind, "day.fan_wrote")
        if line.direction == "in"
        else _SAID.get(line.kind, "day.answered")
    )


def _shorten_text(text: str | int) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= MAX_QUOTE_CHARACTERS else line[: MAX_QUOTE_CHARACTERS - 1] + "…"
