"""What becomes of the addresses in a post: marks of where a reader came from, and a short one of
the house instead.

A creator's rule says it of what is written from now on; each post keeps what held when it was
written, and a yes to the post is one to that. The short address of a post on an account follows
from the two, so that what is shown before, what is counted and what leaves are the same text. What
is not surely an address of the web stays as it stands.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit
from uuid import UUID

import regex
from sqlmodel import select

from channels.accounts.queries import Channel
from channels.links import short_links
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.visible_text import is_one_line
from foundation.ids import uuid7
from gate.contract.units import LinkReplacement, Subject, Text, Unit
from gate.text import urls
from schedules.posts.models import LinkRule, Post

MAX_TRACKED_ADDRESSES = 100
"""Addresses of one post that are changed; more stay as they stand."""

MAX_LINK_PARAMETER_LENGTH = 80
MAX_PLAIN_ADDRESSES = 50
PLACEHOLDERS = ("platform", "account", "campaign")
"""What a mark may name in braces."""

_ADDRESS = re.compile(r"\bhttps?://[!#-&*-;=?-Z\\^-~]+", re.IGNORECASE)
"""Visible letters of ASCII without quotes and brackets, as `gate.text.text_rating.extract_links`
reads them."""

_BREAK = regex.compile(r"[\s\p{P}\p{S}\p{Z}]")
_STOPS = ".,;:!?"
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?", re.IGNORECASE)
_HOLE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class LinkPolicy:
    """What becomes of addresses: short ones lie under `base` (none without it), the others are
    marks (utm_…), where `{platform}`, `{account}` and `{campaign}` stand for what they are
    called."""

    base: str = ""
    source: str = ""
    medium: str = ""
    campaign: str = ""
    content: str = ""

    @property
    def is_idle(self) -> bool:
        """Whether addresses stay as they stand."""
        return self == IDLE_LINK_POLICY


IDLE_LINK_POLICY = LinkPolicy()
_MARKS = tuple(one.name for one in fields(LinkPolicy))
USUAL = LinkPolicy(source="{platform}", medium="social")
"""Of a creator without a rule, where a post names a campaign."""


@dataclass(frozen=True)
class LinkChoices:
    """What the author of a post says: its campaign, and addresses that stay as they stand."""

    campaign: str = ""
    plain: tuple[str, ...] = ()


DEFAULT_LINK_CHOICES = LinkChoices()


@dataclass(frozen=True)
class LinkPlan:
    """What becomes of the addresses of one post."""

    rule: LinkPolicy = IDLE_LINK_POLICY
    wanted: LinkChoices = DEFAULT_LINK_CHOICES

    @property
    def is_idle(self) -> bool:
        """Whether they stay as they stand."""
        return self.rule.is_idle

    def tagged_address(self, address: str, channel: Channel) -> str:
        """An address with the marks of an account; as it is where it has any already."""
        parts = urlsplit(address)
        if any(
            name.lower().startswith("utm_")
            for name, _ in parse_qsl(parts.query, keep_blank_values=True)
        ):
            return address
        names = {
            "platform": channel.platform,
            "account": channel.account,
            "campaign": self.wanted.campaign,
        }
        marks = {
            "source": self.rule.source,
            "medium": self.rule.medium,
            "campaign": self.wanted.campaign or self.rule.campaign,
            "content": self.rule.content,
        }
        filled = {
            name: _HOLE.sub(lambda hole: names.get(hole[1], ""), mark)
            for name, mark in marks.items()
        }
        said = "&".join(
            f"utm_{name}={quote(value.strip(), safe='')}"
            for name, value in filled.items()
            if value.strip()
        )
        before, fragment_sign, fragment = address.partition("#")
        joint = ""
        if said and parts.query:
            joint = "&"
        elif said and not before.endswith("?"):
            joint = "?"
        marked = f"{before}{joint}{said}{fragment_sign}{fragment}"
        return marked if len(marked) <= short_links.MAX_LINK_TARGET_LENGTH else address

    def replacement_link(
        self, address: str, channel: Channel, tenant_id: UUID, subject: Subject
    ) -> LinkReplacement | None:
        """What stands in the place of an address; None where it stays."""
        if address in self.wanted.plain or not is_changeable(address, self.rule.base):
            return None
        goes = self.tagged_address(address, channel)
        shown = goes
        if self.rule.base:
            slug = short_links.make_link_slug(tenant_id, subject, goes)
            shown = f"{self.rule.base}{short_links.LINK_PATH}{slug}"
        return LinkReplacement(shown, address) if shown != address else None


IDLE_LINK_PLAN = LinkPlan()


def is_changeable(address: str, base: str = "") -> bool:
    """Whether an address may be marked and made short: one of the web, without a name or a trick in
    it, not short already; `base` is where our own short ones lie."""
    if (
        len(address) > short_links.MAX_LINK_TARGET_LENGTH
        or "\\" in address
        or ",http" in address.lower()
    ):
        return False
    try:
        parts = urlsplit(address)
        hostname = (parts.hostname or "").lower()
    except ValueError:
        return False
    if not _HOST.fullmatch(parts.netloc) or urls.is_shortener(hostname):
        # short already: marks would be lost on the way, and where it leads is hidden twice
        return False
    ours = base and parts.netloc.lower() == urlsplit(base).netloc.lower()
    return not (ours and parts.path.startswith(short_links.LINK_PATH))


def find_addresses(text: str) -> list[tuple[int, int]]:
    """Where addresses stand in a text, without the marks of the sentence around them; what goes on
    in letters that no address has, or in a bracket, is left out: nobody knows where it ends."""
    found = []
    for match in _ADDRESS.finditer(text):
        end = match.start() + len(match[0].rstrip(_STOPS))
        if _is_address_end(text[match.end() : match.end() + 2]):
            found.append((match.start(), end))
    return found


def _is_address_end(follows: str) -> bool:
    """Whether an address is over before what follows it."""
    if follows[:1] in ("(", "[") or (follows[:1] in ("'", '"') and follows[1:].isalnum()):
        return False
    return not follows or _BREAK.match(follows) is not None


def changeable_addresses(texts: Sequence[str], base: str = "") -> list[str]:
    """The addresses of texts that would be changed, each once, in their order."""
    found = dict.fromkeys(text[start:end] for text in texts for start, end in find_addresses(text))
    return [one for one in found if is_changeable(one, base)][:MAX_TRACKED_ADDRESSES]


def apply_link_plan(said: LinkPlan, channel: Channel, units: Sequence[Unit]) -> tuple[Unit, ...]:
    """The parts of a post on an account with what stands in the place of its addresses; pure."""
    if said.is_idle:
        return tuple(units)
    made: dict[str, LinkReplacement] = {}
    found = []
    for unit in units:
        texts = tuple(
            Text(one.field, _replace_addresses(one.body, said, channel, unit, made))
            if one.field == "body"
            else one
            for one in unit.texts
        )
        found.append(replace(unit, texts=texts, leads=tuple(made.values())))
    return tuple(found)


def _replace_addresses(
    text: str, said: LinkPlan, channel: Channel, unit: Unit, made: dict[str, LinkReplacement]
) -> str:
    pieces = []
    last = 0
    for start, end in find_addresses(text):
        address = text[start:end]
        if address not in made:
            lead = (
                said.replacement_link(address, channel, unit.tenant_id, unit.subject)
                if len(made) < MAX_TRACKED_ADDRESSES
                else None
            )
            if lead is None:
                continue
            made[address] = lead
        pieces += [text[last:start], made[address].shown]
        last = end
    return "".join([*pieces, text[last:]])


def register_short_links(scope: Scope, said: LinkPlan, channel: Channel, unit: Unit) -> None:
    """Let the short addresses of a unit, and of the parts above it, lead where they do; again is
    the same."""
    if said.rule.base and unit.leads:
        targets = [said.tagged_address(lead.target, channel) for lead in unit.leads]
        short_links.store_links(scope, channel.id, unit.subject, targets)


def link_plan_of_post(owner: Post) -> LinkPlan:
    """What becomes of the addresses of a post."""
    return parse_link_plan(owner.links)


def parse_link_plan(stored: Mapping[str, Any]) -> LinkPlan:
    """What becomes of addresses, from its stored form."""
    if not stored:
        return IDLE_LINK_PLAN
    rule = {name: str(stored.get(name, "")) for name in _MARKS}
    return LinkPlan(
        LinkPolicy(**rule),
        LinkChoices(str(stored.get("wanted", "")), tuple(stored.get("plain", ()))),
    )


def build_link_plan(scope: Scope, creator_id: UUID, wanted: LinkChoices) -> dict[str, Any]:
    """What a post of a creator keeps that is written now. Raises BadInput for a campaign that is
    none."""
    return dump_link_plan(link_policy_of_creator(scope, creator_id), wanted)


def dump_link_plan(rule: LinkPolicy, wanted: LinkChoices) -> dict[str, Any]:
    """The stored form of what becomes of the addresses of a post; nothing where they stay. Raises
    BadInput."""
    if not can_keep_plain(wanted.plain):
        raise BadInput("link.too_many_plain", most=MAX_PLAIN_ADDRESSES)
    _check_mark(wanted.campaign)
    rule = USUAL if rule.is_idle and wanted.campaign else rule
    if rule.is_idle:
        return {}
    said = {**asdict(rule), "wanted": wanted.campaign, "plain": list(dict.fromkeys(wanted.plain))}
    return {name: value for name, value in said.items() if value}


def can_keep_plain(plain: Sequence[str]) -> bool:
    """Whether a post can keep that these addresses stay as they stand; pure."""
    return len(plain) <= MAX_PLAIN_ADDRESSES and all(
        len(one) <= short_links.MAX_LINK_TARGET_LENGTH and "\x00" not in one for one in plain
    )


def link_policy_of_creator(scope: Scope, creator_id: UUID) -> LinkPolicy:
    """The rule of a creator; an idle one where nobody made any."""
    row = scope.session.exec(
        select(LinkRule)
        .where(LinkRule.tenant_id == scope.tenant_id, LinkRule.creator_id == creator_id)
        .execution_options(populate_existing=True)
    ).first()
    return (
        LinkPolicy(row.base, row.source, row.medium, row.campaign, row.content)
        if row is not None
        else IDLE_LINK_POLICY
    )


def set_link_policy(scope: Scope, creator_id: UUID, rule: LinkPolicy) -> None:
    """What becomes of addresses in what is written from now on; what is written keeps what it has.

    Raises BadInput for a base that is no address of a house, and for marks nobody can read.
    """
    if rule.base and not re.fullmatch(rf"https?://{_HOST.pattern}", rule.base, re.IGNORECASE):
        raise BadInput("link.no_base")
    for mark in (rule.source, rule.medium, rule.campaign, rule.content):
        _check_mark(mark)
        if any(hole not in PLACEHOLDERS for hole in _HOLE.findall(mark)):
            raise BadInput(
                "link.no_such_hole", known=", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
            )
    scope.run(
        "INSERT INTO link_rules (tenant_id, id, creator_id, base, source, medium, campaign, "
        "content)"
        " VALUES (:tenant, :id, :creator, :base, :source, :medium, :campaign, :content)"
        " ON CONFLICT (tenant_id, creator_id) DO UPDATE SET base = excluded.base, source = "
        "excluded.source,"
        " medium = excluded.medium, campaign = excluded.campaign, content = excluded.content,"
        " updated_at = house_now()",
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=creator_id,
        **asdict(rule),
    )


def _check_mark(mark: str) -> None:
    if len(mark) > MAX_LINK_PARAMETER_LENGTH or not is_one_line(mark):
        raise BadInput("link.mark_unreadable", most=MAX_LINK_PARAMETER_LENGTH)
