"""Queries of the voice selection: chosen voices, catalogue, samples and uncertain requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from foundation.db.database import Scope
from gate.consent import subject_portal
from studio.costs import quotas
from studio.voice import creator_voices, samples, speeches, uncertain_speeches, voice_catalog
from studio.voice.creator_voices import ChosenVoice
from studio.voice.samples import VoiceSampleView
from studio.voice.states import SpeechState
from studio.voice.uncertain_speeches import UncertainSpeech
from studio.voice.voice_catalog import VoiceCatalog
from tenants.agencies.queries import Creator


@dataclass(frozen=True)
class VoicesView:
    """The data of one creator's voices; `spoken` contains those of all `creators`.

    `people` are real people, keyed by ID, `used` the characters of this month, `own` the agency's
    limit and `most` the limit in effect.
    """

    creators: Sequence[Creator]
    spoken: Mapping[UUID, ChosenVoice]
    listed: VoiceCatalog
    samples: Sequence[VoiceSampleView]
    people: Mapping[UUID, str]
    lost: Sequence[UncertainSpeech]
    used: int
    own: int | None
    most: int | None

    @property
    def is_active(self) -> bool:
        """Return True while the workers list voices or create a sample."""
        return self.listed.going or any(
            one.state in (SpeechState.WAITING, SpeechState.ASKED) for one in self.samples
        )


def load_voices(
    scope: Scope, creator: Creator, mine_too: Sequence[Creator], *, per_month: int
) -> VoicesView:
    """Return the data of the voice selection; `per_month` is the installation's character limit."""
    return VoicesView(
        mine_too,
        creator_voices.voices_of_creators(scope, [one.id for one in mine_too]),
        voice_catalog.get_voice_catalog(scope),
        samples.list_recent_samples(scope, creator.id),
        {one.person_id: one.name for one in subject_portal.list_linkable_people(scope)},
        uncertain_speeches.list_uncertain_speeches(scope, creator.id),
        speeches.used_characters(scope),
        quotas.character_quota(scope),
        speeches.character_limit(scope, per_month=per_month),
    )
