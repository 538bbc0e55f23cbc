"""What is shown where a voice is chosen: who speaks with which, what there is to choose, and what nobody knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from foundation.database import Scope
from gate import mine
from studio import lost_speeches, quotas, speaking, voice_lists, voice_samples, voices
from studio.lost_speeches import Lost
from studio.states import SpeechState
from studio.voice_lists import Listed
from studio.voice_samples import Sample
from studio.voices import Chosen
from tenants.reads import Creator


@dataclass(frozen=True)
class Voices:
    """Of one creator, but `spoken`: the voices of all `creators`. `people` are real ones by id, `used` characters of
    this month, `own` the agency's limit on them and `most` the one that holds."""

    creators: Sequence[Creator]
    spoken: Mapping[UUID, Chosen]
    listed: Listed
    samples: Sequence[Sample]
    people: Mapping[UUID, str]
    lost: Sequence[Lost]
    used: int
    own: int | None
    most: int | None

    @property
    def going(self) -> bool:
        """Whether workers are listing voices or saying a sample."""
        return self.listed.going or any(one.state in (SpeechState.WAITING, SpeechState.ASKED) for one in self.samples)


def read(scope: Scope, creator: Creator, mine_too: Sequence[Creator], *, per_month: int) -> Voices:
    """All of it; `per_month` is the house's limit of characters."""
    return Voices(
        mine_too,
        voices.of(scope, [one.id for one in mine_too]),
        voice_lists.listed(scope),
        voice_samples.recent(scope, creator.id),
        {one.person_id: one.name for one in mine.named(scope)},
        lost_speeches.lost(scope, creator.id),
        speaking.used(scope),
        quotas.characters(scope),
        speaking.limit(scope, per_month=per_month),
    )
