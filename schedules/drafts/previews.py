"""Previews of a draft on each account, with the reasons that would prevent publishing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.sending import step_runner
from connectors.contract.connector import Connector, SupportsTextCount
from connectors.contract.feed_layout import NEUTRAL_LAYOUT, FeedLayout
from connectors.shared import feed_preview, options
from connectors.shared.options import ReadableOption, readable_options
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from gate.contract.units import Medium, Rating, Subject, Unit, Verdict
from gate.permits import issuance
from gate.permits.issuance import Decision
from gate.policy import active_policy
from gate.policy.active_policy import ActivePolicy
from gate.policy.bundle import Bundle
from schedules.drafts import text_measures
from schedules.drafts.drafts import Draft
from schedules.drafts.text_measures import PLAIN_MEASURE, TextMeasure
from schedules.posts import (
    channel_limits,
    channel_overrides,
    deliveries,
    link_tracking,
    thread_parts,
)
from schedules.posts.channel_overrides import MAX_BODY_LENGTH, PAID_CONTENT_SHOWN_FREE, PostContent
from schedules.posts.delivery_units import (
    UnitMaterial,
    ai_disclosure_line_in,
    compose_thread_units,
    compose_unit,
    delivery_subject,
    load_unit_material,
    place_on_channel,
)
from schedules.posts.models import Delivery, Post
from schedules.posts.states import DASHBOARD_ORIGIN
from studio.library import assets

NOTHING = PostContent("", "", (), ())


@dataclass(frozen=True)
class RuleVerdict:
    """A rule of a destination: its name (the text is `place.<name>`) and its verdict for each
    rating."""

    name: str
    verdicts: tuple[tuple[Rating, Verdict], ...]


@dataclass(frozen=True)
class DestinationRules:
    """The rules of a destination, empty if it is unknown, and the date of their last review."""

    said: tuple[RuleVerdict, ...]
    read_on: date


@dataclass(frozen=True)
class PartPreview:
    """A further part of a post on one account; `length` and `most` are as in `PostPreview`."""

    number: int
    body: str
    media: tuple[Medium, ...]
    length: int
    most: int
    comment: bool
    warning: str = ""


@dataclass(frozen=True)
class PostPreview:
    """A post as one account would show it, and the reasons that would prevent publishing.

    It is built from the unit that would be sent. `length` and `most` are the length of the text
    with its required marks and the maximum, as the platform counts. `reasons` begins with the
    platform's limits, followed by the safety check; without reasons the post can be published.
    """

    channel_id: UUID
    account: str
    title: str
    body: str
    media: tuple[Medium, ...]
    flags: tuple[str, ...]
    length: int
    most: int
    most_media: int
    reasons: tuple[Message, ...]
    rule: DestinationRules
    stopped: bool = False
    """True if all reasons are emergency stops: the post is published when they end."""
    parts: tuple[PartPreview, ...] = ()
    """The parts after the first; empty if the platform joins them."""
    joined: bool = False
    """True if the parts are appended to the text of the post."""
    chosen: tuple[ReadableOption, ...] = ()
    """The post's options on this account."""
    platform: str = ""
    showing: FeedLayout = NEUTRAL_LAYOUT
    """The layout of posts in the platform's feed."""
    covered: bool = False
    """True if pictures are covered until a reader opens them."""
    warning: str = ""
    """The content warning before the text, or "" if there is none."""
    card: feed_preview.LinkCard | None = None
    """The link card of the post."""
    limit: Message | None = None
    """The limit that the post exceeds, because of which it cannot be scheduled."""
    measure: TextMeasure = PLAIN_MEASURE
    """The unit in which the platform counts the text."""
    said: PostContent = NOTHING
    """The content before required marks. Its assets have the same order as `all_media`."""

    @property
    def all_media(self) -> tuple[Medium, ...]:
        """Return every picture of the post, in display order."""
        return (*self.media, *(medium for part in self.parts for medium in part.media))


def preview_draft(
    scope: Scope, draft: Draft, *, author: str, connectors: Mapping[str, Connector], most: int = 12
) -> list[PostPreview]:
    """Return a preview of a draft on each of its accounts.

    Raises NotFound for a picture or account of another creator.
    """
    assets.check_assets_owned(scope, draft.creator_id, draft.assets)
    mine = {one.id: one for one in queries.list_creator_channels(scope, draft.creator_id)}
    if not mine.keys() >= set(draft.channels):
        raise NotFound("channel.unknown")
    chosen = [mine[one] for one in draft.channels[:most]]
    owner = _post_from_draft(scope, draft)
    by = active_policy.current_policy(scope)
    on = scope.now.date()
    shown = _preview_units_by_channel(
        scope, draft, owner, chosen, author=author, connectors=connectors, by=by
    )
    found = []
    for channel in chosen:
        said = channel_overrides.content_for_channel(owner, channel)
        connector = account_connectors.find_connector_for(connectors, channel)
        rule = rules_of_destination(
            by.bundle, channel.platform, channel.surface, on, paid=said.price is not None
        )
        units, decision = shown[channel.id]
        reasons = (
            ()
            if draft.is_empty
            else _collect_block_reasons(channel, units, connector, decision, scope.now)
        )
        if channel_overrides.is_paid_content_free(owner, channel):
            reasons = (PAID_CONTENT_SHOWN_FREE, *reasons)
        waits = decision.is_transient and len(reasons) == len(decision.reasons)
        found.append(
            replace(
                _build_post_preview(said, channel, units, connector, rule),
                reasons=reasons,
                stopped=waits,
                limit=None
                if draft.is_empty or connector is None
                else channel_limits.find_limit_problem(units, channel, connector, scope.now),
            )
        )
    return found


def _preview_units_by_channel(
    scope: Scope,
    draft: Draft,
    owner: Post,
    chosen: Sequence[Channel],
    *,
    author: str,
    connectors: Mapping[str, Connector],
    by: ActivePolicy,
) -> dict[UUID, tuple[list[Unit], Decision]]:
    """Return the units of a draft on each account, with required marks, and the decision about
    them."""
    raw = {}
    said = {}
    abouts = _subjects_by_channel(scope, draft)
    of = load_unit_material(scope, owner, chosen)
    for channel in chosen:
        about = abouts.get(channel.id) or _draft_subject_on_channel(draft, channel)
        first = place_on_channel(
            scope, _compose_draft_unit(scope, owner, channel, of), channel, about
        )
        connector = account_connectors.find_connector_for(connectors, channel)
        can = connector.capabilities if connector is not None else None
        raw[channel.id] = compose_thread_units(first, owner, channel, can, of) if can else (first,)
        said[channel.id] = channel_overrides.content_for_channel(owner, channel)
    found: dict[UUID, tuple[list[Unit], Decision]] = {}
    # Accounts with identical content share the gate's reads.
    for alike in _group_identical_channels(raw, said):
        posts = [raw[one] for one in alike]
        judged = issuance.preview_everywhere(
            scope, posts, author=author, line=lambda: ai_disclosure_line_in(of.languages), by=by
        )
        found |= zip(alike, judged, strict=True)
    return found


def _group_identical_channels(
    raw: Mapping[UUID, tuple[Unit, ...]], said: Mapping[UUID, PostContent]
) -> list[list[UUID]]:
    """Group accounts by their content and number of parts."""
    found: dict[tuple[PostContent, int], list[UUID]] = {}
    for one, units in raw.items():
        found.setdefault((said[one], len(units)), []).append(one)
    return list(found.values())


def _draft_subject_on_channel(draft: Draft, channel: Channel) -> Subject:
    # A stable id, because the short links of the preview depend on it.
    return delivery_subject(derived_uuid(draft.creator_id, "draft", channel.id))


def _subjects_by_channel(scope: Scope, draft: Draft) -> dict[UUID, Subject]:
    """Return the subject of a stored post on each account, which its short links depend on."""
    rows = deliveries.deliveries_of_post(scope, draft.post_id) if draft.post_id is not None else []
    return {row.channel_id: delivery_subject(row.id) for row in reversed(rows)}


def _build_post_preview(
    said: PostContent,
    channel: Channel,
    units: Sequence[Unit],
    connector: Connector | None,
    rule: DestinationRules,
) -> PostPreview:
    unit = units[0]
    counts = [count_text(one, connector) for one in units]
    can = (
        options.capabilities_for(connector.capabilities, unit.options)
        if connector is not None
        else None
    )
    showing = can.feed_layout(channel.surface) if can is not None else NEUTRAL_LAYOUT
    return PostPreview(
        channel_id=channel.id,
        account=channel.name,
        title=unit.text_of("title"),
        body=unit.text_of("body"),
        media=unit.media,
        flags=tuple(sorted({flag for one in units for flag in one.flags})),
        length=counts[0][0],
        most=counts[0][1],
        most_media=can.size_limits(channel.surface)[1] if can is not None else 0,
        reasons=(),
        rule=rule,
        parts=tuple(
            PartPreview(
                number,
                one.text_of("body"),
                one.media,
                *counts[number - 1],
                piece.comment,
                feed_preview.content_warning(one, connector),
            )
            for number, (one, piece) in enumerate(zip(units[1:], said.parts, strict=False), start=2)
        ),
        joined=bool(said.parts) and len(units) == 1,
        chosen=readable_options(said.options, can) if can is not None else (),
        platform=channel.platform,
        showing=showing,
        covered=any(feed_preview.is_covered(showing, one) for one in units),
        warning=feed_preview.content_warning(unit, connector),
        card=feed_preview.link_card(unit, connector),
        measure=text_measures.find_text_measure(unit, connector),
        said=said,
    )


def count_text(unit: Unit, connector: Connector | None) -> tuple[int, int]:
    """Return the length of a unit's text as its platform counts, and the maximum."""
    if isinstance(connector, SupportsTextCount):
        return connector.count_text(unit)
    if connector is None:
        return len(unit.text_of("body")), MAX_BODY_LENGTH
    most = options.capabilities_for(connector.capabilities, unit.options).size_limits(unit.surface)[
        0
    ]
    return len(unit.text_of("body")), most


def _post_from_draft(scope: Scope, draft: Draft) -> Post:
    return Post(
        tenant_id=scope.tenant_id,
        creator_id=draft.creator_id,
        id=derived_uuid(draft.creator_id, "draft"),
        title=draft.title,
        body=draft.body,
        media=[str(asset) for asset in draft.media],
        parts=thread_parts.dump_thread(draft.parts),
        overrides=channel_overrides.dump_overrides(draft.others),
        links=_resolve_link_plan(scope, draft),
        origin=DASHBOARD_ORIGIN,
        origin_key="",
        author=scope.actor,
        text_ai=draft.text_ai,
        late_ok=None,
        digest="",
    )


def _resolve_link_plan(scope: Scope, draft: Draft) -> dict[str, object]:
    """Return the link plan of a stored post, or that of a new post."""
    if draft.post_id is not None:
        return deliveries.get_post(scope, draft.post_id).links
    return link_tracking.build_link_plan(scope, draft.creator_id, draft.links)


def _compose_draft_unit(scope: Scope, owner: Post, channel: Channel, of: UnitMaterial) -> Unit:
    """Compose the unit of a draft with the same function as that of a published post."""
    row = Delivery(
        tenant_id=scope.tenant_id,
        creator_id=owner.creator_id,
        id=derived_uuid(owner.id, channel.id),
        post_id=owner.id,
        channel_id=channel.id,
        wall_time="",
        zone=channel.zone,
        due_at=scope.now,
    )
    return compose_unit(scope, row, owner, channel, of)


def rules_of_destination(
    rules: Bundle, platform: str, surface: str, on: date, *, paid: bool = False
) -> DestinationRules:
    """Return the rules of a destination on a day; with `paid` those for priced posts."""
    ratings = [rating for rating in Rating if rating is not Rating.X]
    said = (
        RuleVerdict(name, tuple((rating, row.verdict(rating)) for rating in ratings))
        for name, row in rules.source_rows(platform, surface, on=on, paid=paid)
    )
    return DestinationRules(tuple(said), rules.read_on)


def _collect_block_reasons(
    channel: Channel,
    units: Sequence[Unit],
    connector: Connector | None,
    decision: Decision,
    now: datetime,
) -> tuple[Message, ...]:
    found = []
    if channel.state != ChannelState.ACTIVE:
        found.append(Message("delivery.channel_not_ready", {"account": channel.name}))
    if connector is not None:
        unfit = (step_runner.sending_problem(one, connector, now) for one in units)
        found += [reason for reason in unfit if reason is not None]
    # The destination is checked just before publishing.
    if not decision.is_allowed and not (
        decision.needs_place_check and channel.can_check_destination
    ):
        found += [Message(f"gate.{reason}") for reason in decision.reasons] or [
            decision.main_reason
        ]
    return tuple(one for place, one in enumerate(found) if one not in found[:place])
