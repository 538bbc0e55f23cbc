"""Writes the texts somebody asked for, by the engine there is. No transaction is open while it writes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from channels.accounts import account_connectors
from channels.accounts import queries as channel_reads
from channels.accounts.queries import Channel
from connectors.contract.connector import Connector
from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from foundation.outbox.heartbeat import heartbeat
from gate.contract.units import Medium, Text, Unit
from generators.contract.engines import EngineError, TextEngine
from schedules.drafts import previews
from schedules.posts.delivery_units import ai_disclosure_line_in, delivery_subject, place_on_channel
from schedules.suggestions.captions import prompts, proposals
from schedules.suggestions.captions.prompts import CaptionFailure, CaptionOffer, CaptionTarget
from schedules.suggestions.captions.proposals import CaptionSet
from schedules.suggestions.events import CaptionSetDue
from schedules.suggestions.shared import recent_texts, text_rules
from schedules.suggestions.shared.text_rules import TextRules
from studio.costs.text_requests import FREE_BILLING, TextBilling, TextPurpose, TextSession
from studio.library import assets
from tenants.agencies import queries as tenant_reads

WRITING = "system:kit"
Step = Callable[[], "list[CaptionOffer] | CaptionOffer | CaptionFailure"]


@dataclass(frozen=True)
class _Desk:
    """All that is known before a model is asked."""

    kit: CaptionSet
    creator: str
    rules: TextRules
    places: Sequence[CaptionTarget]


def generate_captions(
    event: CaptionSetDue,
    *,
    tenant: OpenScope,
    engine: Callable[[], TextEngine],
    connectors: Mapping[str, Connector],
    billing: TextBilling = FREE_BILLING,
) -> None:
    """Write each text that was asked for; what cannot be written is kept with its reason. `billing` says what models
    cost.

    A repeat after a crash asks the model again: nothing was kept, and what was asked before counts as lost.
    """
    with tenant(event.tenant_id, WRITING) as scope:
        desk = _load_generation_input(scope, event, connectors)
    if desk is None:
        return
    offers: list[CaptionOffer] = []
    lacks: list[CaptionFailure] = []
    wish = desk.kit.wish
    sitting = TextSession(tenant, event.tenant_id, wish.creator_id, TextPurpose.KIT, desk.kit.draft, billing)
    with heartbeat() as pulse:
        try:
            model = sitting.counted_engine(engine())
        except EngineError as error:  # the settings name a model that is not there: waiting does not help
            model, lacks = None, [CaptionFailure("kit", error.message)]
        for step in _iterate_generation_steps(desk, model) if model is not None else ():
            pulse.check_lease()
            match step():
                case CaptionFailure() as lack:
                    lacks.append(lack)
                case CaptionOffer() as offer:
                    offers.append(offer)
                case several:
                    offers += several
        pulse.check_lease()
    with tenant(event.tenant_id, WRITING) as scope:
        if proposals.store_captions(scope, event.subject_id, offers, lacks) and offers:
            sitting.mark_used(scope)


def fail_captions(event: CaptionSetDue, *, tenant: OpenScope) -> None:
    """Say so to who waits, after the last try broke off."""
    with tenant(event.tenant_id, WRITING) as scope:
        proposals.store_captions(scope, event.subject_id, [], [CaptionFailure("kit", Message("kit.gave_up"))])


def _iterate_generation_steps(desk: _Desk, engine: TextEngine) -> Iterator[Step]:
    """What a model is asked, one after the other."""
    wish, seed = desk.kit.wish, derived_uuid(desk.kit.id, "words").int % 2**30
    ask = (engine, wish, desk.creator, desk.rules)
    if wish.kit:
        yield partial(prompts.write_caption_set, *ask, seed=seed, places=desk.places)
    for number, place in enumerate(desk.places, start=1):
        yield partial(prompts.write_channel_version, *ask, place, seed=seed + 10 * number)
    for number, language in enumerate(wish.into, start=100):
        yield partial(prompts.write_translation, *ask, language, seed=seed + 10 * number)


def _load_generation_input(scope: Scope, event: CaptionSetDue, connectors: Mapping[str, Connector]) -> _Desk | None:
    kit = proposals.pending_captions(scope, event.subject_id)
    if kit is None:
        return None
    wish, creator = kit.wish, tenant_reads.get_creator(scope, kit.wish.creator_id)
    mark = ai_disclosure_line_in(creator.languages)
    hers = {one.id: one for one in channel_reads.list_creator_channels(scope, creator.id)}
    places = [
        _build_caption_target(scope, kit, hers[one], account_connectors.find_connector_for(connectors, hers[one]), mark)
        for one in wish.places
        if one in hers
    ]
    sources = tuple(filter(None, (wish.idea, wish.picture, wish.source)))
    rules = TextRules(
        wish.language,
        wish.forbidden,
        text_rules.known_texts(recent_texts.list_recent_texts(scope, creator.id)),
        sources,
    )
    return _Desk(kit, creator.name, rules, places)


def _load_renditions(scope: Scope, kit: CaptionSet, channel: Channel) -> tuple[Medium, ...]:
    """The picture it goes with, since some places take fewer words beside one; none where it is gone by now."""
    if kit.wish.asset is None:
        return ()
    try:
        return tuple(assets.get_renditions(scope, [kit.wish.asset], channel.platform).values())
    except NotFound:
        return ()


def _build_caption_target(
    scope: Scope, kit: CaptionSet, channel: Channel, connector: Connector | None, mark: str
) -> CaptionTarget:
    """An account, as its connector counts a post with this picture and the line that a model wrote it."""
    media = _load_renditions(scope, kit, channel)
    about = delivery_subject(derived_uuid(kit.id, channel.id))
    content = Unit(
        tenant_id=scope.tenant_id,
        creator_id=kit.wish.creator_id,
        subject=about,
        platform="",
        surface="",
        channel_id=channel.id,
        account="",
        audience="public",
        media=media,
        text_ai="generated",
    )
    unit = place_on_channel(scope, content, channel, about)

    def count(text: str) -> tuple[int, int]:
        return previews.count_text(replace(unit, texts=(Text("body", f"{text}\n\n{mark}"),)), connector)

    length, most = count("")
    return CaptionTarget(str(channel.id), channel.platform, count, max(most - length, 1))
