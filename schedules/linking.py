"""What becomes of the addresses in a post: marks of where a reader came from, and a short one of the house instead.

A creator's rule says it of what is written from now on; each post keeps what held when it was written, and a yes to the
post is one to that. The short address of a post on an account follows from the two, so that what is shown before, what
is counted and what leaves are the same text. What is not surely an address of the web stays as it stands.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit
from uuid import UUID

from sqlmodel import select

from channels import links
from channels.reads import Channel
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.ids import uuid7
from gate import hosts
from gate.units import Lead, Subject, Text, Unit
from schedules.models import LinkRule, Post

MOST = 100
"""Addresses of one post that are changed; more stay as they stand."""

LONGEST_MARK = 80
MOST_PLAIN = 50
PLACEHOLDERS = ("platform", "account", "campaign")
"""What a mark may name in braces."""

_ADDRESS = re.compile(r"\bhttps?://[!#-&*-;=?-Z\\^-~]+", re.IGNORECASE)
"""Visible letters of ASCII without quotes and brackets, as `gate.text.links` reads them."""

_STOPS = ".,;:!?"
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?", re.IGNORECASE)
_HOLE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Rule:
    """What becomes of addresses: short ones lie under `base` (none without it), the others are marks (utm_…), where
    `{platform}`, `{account}` and `{campaign}` stand for what they are called."""

    base: str = ""
    source: str = ""
    medium: str = ""
    campaign: str = ""
    content: str = ""

    @property
    def idle(self) -> bool:
        """Whether addresses stay as they stand."""
        return self == AS_WRITTEN


AS_WRITTEN = Rule()
_MARKS = tuple(one.name for one in fields(Rule))
USUAL = Rule(source="{platform}", medium="social")
"""Of a creator without a rule, where a post names a campaign."""


@dataclass(frozen=True)
class Wanted:
    """What the author of a post says: its campaign, and addresses that stay as they stand."""

    campaign: str = ""
    plain: tuple[str, ...] = ()


NO_WISH = Wanted()


@dataclass(frozen=True)
class Linked:
    """What becomes of the addresses of one post."""

    rule: Rule = AS_WRITTEN
    wanted: Wanted = NO_WISH

    @property
    def idle(self) -> bool:
        """Whether they stay as they stand."""
        return self.rule.idle

    def goes_to(self, address: str, channel: Channel) -> str:
        """An address with the marks of an account; as it is where it has any already."""
        parts = urlsplit(address)
        if any(name.lower().startswith("utm_") for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
            return address
        names = {"platform": channel.platform, "account": channel.account, "campaign": self.wanted.campaign}
        marks = {
            "source": self.rule.source,
            "medium": self.rule.medium,
            "campaign": self.wanted.campaign or self.rule.campaign,
            "content": self.rule.content,
        }
        filled = {name: _HOLE.sub(lambda hole: names.get(hole[1], ""), mark) for name, mark in marks.items()}
        said = "&".join(
            f"utm_{name}={quote(value.strip(), safe='')}" for name, value in filled.items() if value.strip()
        )
        before, fragment_sign, fragment = address.partition("#")
        joint = "" if not said else "&" if parts.query else "" if before.endswith("?") else "?"
        marked = f"{before}{joint}{said}{fragment_sign}{fragment}"
        return marked if len(marked) <= links.LONGEST else address

    def lead(self, address: str, channel: Channel, tenant_id: UUID, subject: Subject) -> Lead | None:
        """What stands in the place of an address; None where it stays."""
        if address in self.wanted.plain or not changeable(address, self.rule.base):
            return None
        goes = self.goes_to(address, channel)
        shown = f"{self.rule.base}{links.PATH}{links.slug_of(tenant_id, subject, goes)}" if self.rule.base else goes
        return Lead(shown, address) if shown != address else None


AS_IT_STANDS = Linked()


def changeable(address: str, base: str = "") -> bool:
    """Whether an address may be marked and made short: one of the web, without a name or a trick in it, not short
    already; `base` is where our own short ones lie."""
    if len(address) > links.LONGEST or "\\" in address or ",http" in address.lower():
        return False
    try:
        parts = urlsplit(address)
        hostname = (parts.hostname or "").lower()
    except ValueError:
        return False
    if not _HOST.fullmatch(parts.netloc) or hosts.hides(hostname):
        return False  # short already: marks would be lost on the way, and where it leads is hidden twice
    ours = base and parts.netloc.lower() == urlsplit(base).netloc.lower()
    return not (ours and parts.path.startswith(links.PATH))


def addresses(text: str) -> list[tuple[int, int]]:
    """Where addresses stand in a text, without the marks of the sentence around them; what goes on in letters that no
    address has, or in a bracket, is left out: nobody knows where it ends."""
    found = []
    for match in _ADDRESS.finditer(text):
        end = match.start() + len(match[0].rstrip(_STOPS))
        if _ends(text[match.end() : match.end() + 2]):
            found.append((match.start(), end))
    return found


def _ends(follows: str) -> bool:
    """Whether an address is over before what follows it."""
    if follows[:1] in ("(", "[") or (follows[:1] in ("'", '"') and follows[1:].isalnum()):
        return False
    return not follows or follows[0].isspace() or unicodedata.category(follows[0])[0] in "PSZ"


def named(texts: Sequence[str], base: str = "") -> list[str]:
    """The addresses of texts that would be changed, each once, in their order."""
    found = dict.fromkeys(text[start:end] for text in texts for start, end in addresses(text))
    return [one for one in found if changeable(one, base)][:MOST]


def dressed(said: Linked, channel: Channel, units: Sequence[Unit]) -> tuple[Unit, ...]:
    """The parts of a post on an account with what stands in the place of its addresses; pure."""
    if said.idle:
        return tuple(units)
    made: dict[str, Lead] = {}
    found = []
    for unit in units:
        texts = tuple(
            Text(one.field, _dressed(one.body, said, channel, unit, made)) if one.field == "body" else one
            for one in unit.texts
        )
        found.append(replace(unit, texts=texts, leads=tuple(made.values())))
    return tuple(found)


def _dressed(text: str, said: Linked, channel: Channel, unit: Unit, made: dict[str, Lead]) -> str:
    pieces, last = [], 0
    for start, end in addresses(text):
        address = text[start:end]
        if address not in made:
            lead = said.lead(address, channel, unit.tenant_id, unit.subject) if len(made) < MOST else None
            if lead is None:
                continue
            made[address] = lead
        pieces += [text[last:start], made[address].shown]
        last = end
    return "".join([*pieces, text[last:]])


def keep(scope: Scope, said: Linked, channel: Channel, unit: Unit) -> None:
    """Let the short addresses of a unit, and of the parts above it, lead where they do; again is the same."""
    if said.rule.base and unit.leads:
        targets = [said.goes_to(lead.target, channel) for lead in unit.leads]
        links.keep(scope, channel.id, unit.subject, targets)


def read(owner: Post) -> Linked:
    """What becomes of the addresses of a post."""
    return linked(owner.links)


def linked(stored: Mapping[str, Any]) -> Linked:
    """What becomes of addresses, from its stored form."""
    if not stored:
        return AS_IT_STANDS
    rule = {name: str(stored.get(name, "")) for name in _MARKS}
    return Linked(Rule(**rule), Wanted(str(stored.get("wanted", "")), tuple(stored.get("plain", ()))))


def taken(scope: Scope, creator_id: UUID, wanted: Wanted) -> dict[str, Any]:
    """What a post of a creator keeps that is written now. Raises BadInput for a campaign that is none."""
    return stored(rule_of(scope, creator_id), wanted)


def stored(rule: Rule, wanted: Wanted) -> dict[str, Any]:
    """The stored form of what becomes of the addresses of a post; nothing where they stay. Raises BadInput."""
    if not kept_plain(wanted.plain):
        raise BadInput("link.too_many_plain", most=MOST_PLAIN)
    _check_mark(wanted.campaign)
    rule = USUAL if rule.idle and wanted.campaign else rule
    if rule.idle:
        return {}
    said = {**asdict(rule), "wanted": wanted.campaign, "plain": list(dict.fromkeys(wanted.plain))}
    return {name: value for name, value in said.items() if value}


def kept_plain(plain: Sequence[str]) -> bool:
    """Whether a post can keep that these addresses stay as they stand; pure."""
    return len(plain) <= MOST_PLAIN and all(len(one) <= links.LONGEST and "\x00" not in one for one in plain)


def rule_of(scope: Scope, creator_id: UUID) -> Rule:
    """The rule of a creator; an idle one where nobody made any."""
    row = scope.session.exec(
        select(LinkRule)
        .where(LinkRule.tenant_id == scope.tenant_id, LinkRule.creator_id == creator_id)
        .execution_options(populate_existing=True)
    ).first()
    return Rule(row.base, row.source, row.medium, row.campaign, row.content) if row is not None else AS_WRITTEN


def set_rule(scope: Scope, creator_id: UUID, rule: Rule) -> None:
    """What becomes of addresses in what is written from now on; what is written keeps what it has.

    Raises BadInput for a base that is no address of a house, and for marks nobody can read.
    """
    if rule.base and not re.fullmatch(rf"https?://{_HOST.pattern}", rule.base, re.IGNORECASE):
        raise BadInput("link.no_base")
    for mark in (rule.source, rule.medium, rule.campaign, rule.content):
        _check_mark(mark)
        if any(hole not in PLACEHOLDERS for hole in _HOLE.findall(mark)):
            raise BadInput("link.no_such_hole", known=", ".join(f"{{{one}}}" for one in PLACEHOLDERS))
    scope.run(
        "INSERT INTO link_rules (tenant_id, id, creator_id, base, source, medium, campaign, content)"
        " VALUES (:tenant, :id, :creator, :base, :source, :medium, :campaign, :content)"
        " ON CONFLICT (tenant_id, creator_id) DO UPDATE SET base = excluded.base, source = excluded.source,"
        " medium = excluded.medium, campaign = excluded.campaign, content = excluded.content,"
        " updated_at = house_now()",
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=creator_id,
        **asdict(rule),
    )


def _check_mark(mark: str) -> None:
    if len(mark) > LONGEST_MARK or not mark.isprintable():
        raise BadInput("link.mark_unreadable", most=LONGEST_MARK)
