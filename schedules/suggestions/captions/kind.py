"""Generate captions: a set of texts around one idea, a version per account, and translations."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from connectors.contract.connector import Connector
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import LANGUAGES, Message
from foundation.ids import derived_uuid
from gate.contract.units import Medium, Text, Unit
from gate.surfaces.model_texts import load_text_judge
from generators.contract.engines import TextEngine
from generators.text.deadlines import DeadlineEngine
from schedules.drafts import previews
from schedules.posts.delivery_units import ai_disclosure_line_in, delivery_subject, place_on_channel
from schedules.suggestions.captions import prompts, proposals, styles, templates
from schedules.suggestions.captions.networks import NetworkStyle, habit_of
from schedules.suggestions.captions.prompts import CaptionFailure, CaptionOffer, CaptionTarget
from schedules.suggestions.captions.proposals import CaptionSet
from schedules.suggestions.shared import recent_texts, text_rules
from schedules.suggestions.shared.engine import CostSessions
from schedules.suggestions.shared.text_generation import NO_MODEL
from schedules.suggestions.shared.text_rules import TextRules
from studio.costs.text_requests import TextPurpose
from studio.library import assets
from tenants.agencies.queries import get_creator


@dataclass(frozen=True)
class CaptionRequest:
    """A caption set to write, and the data that the prompts need besides its brief."""

    captions: CaptionSet
    creator_id: UUID
    creator: str
    rules: TextRules
    targets: Sequence[CaptionTarget]
    style: NetworkStyle
    """The style of the set, which is for no network in particular."""
    number: int = 0
    """Number of earlier sets of the creator, which selects the templates."""


@dataclass(frozen=True)
class CaptionKind:
    """Captions for `shared.engine`. Each part is a text that a member may pick."""

    connectors: Mapping[str, Connector]
    seconds: float = 60.0
    """Maximum duration of a model's answer; after it, a template is offered."""
    actor: ClassVar[str] = "system:kit"
    purpose: ClassVar[TextPurpose] = TextPurpose.KIT

    def load_request(self, scope: Scope, request_id: UUID) -> CaptionRequest | None:
        """Return a set that is not written yet, with the length limits of its accounts."""
        captions = proposals.pending_captions(scope, request_id)
        if captions is None:
            return None
        judge = load_text_judge(scope, "model.suggestion")
        brief = replace(captions.wish, tone=text_rules.allowed_tone(judge, captions.wish.tone))
        creator = get_creator(scope, brief.creator_id)
        disclosure = ai_disclosure_line_in(creator.languages)
        channels = {one.id: one for one in queries.list_creator_channels(scope, creator.id)}
        habits = {
            network: replace(style, tone=text_rules.allowed_tone(judge, style.tone))
            for network, style in styles.list_styles(scope, creator.id).items()
        }
        targets = []
        for channel in (channels[one] for one in brief.places if one in channels):
            connector = account_connectors.find_connector_for(self.connectors, channel)
            target = _build_target(scope, captions, channel, connector, disclosure)
            style = styles.apply_styles(habits, channel.platform, habit_of(channel.platform))
            targets.append(replace(target, style=style))
        rules = TextRules(
            brief.language,
            judge,
            brief.forbidden,
            text_rules.known_texts(recent_texts.list_recent_texts(scope, creator.id)),
            tuple(filter(None, (brief.idea, brief.picture, brief.source))),
        )
        number = proposals.count_earlier_sets(scope, creator.id, captions.id)
        return CaptionRequest(
            replace(captions, wish=brief),
            creator.id,
            creator.name,
            rules,
            targets,
            styles.apply_styles(habits, styles.ALL_NETWORKS, templates.SET_STYLE),
            number,
        )

    def write_parts(
        self, request: CaptionRequest, engine: TextEngine, sessions: CostSessions
    ) -> Iterator[CaptionOffer | CaptionFailure]:
        """Write the set, then each version and translation; a failure does not stop the others.

        Templates replace a set or version that no model wrote in time or well enough.
        """
        captions = request.captions
        brief = request.captions.wish
        seed = derived_uuid(captions.id, "words").int % 2**30
        refusal = text_rules.find_refusal(request.rules.judge, request.rules.sources)
        if refusal is not None:  # The agency banned a word after the request.
            yield CaptionFailure("kit", refusal)
            return
        counted = sessions.counted_engine(engine, captions.draft)
        about = (brief, request.creator, request.rules)
        ask = (DeadlineEngine(counted, self.seconds), *about)
        if brief.kit:
            found = prompts.write_caption_set(
                *ask, seed=seed, places=request.targets, style=request.style
            )
            yield from _replace_failed_set(request, found)
        # Seeds are ten apart, because a retry uses the next one.
        for number, target in enumerate(request.targets, start=1):
            version = prompts.write_channel_version(*ask, target, seed=seed + 10 * number)
            yield from _replace_failed_version(request, target, version)
        for number, language in enumerate(brief.into, start=100):
            yield prompts.write_translation(counted, *about, language, seed=seed + 10 * number)

    def store_parts(
        self, scope: Scope, request_id: UUID, parts: Sequence[CaptionOffer | CaptionFailure]
    ) -> Collection[UUID]:
        return proposals.store_captions(scope, request_id, parts)

    def failure_part(self, reason: Message) -> CaptionFailure:
        return CaptionFailure("kit", reason)


def _replace_failed_set(
    request: CaptionRequest, found: Sequence[CaptionOffer] | CaptionFailure
) -> Iterator[CaptionOffer | CaptionFailure]:
    """Yield the set, or templates with the reason why the model's texts are missing."""
    if not isinstance(found, CaptionFailure):
        yield from found
        return
    offers = templates.write_template_set(
        request.captions.wish,
        request.rules,
        request.style,
        number=request.number,
        places=request.targets,
    )
    yield from offers
    if not offers or found.why.code != NO_MODEL:
        yield _explain_failure(request, found)


def _replace_failed_version(
    request: CaptionRequest, target: CaptionTarget, found: CaptionOffer | CaptionFailure
) -> Iterator[CaptionOffer | CaptionFailure]:
    """Yield the version, or a template with the reason why the model's version is missing."""
    if isinstance(found, CaptionOffer):
        yield found
        return
    offer = templates.write_template_version(
        request.captions.wish, request.rules, target, number=request.number
    )
    if offer is not None:
        yield offer
    if offer is None or found.why.code != NO_MODEL:
        yield _explain_failure(request, found)


def _explain_failure(request: CaptionRequest, found: CaptionFailure) -> CaptionFailure:
    """Return the failure, with a reason about templates if only they could have helped."""
    language = request.captions.wish.language
    if found.why.code != NO_MODEL or language not in LANGUAGES:
        return found
    return replace(found, why=Message("kit.no_template", {"language": language}))


def _load_renditions(scope: Scope, captions: CaptionSet, channel: Channel) -> tuple[Medium, ...]:
    """Return the renditions of the set's image, if it still exists.

    Some platforms allow fewer characters beside an image.
    """
    if captions.wish.asset is None:
        return ()
    try:
        return tuple(assets.get_renditions(scope, [captions.wish.asset], channel.platform).values())
    except NotFound:
        return ()


def _build_target(
    scope: Scope,
    captions: CaptionSet,
    channel: Channel,
    connector: Connector | None,
    disclosure: str,
) -> CaptionTarget:
    """Return an account with a counter that includes the image and the AI disclosure of the
    post."""
    subject = delivery_subject(derived_uuid(captions.id, channel.id))
    content = Unit(
        tenant_id=scope.tenant_id,
        creator_id=captions.wish.creator_id,
        subject=subject,
        platform="",
        surface="",
        channel_id=channel.id,
        account="",
        audience="public",
        media=_load_renditions(scope, captions, channel),
        text_ai="generated",
    )
    unit = place_on_channel(scope, content, channel, subject)

    def count(text: str) -> tuple[int, int]:
        return previews.count_text(
            replace(unit, texts=(Text("body", f"{text}\n\n{disclosure}"),)), connector
        )

    length, most = count("")
    return CaptionTarget(str(channel.id), channel.platform, count, max(most - length, 1))
