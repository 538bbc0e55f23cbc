"""Choice of a voice on the page: the catalog of the workers, samples, removal, and texts with a
lost response."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.translation import render_message
from gate.consent.grants import revoke_consent
from generators.contract.engines import EngineMissing
from generators.contract.speech import SpeechEngine
from generators.engines.speech.elevenlabs import ElevenLabs
from generators.engines.speech.espeak import Espeak
from generators.engines.speech.piper import Piper
from studio.costs import quotas
from studio.voice import creator_voices, samples, speeches, uncertain_speeches, voice_catalog
from studio.voice.events import SpeechDue, VoiceCatalogDue
from tests.fakes.generators.elevenlabs import FakeElevenLabs
from tests.generators.fake_espeak import write_fake_espeak
from tests.studio.builders import CreatorStudio, create_studio
from tests.studio.voice.test_speeches import (
    MEMBER,
    WORDS,
    account,
    choose,
    paid,
    somebody,
    stands,
    start,
    work,
)
from workers.wiring import Services

__all__ = ["account", "paid"]
SENTENCE = render_message(samples.SAMPLE_TEXT, "fr")


def look(
    nova: CreatorStudio, *engines: SpeechEngine, beside: Sequence[UUID] = ()
) -> voice_catalog.VoiceCatalog:
    """Refresh the catalog while these other agencies exist, and return it."""
    voice_catalog.refresh_voice_catalog(
        VoiceCatalogDue(nova.tenant_id, nova.tenant_id),
        tenant=nova.services.tenant,
        engines=lambda: engines,
        agencies=lambda: [nova.tenant_id, *beside],
    )
    with nova.scope() as scope:
        return voice_catalog.get_voice_catalog(scope)


def names(found: voice_catalog.VoiceCatalog) -> list[str]:
    return [one.voice.name for one in found.offers]


def hear(
    nova: CreatorStudio,
    voice: str,
    *,
    engine: str = "elevenlabs",
    key: str = "s",
    person: UUID | None = None,
) -> UUID:
    with nova.scope() as scope:
        wanted = voice_catalog.get_offered_voice(scope, engine, voice)
        return samples.request_sample(
            scope, nova.creator_id, wanted, language="fr", key=key, by=MEMBER, person_id=person
        )


def test_catalog_lists_the_voices_and_reports_missing_engines(
    nova: CreatorStudio, paid: ElevenLabs, account: FakeElevenLabs, tmp_path: Path
) -> None:
    with nova.scope() as scope:
        assert voice_catalog.get_voice_catalog(scope) == voice_catalog.EMPTY_CATALOG
        voice_catalog.request_voice_catalog(scope)
        voice_catalog.request_voice_catalog(scope)
    assert nova.count("outbox") == 1, "one request at a time"
    with nova.scope() as scope:
        assert voice_catalog.get_voice_catalog(scope).going
    marked = Espeak(write_fake_espeak(tmp_path))
    found = look(nova, paid, marked)
    assert not found.going
    assert (found.missing, found.offers[0].bills, found.offers[-1].label) == (
        [],
        True,
        "placeholder",
    )
    deaf = ElevenLabs(SecretStr("another"), url=account.url, model="eleven_multilingual_v2")
    found = look(nova, deaf, marked)
    assert [one.code for one in found.missing] == ["engine.key_refused"]
    assert {one.engine for one in found.offers} == {"espeak-ng"}
    assert [one.code for one in look(nova).missing] == ["doctor.no_voices"]


def test_unusable_voice_folder_is_reported_as_a_message(nova: CreatorStudio) -> None:
    def broken() -> Sequence[SpeechEngine]:
        raise EngineMissing("engine.no_voices", folder="/nowhere")

    event = VoiceCatalogDue(nova.tenant_id, nova.tenant_id)
    voice_catalog.refresh_voice_catalog(
        event, tenant=nova.services.tenant, engines=broken, agencies=lambda: [nova.tenant_id]
    )
    with nova.scope() as scope:
        assert [one.code for one in voice_catalog.get_voice_catalog(scope).missing] == [
            "engine.no_voices"
        ]
    voice_catalog.fail_voice_catalog(event, tenant=nova.services.tenant)
    with nova.scope() as scope:
        assert [one.code for one in voice_catalog.get_voice_catalog(scope).missing] == [
            "voice.list_failed"
        ]


def test_only_supported_languages_are_offered(nova: CreatorStudio, tmp_path: Path) -> None:
    (tmp_path / "de_DE-x.onnx").touch()
    (tmp_path / "de_DE-x.onnx.json").write_text("{}")
    (tmp_path / "fr_FR-y.onnx").touch()
    (tmp_path / "fr_FR-y.onnx.json").write_text("{}")
    assert names(look(nova, Piper("piper", tmp_path))) == ["fr_FR-y"]


def test_copied_voice_is_offered_to_the_only_agency_or_its_user(
    nova: CreatorStudio, services: Services, paid: ElevenLabs
) -> None:
    other = create_studio(services)
    assert names(look(nova, paid)) == ["George", "Léa"]
    assert names(look(nova, paid, beside=[other.tenant_id])) == ["George"]
    assert names(look(other, paid, beside=[nova.tenant_id])) == ["George"], (
        "the account is shared: the owners of its voices stay private"
    )
    with other.scope() as scope, pytest.raises(NotFound):
        voice_catalog.get_offered_voice(scope, "elevenlabs", "lea0000000000000own1")
    choose(nova, paid, 1, somebody(nova, agrees=True))
    assert names(look(nova, paid, beside=[other.tenant_id])) == ["George", "Léa"]


def test_sample_is_made_counted_and_kept_out_of_the_library(
    nova: CreatorStudio, paid: ElevenLabs, account: FakeElevenLabs
) -> None:
    look(nova, paid)
    speech = hear(nova, account.voices[0]["voice_id"])
    assert hear(nova, account.voices[0]["voice_id"]) == speech
    work(nova, speech, paid)
    work(nova, speech, paid)
    assert stands(nova, speech) == ("made", len(SENTENCE), None)
    assert (account.billed, nova.library()) == (len(SENTENCE), [])
    with nova.scope() as scope:
        creator, sound = samples.sample_audio(scope, speech)
        assert (creator, sound[4:8]) == (nova.creator_id, b"ftyp")
        assert speeches.used_characters(scope) == len(SENTENCE)
        assert (
            speeches.list_recent_speeches(
                scope, nova.creator_id, since=scope.now - timedelta(hours=1)
            )
            == []
        )
        (heard,) = samples.list_recent_samples(scope, nova.creator_id)
        assert (heard.id, heard.state) == (speech, "made")
        quotas.set_character_quota(scope, len(SENTENCE) + 5)
    with pytest.raises(Refused) as raised:
        hear(nova, account.voices[0]["voice_id"], key="two")
    assert raised.value.message.code == "speech.over"


def test_another_agency_cannot_access_a_sample(
    nova: CreatorStudio, services: Services, paid: ElevenLabs
) -> None:
    look(nova, paid)
    with nova.scope() as scope:
        george = voice_catalog.get_voice_catalog(scope).offers[0]
    speech = hear(nova, george.voice.id)
    work(nova, speech, paid)
    other = create_studio(services)
    with other.scope() as scope:
        with pytest.raises(NotFound):
            samples.sample_audio(scope, speech)
        with pytest.raises(NotFound):
            samples.request_sample(
                scope, nova.creator_id, george, language="fr", key="s", by=MEMBER
            )
        with pytest.raises(NotFound):
            uncertain_speeches.mark_billed(scope, nova.creator_id, speech)


def test_sample_of_a_copied_voice_needs_consent_of_its_owner(
    nova: CreatorStudio, paid: ElevenLabs, account: FakeElevenLabs
) -> None:
    look(nova, paid)
    copied, lea = account.voices[1]["voice_id"], somebody(nova, agrees=True)
    with pytest.raises(Refused):
        hear(nova, copied)
    speech = hear(nova, copied, person=lea)
    work(nova, speech, paid)
    with nova.scope() as scope:
        assert samples.sample_audio(scope, speech)
        revoke_consent(scope, lea, what="ai_likeness")
    with nova.scope() as scope, pytest.raises(NotFound):
        samples.sample_audio(scope, speech)


def test_removed_voice_makes_no_waiting_speech(
    nova: CreatorStudio, paid: ElevenLabs, account: FakeElevenLabs
) -> None:
    choose(nova, paid)
    speech = start(nova)
    with nova.scope() as scope:
        creator_voices.remove_voice(scope, nova.creator_id)
    work(nova, speech, paid)
    assert stands(nova, speech) == ("failed", 0, None)
    assert account.billed == 0
    with pytest.raises(NotFound):
        start(nova, key="two")
    with nova.scope() as scope, pytest.raises(NotFound):
        creator_voices.remove_voice(scope, nova.creator_id)
    choose(nova, paid)
    assert stands(nova, start(nova, key="three"))[0] == "waiting"


@pytest.fixture
def gone(nova: CreatorStudio, paid: ElevenLabs, account: FakeElevenLabs) -> UUID:
    """A text with a lost response."""
    choose(nova, paid)
    account.faults.append("lose")
    speech = start(nova)
    work(nova, speech, paid)
    return speech


def test_lost_text_is_marked_as_billed_once(
    nova: CreatorStudio, gone: UUID, account: FakeElevenLabs
) -> None:
    with nova.scope() as scope:
        (one,) = uncertain_speeches.list_uncertain_speeches(scope, nova.creator_id)
        assert (one.id, one.words, one.characters) == (gone, WORDS, len(WORDS))
        uncertain_speeches.mark_billed(scope, nova.creator_id, gone)
    assert stands(nova, gone) == ("failed", len(WORDS), None), "it stays counted"
    with nova.scope() as scope:
        assert uncertain_speeches.list_uncertain_speeches(scope, nova.creator_id) == []
        with pytest.raises(Conflict):
            uncertain_speeches.repeat_speech(scope, nova.creator_id, gone, by=MEMBER)
    assert len(account.made) == 1


def test_lost_text_is_repeated_once_within_the_limit(
    nova: CreatorStudio, gone: UUID, paid: ElevenLabs, account: FakeElevenLabs
) -> None:
    with nova.scope() as scope:
        quotas.set_character_quota(scope, len(WORDS) + 5)
    with nova.scope() as scope, pytest.raises(Refused):
        uncertain_speeches.repeat_speech(scope, nova.creator_id, gone, by=MEMBER)
    assert stands(nova, gone)[0] == "uncertain", "a refused repeat leaves it undecided"
    with nova.scope() as scope:
        quotas.set_character_quota(scope, None)
        anew = uncertain_speeches.repeat_speech(scope, nova.creator_id, gone, by=MEMBER)
    with nova.scope() as scope, pytest.raises(Conflict):
        uncertain_speeches.repeat_speech(scope, nova.creator_id, gone, by=MEMBER)
    work(nova, anew, paid)
    work(nova, gone, paid)
    assert (stands(nova, anew)[0], stands(nova, gone)[:2]) == ("made", ("failed", len(WORDS)))
    assert account.billed == 2 * len(WORDS)


def test_lost_sample_is_repeated_as_a_sample(
    nova: CreatorStudio, paid: ElevenLabs, account: FakeElevenLabs
) -> None:
    look(nova, paid)
    account.faults.append("lose")
    speech = hear(nova, account.voices[0]["voice_id"])
    work(nova, speech, paid)
    with nova.scope() as scope:
        (one,) = uncertain_speeches.list_uncertain_speeches(scope, nova.creator_id)
        assert one.sample
        anew = uncertain_speeches.repeat_speech(scope, nova.creator_id, speech, by=MEMBER)
    work(nova, anew, paid)
    assert (stands(nova, anew)[0], nova.library()) == ("made", [])


def test_unsupported_language_is_refused_before_anything_is_counted(
    nova: CreatorStudio, paid: ElevenLabs
) -> None:
    choose(nova, paid)
    with nova.scope() as scope, pytest.raises(BadInput):
        speeches.request_speech(
            scope, creator_id=nova.creator_id, words=WORDS, language="de", key="x", by=MEMBER
        )
    assert nova.count("speeches") == 0


def test_text_in_progress_for_long_stays_listed(nova: CreatorStudio, paid: ElevenLabs) -> None:
    choose(nova, paid)
    speech = start(nova)
    with nova.scope() as scope:
        scope.run(
            "UPDATE speeches SET state = 'asked', updated_at = :old WHERE id = :id",
            old=scope.now - timedelta(hours=1),
            id=speech,
        )
        assert [
            one.id for one in speeches.list_recent_speeches(scope, nova.creator_id, since=scope.now)
        ] == [speech]
    speeches.fail_speech(SpeechDue(nova.tenant_id, speech), tenant=nova.services.tenant)
    assert stands(nova, speech)[0] == "uncertain"
