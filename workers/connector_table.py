"""What each platform can do, as a table: read from what the connectors say of themselves, nowhere written by hand."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from connectors.calling import Calling, Subscribes
from connectors.capabilities import Capabilities
from connectors.contract import Connector, Hookable, Refreshable, Replaces
from connectors.earning import Earned
from connectors.enrolment import Connectable, label
from connectors.following import Followed
from connectors.places import ReadsBack, Seeable
from connectors.purse import Lists
from connectors.remarks import Remarked
from connectors.standing import Watched
from foundation.errors import NotFound
from foundation.words import Message
from gate.units import REMARK
from workers.terminal import sentence

NO, YES = "–", "yes"
LOOKS = {
    "key": "by our own key",
    "name": "by the name they gave it",
    "listing": "in the list of posts",
    "none": "nobody can: a person decides",
}
ACTED = {"like": "liked", "hide": "hidden", "delete": "deleted", "block": "author blocked", "report": "reported"}
PRICES = {"free": "free", "used": "by request", "monthly": "by month"}
PAGE = """# Connectors

What each platform takes and tells, as the connectors say it of themselves (`greenroom connectors --markdown`). An
account is connected on the page *Accounts*; the minutes are those of a person who has the account already. They come
first that take the least of them; *cost* is what the platform asks of a program that posts, *review* how long it looks
at an application before it may. What a platform allows to be shown is another question: `greenroom policy explain
PLATFORM`. One that is missing can be added: [connector-guide.md](connector-guide.md).

"""


@dataclass(frozen=True)
class Line:
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


def lines(connectors: Mapping[str, Connector], brought: Mapping[str, str] | None = None) -> list[Line]:
    """A line for each, those that are connected with the least effort first. `brought`: by platform, whose package."""
    return [_line(one, brought or {}) for one in sorted(connectors.values(), key=_effort)]


def _effort(one: Connector) -> tuple[float, int, int, str]:
    can = one.capabilities
    minutes = 0.0 if can.in_house else one.form.minutes if isinstance(one, Connectable) else math.inf
    return minutes, *can.burden, can.platform


def _line(one: Connector, brought: Mapping[str, str]) -> Line:
    can = one.capabilities
    return Line(
        platform=can.platform,
        connecting=_connecting(one),
        cost=PRICES[can.cost],
        review=f"{can.approval_days} days" if can.approval_days else NO,
        places=", ".join((*can.surfaces, *(f"{name} by choice" for name in can.formats))),
        text=f"{can.max_text:,}",
        media=str(can.max_media),
        types=", ".join(sorted({mime.partition("/")[2] for mime in can.mimes})),
        weight=f"{can.max_bytes / 2**20:.0f} MiB",
        threads=str(can.threads) if can.threads > 1 else "a first comment" if can.first_comment else NO,
        deletes=YES if can.can_delete else "replaced" if can.replaces else NO,
        edits=YES if can.edits else NO,
        chat=YES if can.can_chat else NO,
        comments=", ".join(_comments(one)) or NO,
        sells=YES if can.can_sell else NO,
        lost_answer="a person says it" if can.hand_over else _lost(can),
        tells=", ".join(_tells(one)) or NO,
        brought_by=brought.get(can.platform, ""),
    )


def _connecting(one: Connector) -> str:
    if one.capabilities.in_house:
        return "served here"
    return f"{one.form.minutes} min" if isinstance(one, Connectable) else NO


def _lost(can: Capabilities) -> str:
    return "sent again, which changes nothing" if can.resend_is_look else LOOKS[can.look]


def _comments(one: Connector) -> list[str]:
    """What can be done with what people say under posts."""
    if not isinstance(one, Remarked):
        return []
    can = one.capabilities
    answered = ["answered"] if REMARK in can.points_at else []
    return ["read", *answered, *(word for act, word in ACTED.items() if act in can.moderates)]


def _tells(one: Connector) -> list[str]:
    """What else the platform offers that the house makes use of."""
    offered = {
        "settings of the place": isinstance(one, Seeable),
        "marks of a post": isinstance(one, ReadsBack),
        "tokens renewed": isinstance(one, Refreshable),
        "webhooks": isinstance(one, Hookable | Calling | Subscribes),
        "posts replaced": isinstance(one, Replaces),
        "posts that are gone": isinstance(one, Watched),
        "followers": isinstance(one, Followed),
        "earnings": isinstance(one, Earned),
        "movements of money": isinstance(one, Lists),
        "posts with a price": bool(one.capabilities.sells),
    }
    return [name for name, there in offered.items() if there]


def markdown(found: list[Line]) -> str:
    """The page `docs/connectors.md`."""
    told = [asdict(line) for line in found]
    names = [name for name in told[0] if name != "brought_by"]
    rows = [[name.replace("_", " ") for name in names], ["---"] * len(names)]
    rows += [[str(line[name]) for name in names] for line in told]
    return PAGE + "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def text(found: list[Line]) -> str:
    """One paragraph a platform: a table of fifteen columns is for wide screens."""
    return "\n\n".join(_paragraph(line) for line in found)


def _paragraph(line: Line) -> str:
    told = {name: value for name, value in asdict(line).items() if value}
    platform = told.pop("platform")
    return "\n".join([platform, *(f"  {name.replace('_', ' '):<12} {value}" for name, value in told.items())])


def guide(connectors: Mapping[str, Connector], platform: str, brought: Mapping[str, str] | None = None) -> str:
    """What a platform can do, and what connecting an account of it takes, in the language of the terminal.

    Raises NotFound.
    """
    if platform not in connectors:
        raise NotFound("cli.connectors.unknown", known=", ".join(sorted(connectors)))
    one = connectors[platform]
    said = [_paragraph(_line(one, brought or {}))]
    if isinstance(one, Connectable):
        asked = [f"- {sentence(Message(label(platform, field)))}" for field in one.form.asked]
        help_ = sentence(Message(f"connect.{platform}.help"))
        said += [help_, "\n".join([sentence(Message("cli.connectors.where", {"platform": platform})), *asked])]
    return "\n\n".join(said)


def as_json(found: list[Line]) -> str:
    """For programs."""
    return json.dumps([asdict(line) for line in found], ensure_ascii=False, indent=1)
