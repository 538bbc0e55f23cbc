"""What each platform can do, as a table: read from what the connectors say of themselves, nowhere
written by hand."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from connectors.contract.account_setup import SupportsAccountSetup, field_label
from connectors.contract.app_webhooks import SupportsAppWebhooks, SupportsWebhookSubscription
from connectors.contract.balance import SupportsBalance
from connectors.contract.capabilities import Capabilities
from connectors.contract.chats import SupportsWebhook
from connectors.contract.comments import SupportsComments
from connectors.contract.connector import Connector, SupportsReplacement, SupportsTokenRefresh
from connectors.contract.destination import SupportsDestinationCheck, SupportsMarkCheck
from connectors.contract.earnings import SupportsEarnings
from connectors.contract.metrics import SupportsFollowerCount
from connectors.contract.post_presence import SupportsPresenceCheck
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from gate.contract.units import COMMENT_REFERENCE
from workers.terminal.output import translate

CELL_NO = "–"
CELL_YES = "yes"
LOOKUP_METHODS = {
    "key": "by our own key",
    "name": "by the name they gave it",
    "listing": "in the list of posts",
    "none": "not available: a member decides",
}
MODERATION_ACTIONS = {
    "like": "liked",
    "hide": "hidden",
    "delete": "deleted",
    "block": "author blocked",
    "report": "reported",
}
PRICES = {"free": "free", "used": "by request", "monthly": "by month"}
PAGE_TEMPLATE = """# Platforms

The capabilities of each platform, generated from its connector (`greenroom connectors --markdown`).
Accounts are connected on the page *Channels*. *connecting* is the time it takes if you have the
account; platforms with the least effort come first. *cost* is the price of publishing through the
API, *review* the time the platform takes to approve an application. The policy rules of a platform
are shown by `greenroom policy explain PLATFORM`. A platform that is missing can be added:
[add a platform](develop/add-a-platform.md).

"""


@dataclass(frozen=True)
class CapabilityRow:
    """One platform, in words."""

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
    connectors: Mapping[str, Connector], brought: Mapping[str, str] | None = None
) -> list[CapabilityRow]:
    """A line for each, those that are connected with the least effort first. `brought`: by
    platform, whose package."""
    return [
        _build_row(one, brought or {}) for one in sorted(connectors.values(), key=_effort_sort_key)
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


def _describe_threads(can: Capabilities) -> str:
    if can.threads > 1:
        return str(can.threads)
    return "a first comment" if can.first_comment else CELL_NO


def _describe_deletion(can: Capabilities) -> str:
    if can.can_delete:
        return CELL_YES
    return "replaced" if can.replaces else CELL_NO


def _build_row(one: Connector, brought: Mapping[str, str]) -> CapabilityRow:
    can = one.capabilities
    return CapabilityRow(
        platform=can.platform,
        connecting=_describe_setup(one),
        cost=PRICES[can.cost],
        review=f"{can.approval_days} days" if can.approval_days else CELL_NO,
        places=", ".join((*can.surfaces, *(f"{name} by choice" for name in can.formats))),
        text=f"{can.max_text:,}",
        media=str(can.max_media),
        types=", ".join(sorted({mime.partition("/")[2] for mime in can.mimes})),
        weight=f"{can.max_bytes / 2**20:.0f} MiB",
        threads=_describe_threads(can),
        deletes=_describe_deletion(can),
        edits=CELL_YES if can.edits else CELL_NO,
        chat=CELL_YES if can.can_chat else CELL_NO,
        comments=", ".join(_describe_comments(one)) or CELL_NO,
        sells=CELL_YES if can.can_sell else CELL_NO,
        lost_answer="a person says it" if can.hand_over else _describe_lookup(can),
        tells=", ".join(_describe_extras(one)) or CELL_NO,
        brought_by=brought.get(can.platform, ""),
    )


def _describe_setup(one: Connector) -> str:
    if one.capabilities.in_house:
        return "served here"
    return f"{one.form.minutes} min" if isinstance(one, SupportsAccountSetup) else CELL_NO


def _describe_lookup(can: Capabilities) -> str:
    return "sent again, which changes nothing" if can.resend_is_look else LOOKUP_METHODS[can.look]


def _describe_comments(one: Connector) -> list[str]:
    """What can be done with what people say under posts."""
    if not isinstance(one, SupportsComments):
        return []
    can = one.capabilities
    answered = ["answered"] if COMMENT_REFERENCE in can.points_at else []
    return [
        "read",
        *answered,
        *(word for act, word in MODERATION_ACTIONS.items() if act in can.moderates),
    ]


def _describe_extras(one: Connector) -> list[str]:
    """What else the platform offers that the house makes use of."""
    offered = {
        "settings of the place": isinstance(one, SupportsDestinationCheck),
        "marks of a post": isinstance(one, SupportsMarkCheck),
        "tokens renewed": isinstance(one, SupportsTokenRefresh),
        "webhooks": isinstance(
            one, SupportsWebhook | SupportsAppWebhooks | SupportsWebhookSubscription
        ),
        "posts replaced": isinstance(one, SupportsReplacement),
        "posts that are gone": isinstance(one, SupportsPresenceCheck),
        "followers": isinstance(one, SupportsFollowerCount),
        "earnings": isinstance(one, SupportsEarnings),
        "movements of money": isinstance(one, SupportsBalance),
        "posts with a price": bool(one.capabilities.sells),
    }
    return [name for name, there in offered.items() if there]


def render_markdown(found: list[CapabilityRow]) -> str:
    """The page `docs/connectors.md`."""
    told = [asdict(line) for line in found]
    names = [name for name in told[0] if name != "brought_by"]
    rows = [[name.replace("_", " ") for name in names], ["---"] * len(names)]
    rows += [[str(line[name]) for name in names] for line in told]
    return PAGE_TEMPLATE + "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def render_text(found: list[CapabilityRow]) -> str:
    """One paragraph a platform: a table of fifteen columns is for wide screens."""
    return "\n\n".join(_format_paragraph(line) for line in found)


def _format_paragraph(line: CapabilityRow) -> str:
    told = {name: value for name, value in asdict(line).items() if value}
    platform = told.pop("platform")
    return "\n".join(
        [platform, *(f"  {name.replace('_', ' '):<12} {value}" for name, value in told.items())]
    )


def platform_guide(
    connectors: Mapping[str, Connector], platform: str, brought: Mapping[str, str] | None = None
) -> str:
    """What a platform can do, and what connecting an account of it takes, in the language of the
    terminal.

    Raises NotFound.
    """
    if platform not in connectors:
        raise NotFound("cli.connectors.unknown", known=", ".join(sorted(connectors)))
    one = connectors[platform]
    said = [_format_paragraph(_build_row(one, brought or {}))]
    if isinstance(one, SupportsAccountSetup):
        asked = [
            f"- {translate(Message(field_label(platform, field)))}" for field in one.form.all_fields
        ]
        help_ = translate(Message(f"connect.{platform}.help"))
        said += [
            help_,
            "\n".join([translate(Message("cli.connectors.where", {"platform": platform})), *asked]),
        ]
    return "\n\n".join(said)


def render_json(found: list[CapabilityRow]) -> str:
    """For programs."""
    return json.dumps([asdict(line) for line in found], ensure_ascii=False, indent=1)
