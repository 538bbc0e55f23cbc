"""Generate alt texts: a vision model describes one image.

The model receives only pixels, re-encoded at a maximum of 1024 pixels, without the metadata of the
file. Adult and unrated images are sent only to models that the installation runs itself.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from foundation.storage.object_store import ObjectStore
from gate.contract.units import Rating
from gate.ratings import ratings
from gate.surfaces.model_texts import TextJudge, load_text_judge
from generators.analysis.picture_views import whole_view
from generators.contract.engines import VisionEngine
from generators.media import pictures
from generators.video import video_files
from schedules.suggestions.alt_texts import prompts, proposals
from schedules.suggestions.alt_texts.proposals import AltTextProposal
from schedules.suggestions.shared.engine import CostSessions
from schedules.suggestions.shared.text_rules import TextRules
from studio.costs.text_requests import TextPurpose
from studio.library import assets

HOSTED_RATINGS = frozenset({Rating.G, Rating.S})
"""Ratings of images that may be sent to a model hosted by a provider."""


class FreeGpu(Protocol):
    """Function that frees the GPU for an engine, given its name."""

    def __call__(self, engine: str, /) -> None: ...


@dataclass(frozen=True)
class AltTextRequest:
    """An image to describe: the digest of its rendition, and its rating (None if unrated)."""

    proposal: AltTextProposal
    tenant_id: UUID
    creator_id: UUID
    sha256: str
    rating: Rating | None
    judge: TextJudge


@dataclass(frozen=True)
class AltTextAnswer:
    """An alt text and a description, or the reason for their absence, with the model if one was
    chosen."""

    texts: tuple[str, str] | Message
    model: str = ""


@dataclass(frozen=True)
class AltTextKind:
    """Alt texts for `shared.engine`. A request has one part: its answer."""

    store: ObjectStore
    free_gpu: FreeGpu
    actor: ClassVar[str] = "system:seeing"
    purpose: ClassVar[TextPurpose] = TextPurpose.PICTURE

    def load_request(self, scope: Scope, request_id: UUID) -> AltTextRequest | None:
        """Return an image that waits for its alt text. End the request if it is deleted or
        withheld."""
        proposal = proposals.pending_alt_text(scope, request_id)
        if proposal is None:
            return None
        try:
            rendition = assets.get_rendition(scope, proposal.asset_id, "")
        except NotFound:
            proposals.store_alt_text(scope, proposal.id, Message("alt.gone"))
            return None
        digests = {assets.get_asset(scope, proposal.asset_id).sha256, rendition.sha256}
        shown = ratings.display_ratings(scope, list(digests))
        if len(shown) < len(digests) or any(one.is_withheld for one in shown.values()):
            proposals.store_alt_text(scope, proposal.id, Message("alt.withheld"))
            return None
        known = [one.rating for one in shown.values()]
        # The highest rating of the original and its rendition applies.
        rating = None if None in known else max(filter(None, known), key=lambda one: one.rank)
        return AltTextRequest(
            proposal,
            scope.tenant_id,
            proposal.creator_id,
            rendition.sha256,
            rating,
            load_text_judge(scope, "model.suggestion"),
        )

    def write_parts(
        self, request: AltTextRequest, engine: VisionEngine, sessions: CostSessions
    ) -> Iterator[AltTextAnswer]:
        """Send the image to the model, if its rating allows that, and yield the answer."""
        proposal = request.proposal
        if engine.hosted and request.rating not in HOSTED_RATINGS:
            yield AltTextAnswer(Message("alt.stays", {"model": engine.model}), engine.model)
            return
        picture = self._load_picture(request)
        if isinstance(picture, Message):
            yield AltTextAnswer(picture)
            return
        if not engine.hosted:
            self.free_gpu(engine.name)
        rules = TextRules(proposal.language, request.judge, proposal.forbidden)
        seed = derived_uuid(proposal.id, "words").int % 2**30
        model = sessions.counted_engine(engine, proposal.asset_id)
        yield AltTextAnswer(prompts.write_alt_text(model, picture, rules, seed=seed), engine.model)

    def _load_picture(self, request: AltTextRequest) -> bytes | Message:
        try:
            data = self.store.get(request.tenant_id, request.sha256)
            if video_files.is_video_or_audio(data):
                return Message("alt.film")
            return whole_view(pictures.decode_photo(data, name=request.sha256)).data
        except (NotFound, BadInput):
            return Message("alt.gone")

    def store_parts(
        self, scope: Scope, request_id: UUID, parts: Sequence[AltTextAnswer]
    ) -> Collection[UUID]:
        (answer,) = parts
        return proposals.store_alt_text(scope, request_id, answer.texts, model=answer.model)

    def failure_part(self, reason: Message) -> AltTextAnswer:
        return AltTextAnswer(reason)
