"""Tracking parameters and short links in posts.

A creator's link policy applies to new posts. Each post stores the plan that applied when it was
written, and approvals cover that plan. Short links are computed from the post and the account, so
that the preview, the length check and the published text are identical. Text that is not clearly a
web address is not changed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import regex
from sqlmodel import select

from channels.accounts.queries import Channel
from channels.links import short_links, utm_parameters
from foundation.db.database import Scope
from foundation.errors import BadInput, about_input
from foundation.i18n.visible_text import is_one_line
from foundation.i18n.web_addresses import is_web_address, iterate_web_addresses
from foundation.ids import uuid7
from gate.contract.units import LinkReplacement, Subject, Text, Unit
from gate.text import urls
from schedules.posts.models import LinkRule, Post

MAX_TRACKED_ADDRESSES = 100
"""Maximum number of addresses of one post that are changed; further ones stay unchanged."""

MAX_LINK_PARAMETER_LENGTH = 80
MAX_PLAIN_ADDRESSES = 50
PLACEHOLDERS = ("platform", "account", "campaign")
"""Names that a tracking parameter can contain in braces."""

_UNCERTAIN = frozenset("'()[]")
"""Characters whose meaning after an address depends on the reader's program."""

_BREAK = regex.compile(r"[\s\p{P}\p{S}\p{Z}]")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?", re.IGNORECASE)
_HOLE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class LinkPolicy:
    """The link policy of a creator.

    `base` is the base address of short links, or "" if links are not shortened. The other fields
    are the utm parameters; `{platform}`, `{account}` and `{campaign}` in them are replaced by their
    values.
    """

    base: str = ""
    source: str = ""
    medium: str = ""
    campaign: str = ""
    content: str = ""

    @property
    def is_idle(self) -> bool:
        """Return True if addresses stay unchanged."""
        return self == IDLE_LINK_POLICY


IDLE_LINK_POLICY = LinkPolicy()
_MARKS = tuple(one.name for one in fields(LinkPolicy))
USUAL = LinkPolicy(source="{platform}", medium="social")
"""The default policy, for posts with a campaign of a creator without a policy."""


@dataclass(frozen=True)
class LinkChoices:
    """The choices of an author: the campaign, and addresses that stay unchanged."""

    campaign: str = ""
    plain: tuple[str, ...] = ()


DEFAULT_LINK_CHOICES = LinkChoices()


@dataclass(frozen=True)
class LinkPlan:
    """The link policy and the author's choices that apply to one post."""

    rule: LinkPolicy = IDLE_LINK_POLICY
    wanted: LinkChoices = DEFAULT_LINK_CHOICES

    @property
    def is_idle(self) -> bool:
        """Return True if addresses stay unchanged."""
        return self.rule.is_idle

    def tagged_address(self, address: str, channel: Channel) -> str:
        """Return an address with its utm parameters; unchanged if it has any already."""
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
        return utm_parameters.add_utm_parameters(
            address,
            {
                name: _HOLE.sub(lambda hole: names.get(hole[1], ""), mark)
                for name, mark in marks.items()
            },
        )

    def replacement_link(
        self, address: str, channel: Channel, tenant_id: UUID, subject: Subject
    ) -> LinkReplacement | None:
        """Return the link that replaces an address, or None if the address stays unchanged."""
        if address in self.wanted.plain or not is_changeable(address, self.rule.base):
            return None
        tagged = self.tagged_address(address, channel)
        if self.rule.base:
            slug = short_links.make_link_slug(tenant_id, subject, tagged)
            shown = f"{self.rule.base}{short_links.LINK_PATH}{slug}"
            return LinkReplacement(shown, address, opens=tagged)
        return LinkReplacement(tagged, address) if tagged != address else None


IDLE_LINK_PLAN = LinkPlan()


def is_changeable(address: str, base: str = "") -> bool:
    """Return True if an address can get tracking parameters and be shortened.

    Returns False for addresses with credentials, addresses with a hidden target and short links;
    `base` is the address of this installation's short links.
    """
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
        # A shortener loses the parameters on redirect, and shortening it again hides the target.
        return False
    ours = base and parts.netloc.lower() == urlsplit(base).netloc.lower()
    return not (ours and parts.path.startswith(short_links.LINK_PATH))


def find_addresses(text: str) -> list[tuple[int, int]]:
    """Return the start and end of each web address in a text, without surrounding punctuation.

    Addresses followed by other characters or an opening bracket are skipped, because their end is
    uncertain.
    """
    return [
        (start, end)
        for start, end in iterate_web_addresses(text)
        if text[start:end].isascii()
        and not re.match(r"[A-Za-z0-9_]", text[start - 1 : start])  # the end of another scheme
        and not set(text[start:end]) & _UNCERTAIN
        and _is_address_end(text[end : end + 2])
    ]


def _is_address_end(follows: str) -> bool:
    """Return True if the text that follows cannot belong to the address."""
    if follows[:1] in ("(", "[") or (follows[:1] in ("'", '"') and follows[1:].isalnum()):
        return False
    return not follows or _BREAK.match(follows) is not None


def changeable_addresses(texts: Sequence[str], base: str = "") -> list[str]:
    """Return the addresses in texts that can be changed, each once, in order."""
    found = dict.fromkeys(text[start:end] for text in texts for start, end in find_addresses(text))
    return [one for one in found if is_changeable(one, base)][:MAX_TRACKED_ADDRESSES]


def apply_link_plan(said: LinkPlan, channel: Channel, units: Sequence[Unit]) -> tuple[Unit, ...]:
    """Replace the addresses in the units of a post on an account; pure."""
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
    """Store the targets of the short links in a unit and the parts before it. Idempotent."""
    if said.rule.base and unit.leads:
        targets = {
            lead.opens or said.tagged_address(lead.target, channel): lead.target
            for lead in unit.leads
        }
        short_links.store_links(
            scope,
            channel.id,
            unit.subject,
            targets,
            creator_id=unit.creator_id,
            place=unit.place_id,
        )


def link_plan_of_post(owner: Post) -> LinkPlan:
    """Return the link plan of a post."""
    return parse_link_plan(owner.links)


def parse_link_plan(stored: Mapping[str, Any]) -> LinkPlan:
    """Return a link plan from its stored form."""
    if not stored:
        return IDLE_LINK_PLAN
    rule = {name: str(stored.get(name, "")) for name in _MARKS}
    return LinkPlan(
        LinkPolicy(**rule),
        LinkChoices(str(stored.get("wanted", "")), tuple(stored.get("plain", ()))),
    )


def build_link_plan(scope: Scope, creator_id: UUID, wanted: LinkChoices) -> dict[str, Any]:
    """Return the stored link plan for a new post of a creator. Raises BadInput for an invalid
    campaign."""
    return dump_link_plan(link_policy_of_creator(scope, creator_id), wanted)


def dump_link_plan(rule: LinkPolicy, wanted: LinkChoices) -> dict[str, Any]:
    """Return the stored form of a link plan; empty if addresses stay unchanged. Raises BadInput."""
    if not can_keep_plain(wanted.plain):
        raise BadInput("link.too_many_plain", most=MAX_PLAIN_ADDRESSES)
    _check_mark(wanted.campaign)
    rule = USUAL if rule.is_idle and wanted.campaign else rule
    if rule.is_idle:
        return {}
    said = {**asdict(rule), "wanted": wanted.campaign, "plain": list(dict.fromkeys(wanted.plain))}
    return {name: value for name, value in said.items() if value}


def can_keep_plain(plain: Sequence[str]) -> bool:
    """Return True if a post can store the choice to leave these addresses unchanged; pure."""
    return len(plain) <= MAX_PLAIN_ADDRESSES and all(
        len(one) <= short_links.MAX_LINK_TARGET_LENGTH and "\x00" not in one for one in plain
    )


def link_policy_of_creator(scope: Scope, creator_id: UUID) -> LinkPolicy:
    """Return the link policy of a creator, or an idle one if none is set."""
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
    """Set the link policy of a creator for posts that are written from now on.

    Raises BadInput if the base is not the address of a host, or if a parameter is invalid.
    """
    host = rule.base.partition("://")[2]
    if rule.base and not (is_web_address(rule.base) and _HOST.fullmatch(host)):
        raise BadInput("link.no_base")
    for name in ("source", "medium", "campaign", "content"):
        with about_input(name):
            _check_template(getattr(rule, name))
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


def _check_template(mark: str) -> None:
    _check_mark(mark)
    if any(hole not in PLACEHOLDERS for hole in _HOLE.findall(mark)):
        raise BadInput("link.no_such_hole", known=", ".join(f"{{{one}}}" for one in PLACEHOLDERS))


def _check_mark(mark: str) -> None:
    if len(mark) > MAX_LINK_PARAMETER_LENGTH or not is_one_line(mark):
        raise BadInput("link.mark_unreadable", most=MAX_LINK_PARAMETER_LENGTH)
