"""`greenroom connectors`: the capabilities of each platform, read from its connector."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from connectors.contract.account_setup import SupportsAccountSetup, field_label
from connectors.contract.app_webhooks import SupportsAppWebhooks, SupportsWebhookSubscription
from connectors.contract.balance import SupportsBalance
from connectors.contract.chats import SupportsWebhook
from connectors.contract.comments import SupportsComments
from connectors.contract.connector import Connector, SupportsReplacement, SupportsTokenRefresh
from connectors.contract.destination import SupportsDestinationCheck, SupportsMarkCheck
from connectors.contract.earnings import SupportsEarnings
from connectors.contract.metrics import SupportsFollowerCount
from connectors.contract.post_presence import SupportsPresenceCheck
from foundation.errors import NotFound
from foundation.i18n.translation import Message, render_message
from gate.contract.units import COMMENT_REFERENCE
from workers.terminal.output import terminal_language, translate
from workers.terminal.tables import format_json, format_table

EMPTY = "–"
DOCS_LANGUAGE = "en"
"""Language of JSON and of the page `docs/connectors.md`."""

COLUMN_BY_FIELD = {
    "platform": "platform",
    "connecting": "setup",
    "cost": "api_cost",
    "review": "app_review",
    "places": "surfaces",
    "text": "max_text",
    "media": "max_media",
    "types": "media_types",
    "weight": "max_size",
    "threads": "thread",
    "deletes": "delete",
    "edits": "edit",
    "chat": "chat",
    "comments": "comments",
    "sells": "sales",
    "lost_answer": "lost_response",
    "tells": "extras",
    "brought_by": "package",
}
"""Field of a row -> its heading. The names of the fields are those of the JSON output."""

LIST_FIELDS = ("platform", "connecting", "cost", "review", "chat", "comments", "sells")
"""Columns of the list of all platforms; the other fields make it too wide for a terminal."""

PAGE_TEMPLATE = """# Platforms

Capabilities of each platform, as its connector declares them. The command `greenroom connectors
--markdown` prints this page. Connect an account on the *Channels* page. Platforms are sorted by
effort: *setup* is the time for a member who already has the account, *API cost* the price of the
platform's API, and *app review* the time the platform takes to approve an application. For the
content that a platform allows, run `greenroom policy explain PLATFORM`. To add a platform, see
[add a platform](develop/add-a-platform.md).

"""


@dataclass(frozen=True)
class CapabilityRow:
    """The capabilities of one platform as text."""

    platform: str
    connecting: str
    cost: str
    review: str
    places: str
    text: str
    media: str
    types: str
    weight: str
    threads: str
    deletes: str
    edits: str
    chat: str
    comments: str
    sells: str
    lost_answer: str
    tells: str
    brought_by: str = ""


def capability_rows(
    connectors: Mapping[str, Connector],
    brought: Mapping[str, str] | None = None,
    language: str = DOCS_LANGUAGE,
) -> list[CapabilityRow]:
    """Return a row for each platform, the easiest to connect first.

    `brought` maps a platform to the package that provides it.
    """
    return [
        _RowBuilder(one, language).row(brought or {})
        for one in sorted(connectors.values(), key=_effort_sort_key)
    ]


def _effort_sort_key(one: Connector) -> tuple[float, int, int, str]:
    can = one.capabilities
    if can.in_house:
        minutes = 0.0
    elif isinstance(one, SupportsAccountSetup):
        minutes = one.form.minutes
    else:
        minutes = math.inf
    return minutes, *can.setup_burden, can.platform


class _RowBuilder:
    """Builds the row of one connector in one language."""

    def __init__(self, connector: Connector, language: str) -> None:
        self._connector = connector
        self._can = connector.capabilities
        self._language = language

    def row(self, brought: Mapping[str, str]) -> CapabilityRow:
        can = self._can
        formats = (self._text("format", name=name) for name in can.formats)
        return CapabilityRow(
            platform=can.platform,
            connecting=self._setup(),
            cost=self._text(f"cost.{can.cost}"),
            review=self._text("days", count=can.approval_days) if can.approval_days else EMPTY,
            places=", ".join((*can.surfaces, *formats)),
            text=f"{can.max_text:,}",
            media=str(can.max_media),
            types=", ".join(sorted({mime.partition("/")[2] for mime in can.mimes})),
            weight=f"{can.max_bytes / 2**20:.0f} MiB",
            threads=self._thread(),
            deletes=self._deletion(),
            edits=self._yes_if(can.edits),
            chat=self._yes_if(can.can_chat),
            comments=", ".join(self._comments()) or EMPTY,
            sells=self._yes_if(can.can_sell),
            lost_answer=self._lost_response(),
            tells=", ".join(self._extras()) or EMPTY,
            brought_by=brought.get(can.platform, ""),
        )

    def _text(self, code: str, **params: str | int) -> str:
        return render_message(Message(f"cli.capability.{code}", params), self._language)

    def _yes_if(self, condition: object) -> str:
        return self._text("yes") if condition else EMPTY

    def _setup(self) -> str:
        if self._can.in_house:
            return self._text("hosted")
        if isinstance(self._connector, SupportsAccountSetup):
            return self._text("minutes", count=self._connector.form.minutes)
        return EMPTY

    def _thread(self) -> str:
        if self._can.threads > 1:
            return str(self._can.threads)
        return self._text("first_comment") if self._can.first_comment else EMPTY

    def _deletion(self) -> str:
        if self._can.can_delete:
            return self._text("yes")
        return self._text("replaced") if self._can.replaces else EMPTY

    def _lost_response(self) -> str:
        """Return how a publish without a response is resolved."""
        if self._can.hand_over:
            return self._text("lookup.none")
        if self._can.resend_is_look:
            return self._text("lookup.resend")
        return self._text(f"lookup.{self._can.look}")

    def _comments(self) -> list[str]:
        """Return what Greenroom can do with comments on the platform."""
        if not isinstance(self._connector, SupportsComments):
            return []
        names = ["read"]
        if COMMENT_REFERENCE in self._can.points_at:
            names.append("reply")
        names += [
            act
            for act in ("like", "hide", "delete", "block", "report")
            if act in self._can.moderates
        ]
        return [self._text(f"comment.{name}") for name in names]

    def _extras(self) -> list[str]:
        """Return the optional features of the platform that Greenroom uses."""
        one = self._connector
        offered = {
            "destination": isinstance(one, SupportsDestinationCheck),
            "labels": isinstance(one, SupportsMarkCheck),
            "token_refresh": isinstance(one, SupportsTokenRefresh),
            "webhooks": isinstance(
                one, SupportsWebhook | SupportsAppWebhooks | SupportsWebhookSubscription
            ),
            "replacement": isinstance(one, SupportsReplacement),
            "deletions": isinstance(one, SupportsPresenceCheck),
            "followers": isinstance(one, SupportsFollowerCount),
            "earnings": isinstance(one, SupportsEarnings),
            "balance": isinstance(one, SupportsBalance),
            "paid_posts": bool(self._can.sells),
        }
        return [self._text(f"extra.{name}") for name, there in offered.items() if there]


def render_markdown(found: list[CapabilityRow]) -> str:
    """Return the page `docs/connectors.md`."""
    names = [name for name in asdict(found[0]) if name != "brought_by"]
    headings = [
        render_message(Message(f"cli.column.{COLUMN_BY_FIELD[name]}"), DOCS_LANGUAGE)
        for name in names
    ]
    rows = [headings, ["---"] * len(names)]
    rows += [[str(asdict(line)[name]) for name in names] for line in found]
    return PAGE_TEMPLATE + "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def render_list(found: list[CapabilityRow]) -> str:
    """Return a table of platforms with their main capabilities."""
    return format_table(
        [COLUMN_BY_FIELD[name] for name in LIST_FIELDS],
        [[str(getattr(line, name)) for name in LIST_FIELDS] for line in found],
    )


def _format_details(line: CapabilityRow) -> str:
    """Return every capability of a platform, one per line."""
    values = {name: value for name, value in asdict(line).items() if value}
    platform = values.pop("platform")
    labels = {name: translate(Message(f"cli.column.{COLUMN_BY_FIELD[name]}")) for name in values}
    width = max(map(len, labels.values()))
    lines = [f"  {labels[name]:<{width}}  {value}" for name, value in values.items()]
    return "\n".join([platform, *lines])


def platform_guide(
    connectors: Mapping[str, Connector], platform: str, brought: Mapping[str, str] | None = None
) -> str:
    """Return the capabilities of a platform and the steps to connect an account, in the terminal's
    language.

    Raises NotFound.
    """
    if platform not in connectors:
        raise NotFound("cli.connectors.unknown", known=", ".join(sorted(connectors)))
    one = connectors[platform]
    parts = [_format_details(_RowBuilder(one, terminal_language()).row(brought or {}))]
    if isinstance(one, SupportsAccountSetup):
        form_fields = [
            f"- {translate(Message(field_label(platform, field)))}" for field in one.form.all_fields
        ]
        steps = translate(Message("cli.connectors.where", {"platform": platform}))
        parts += [translate(Message(f"connect.{platform}.help")), "\n".join([steps, *form_fields])]
    return "\n\n".join(parts)


def render_json(found: list[CapabilityRow]) -> str:
    """Return the rows as JSON."""
    return format_json(found)
