"""Writes the texts somebody asked for, by the engine there is. No transaction is open while it writes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from channels import abilities
from channels import reads as channel_reads
from channels.reads import Channel
from connectors.contract import Connector
from foundation.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.ids import derived
from foundation.jobs import heartbeat
from foundation.words import Message
from gate.units import Medium, Text, Unit
from generators.contract import EngineError, TextEngine
from schedules import kits, kits_checks, kits_words, lately, previewing
from schedules.composing import ai_line_in, placed, subject
from schedules.events import KitWords
from schedules.kits import Kit
from schedules.kits_checks import Rules
from schedules.kits_words import Lack, Offer, Place
from studio import library
from studio.text_costs import FREE, Billing, Purpose, Sitting
from tenants import reads as tenant_reads

WRITING = "system:kit"
Step = Callable[[], "list[Offer] | Offer | Lack"]


@dataclass(frozen=True)
class _Desk:
    """All that is known before a model is asked."""

    kit: Kit
    creator: str
    rules: Rules
    places: Sequence[Place]


def write(
    event: KitWords,
    *,
    tenant: OpenScope,
    engine: Callable[[], TextEngine],
    connectors: Mapping[str, Connector],
    billing: Billing = FREE,
) -> None:
    """Write each text that was asked for; what cannot be written is kept with its reason. `billing` says what models
    cost.

    A repeat after a crash asks the model again: nothing was kept, and what was asked before counts as lost.
    """
    with tenant(event.tenant_id, WRITING) as scope:
        desk = _desk(scope, event, connectors)
    if desk is None:
        return
    offers: list[Offer] = []
    lacks: list[Lack] = []
    wish = desk.kit.wish
    sitting = Sitting(tenant, event.tenant_id, wish.creator_id, Purpose.KIT, desk.kit.draft, billing)
    with heartbeat() as pulse:
        try:
            model = sitting.model(engine())
        except EngineError as error:  # the settings name a model that is not there: waiting does not help
            model, lacks = None, [Lack("kit", error.message)]
        for step in _steps(desk, model) if model is not None else ():
            pulse.check()
            match step():
                case Lack() as lack:
                    lacks.append(lack)
                case Offer() as offer:
                    offers.append(offer)
                case several:
                    offers += several
        pulse.check()
    with tenant(event.tenant_id, WRITING) as scope:
        if kits.settle(scope, event.subject_id, offers, lacks) and offers:
            sitting.kept(scope)


def gave_up(event: KitWords, *, tenant: OpenScope) -> None:
    """Say so to who waits, after the last try broke off."""
    with tenant(event.tenant_id, WRITING) as scope:
        kits.settle(scope, event.subject_id, [], [Lack("kit", Message("kit.gave_up"))])


def _steps(desk: _Desk, engine: TextEngine) -> Iterator[Step]:
    """What a model is asked, one after the other."""
    wish, seed = desk.kit.wish, derived(desk.kit.id, "words").int % 2**30
    ask = (engine, wish, desk.creator, desk.rules)
    if wish.kit:
        yield partial(kits_words.kit, *ask, seed=seed, places=desk.places)
    for number, place in enumerate(desk.places, start=1):
        yield partial(kits_words.version, *ask, place, seed=seed + 10 * number)
    for number, language in enumerate(wish.into, start=100):
        yield partial(kits_words.translation, *ask, language, seed=seed + 10 * number)


def _desk(scope: Scope, event: KitWords, connectors: Mapping[str, Connector]) -> _Desk | None:
    kit = kits.unwritten(scope, event.subject_id)
    if kit is None:
        return None
    wish, creator = kit.wish, tenant_reads.creator(scope, kit.wish.creator_id)
    mark = ai_line_in(creator.languages)
    hers = {one.id: one for one in channel_reads.channels_of(scope, creator.id)}
    places = [
        _place(scope, kit, hers[one], abilities.known(connectors, hers[one]), mark)
        for one in wish.places
        if one in hers
    ]
    sources = tuple(filter(None, (wish.idea, wish.picture, wish.source)))
    rules = Rules(wish.language, wish.forbidden, kits_checks.said_of(lately.said(scope, creator.id)), sources)
    return _Desk(kit, creator.name, rules, places)


def _media(scope: Scope, kit: Kit, channel: Channel) -> tuple[Medium, ...]:
    """The picture it goes with, since some places take fewer words beside one; none where it is gone by now."""
    if kit.wish.asset is None:
        return ()
    try:
        return tuple(library.media_of(scope, [kit.wish.asset], channel.platform).values())
    except NotFound:
        return ()


def _place(scope: Scope, kit: Kit, channel: Channel, connector: Connector | None, mark: str) -> Place:
    """An account, as its connector counts a post with this picture and the line that a model wrote it."""
    media = _media(scope, kit, channel)
    about = subject(derived(kit.id, channel.id))
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
    unit = placed(scope, content, channel, about)

    def count(text: str) -> tuple[int, int]:
        return previewing.count(replace(unit, texts=(Text("body", f"{text}\n\n{mark}"),)), connector)

    length, most = count("")
    return Place(str(channel.id), channel.platform, count, max(most - length, 1))
