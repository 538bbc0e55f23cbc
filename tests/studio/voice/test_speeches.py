"""Speech with a creator's voice: made once, counted, with the consent of the person a voice is
copied from."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from foundation.errors import NotFound, Refused
from gate.consent.grants import grant_consent, revoke_consent
from gate.contract.units import Rating
from gate.people import persons
from generators.contract.engines import EngineUnreachable
from generators.contract.speech import EngineVoice, SpeechEngine, VoiceLicence, offer_voice
from generators.engines.speech.elevenlabs import ElevenLabs
from generators.engines.speech.espeak import Espeak
from generators.video import video_files
from studio.costs import quotas
from studio.voice import creator_voices, speeches
from studio.voice.events import SpeechDue
from tenants.agencies import agencies
from tests.fakes.generators import elevenlabs as fake
from tests.fakes.generators.elevenlabs import KEY, FakeElevenLabs
from tests.generators.fake_espeak import write_fake_espeak
from tests.studio.builders import CREDENTIAL, CreatorStudio
from workers.cli.studio import voices as voice_asking

WORDS = "Bonjour à tous, voici ma nouvelle série."
MEMBER = "system:test"


@pytest.fixture
def account() -> Iterator[FakeElevenLabs]:
    with fake.serving() as state:
        yield state


@pytest.fixture
def paid(account: FakeElevenLabs) -> ElevenLabs:
    return ElevenLabs(SecretStr(KEY), url=account.url, model="eleven_multilingual_v2", seconds=3.0)


def choose(
    nova: CreatorStudio, engine: SpeechEngine, number: int = 0, person: UUID | None = None
) -> None:
    voice = engine.list_voices()[number]
    with nova.scope() as scope:
        creator_voices.choose_voice(
            scope, nova.creator_id, offer_voice(engine, voice), by=MEMBER, person_id=person
        )


def start(nova: CreatorStudio, words: str = WORDS, key: str = "once", per_month: int = 0) -> UUID:
    with nova.scope() as scope:
        return speeches.request_speech(
            scope,
            creator_id=nova.creator_id,
            words=words,
            language="fr",
            key=key,
            by=MEMBER,
            per_month=per_month,
        )


def work(nova: CreatorStudio, speech: UUID, *engines: SpeechEngine) -> None:
    speeches.synthesize_speech(
        SpeechDue(nova.tenant_id, speech),
        tenant=nova.services.tenant,
        engines=lambda: engines,
        store=nova.services.store,
        credential=lambda: CREDENTIAL,
    )


def stands(nova: CreatorStudio, speech: UUID) -> tuple[str, int, UUID | None]:
    with nova.scope() as scope:
        row = scope.run(
            "SELECT state, characters, asset_id FROM speeches WHERE id = :id", id=speech
        ).one()
        return row.state, row.characters, row.asset_id


def somebody(nova: CreatorStudio, *, agrees: bool) -> UUID:
    with nova.scope() as scope:
        person = persons.add_person(scope, kind="real", display_ref="Léa")
        if agrees:
            grant_consent(
                scope,
                person,
                what="ai_likeness",
                surfaces=["sandbox"],
                max_rating=Rating.S,
                valid_from=scope.now - timedelta(days=1),
                valid_until=scope.now + timedelta(days=30),
                evidence_digest="e" * 64,
                signed_by=person,
            )
    return person


def test_speech_is_made_once_with_its_label(nova: CreatorStudio, tmp_path: object) -> None:
    engine = Espeak(write_fake_espeak(tmp_path))  # type: ignore[arg-type]  # a folder
    choose(nova, engine)
    speech = start(nova)
    assert start(nova) == speech
    work(nova, speech, engine)
    work(nova, speech, engine)
    state, characters, asset = stands(nova, speech)
    assert (state, characters) == ("made", 0)
    (item,) = nova.library()
    assert item.asset_id == asset
    with nova.scope() as scope:
        row = scope.run("SELECT label, engine, prompt, parameters, sha256 FROM creations").one()
    assert (row.label, row.engine, row.prompt) == ("placeholder", "espeak-ng", WORDS)
    assert row.parameters["licence"] == "GPL-3.0-or-later"
    kept = video_files.inspect_video(nova.services.store.get(nova.tenant_id, row.sha256), name="a")
    assert kept.sound
    assert not kept.video


def test_paid_characters_are_counted_and_limited(
    nova: CreatorStudio, account: FakeElevenLabs, paid: ElevenLabs
) -> None:
    choose(nova, paid)
    with nova.scope() as scope:
        quotas.set_character_quota(scope, 60)
    work(nova, start(nova), paid)
    assert account.billed == len(WORDS)
    with pytest.raises(Refused) as raised:
        start(nova, key="two")
    assert raised.value.message.code == "speech.over"
    with nova.scope() as scope:
        assert speeches.used_characters(scope) == len(WORDS)
        assert speeches.character_limit(scope, per_month=10) == 10
        quotas.set_character_quota(scope, None)
    with pytest.raises(Refused):
        start(nova, key="three", per_month=60)
    assert stands(nova, start(nova, key="four"))[0] == "waiting"


@pytest.mark.parametrize("fault", ["lose", "down"])
def test_lost_response_stays_counted_and_is_never_repeated(
    nova: CreatorStudio, account: FakeElevenLabs, paid: ElevenLabs, fault: str
) -> None:
    choose(nova, paid)
    account.faults.append(fault)
    speech = start(nova)
    for _ in range(3):
        work(nova, speech, paid)
    assert stands(nova, speech) == ("uncertain", len(WORDS), None)
    assert len(account.made) == 1


class Killed(BaseException):
    """The process ends."""


def test_crash_after_the_request_is_not_charged_twice(
    nova: CreatorStudio, account: FakeElevenLabs, paid: ElevenLabs
) -> None:
    class Dying(ElevenLabs):
        def synthesize(self, job: object) -> object:  # type: ignore[override]  # it never returns
            super().synthesize(job)  # type: ignore[arg-type]  # passed on unchanged
            raise Killed

    choose(nova, paid)
    speech = start(nova)
    dying = Dying(SecretStr(KEY), url=account.url, model="eleven_multilingual_v2")
    with pytest.raises(Killed):
        work(nova, speech, dying)  # type: ignore[arg-type]  # as above
    work(nova, speech, paid)
    assert stands(nova, speech) == ("uncertain", len(WORDS), None)
    assert account.billed == len(WORDS)


def test_busy_engine_is_retried_and_a_final_refusal_costs_nothing(
    nova: CreatorStudio, account: FakeElevenLabs, paid: ElevenLabs
) -> None:
    choose(nova, paid)
    speech = start(nova)
    account.faults.append("system_busy")
    with pytest.raises(EngineUnreachable):
        work(nova, speech, paid)
    assert stands(nova, speech)[0] == "waiting"
    work(nova, speech, paid)
    assert stands(nova, speech)[0] == "made"
    account.quota = 0
    second = start(nova, key="two")
    work(nova, second, paid)
    assert stands(nova, second) == ("failed", 0, None)
    assert account.billed == len(WORDS)


def test_copied_voice_needs_its_owner_and_their_consent(
    nova: CreatorStudio, paid: ElevenLabs
) -> None:
    with pytest.raises(Refused) as raised:
        choose(nova, paid, 1)
    assert raised.value.message.code == "voice.whose"
    with pytest.raises(Refused) as raised:
        choose(nova, paid, 1, somebody(nova, agrees=False))
    assert raised.value.message.code == "voice.not_allowed"
    with pytest.raises(NotFound):
        start(nova)


def test_speech_in_a_copied_voice_depicts_its_owner(nova: CreatorStudio, paid: ElevenLabs) -> None:
    lea = somebody(nova, agrees=True)
    choose(nova, paid, 1, lea)
    speech = start(nova)
    work(nova, speech, paid)
    with nova.scope() as scope:
        shown = scope.run("SELECT asset_id, person_id, how, state FROM depictions").one()
    assert (shown.asset_id, shown.person_id) == (stands(nova, speech)[2], lea)
    assert (shown.how, shown.state) == ("voice", "confirmed")


def test_consent_revoked_before_synthesis_makes_no_speech(
    nova: CreatorStudio, account: FakeElevenLabs, paid: ElevenLabs
) -> None:
    lea = somebody(nova, agrees=True)
    choose(nova, paid, 1, lea)
    speech = start(nova)
    with nova.scope() as scope:
        revoke_consent(scope, lea, what="ai_likeness")
    work(nova, speech, paid)
    assert stands(nova, speech) == ("failed", 0, None)
    assert account.billed == 0
    with pytest.raises(Refused):
        start(nova, key="two")


def test_non_commercial_voice_is_refused(nova: CreatorStudio, paid: ElevenLabs) -> None:
    licence = VoiceLicence("CC BY-NC 4.0", "a university", "https://example.org", commercial=False)
    with nova.scope() as scope, pytest.raises(Refused) as raised:
        creator_voices.choose_voice(
            scope,
            nova.creator_id,
            offer_voice(paid, EngineVoice("v", "V", "fr", licence)),
            by=MEMBER,
        )
    assert raised.value.message.code == "voice.not_commercial"


def test_prohibited_text_is_refused(
    nova: CreatorStudio, account: FakeElevenLabs, paid: ElevenLabs
) -> None:
    choose(nova, paid)
    with pytest.raises(Refused):
        start(nova, words="Bonjour, MINOR-P-A")
    assert nova.count("speeches") == 0


def test_command_line_assigns_a_voice_and_makes_speech(
    nova: CreatorStudio, account: FakeElevenLabs, paid: ElevenLabs
) -> None:
    services = replace(nova.services, speech_engines=lambda: (paid,))
    slug = f"solo-{nova.tenant_id.hex[-12:]}"
    with nova.scope() as scope:
        agencies.add_creator(
            scope, slug=slug, name=slug, kind="virtual", zone="Europe/Paris", languages=["fr"]
        )
    with pytest.raises(NotFound):
        voice_asking.assign_voice(services, slug, engine="elevenlabs", voice="nobody")
    george = account.voices[0]["voice_id"]
    assert (
        voice_asking.assign_voice(services, slug, engine="elevenlabs", voice=george).params["voice"]
        == "George"
    )
    speech = voice_asking.request_speech_file(services, slug, WORDS, language="fr")
    work(nova, speech, paid)
    assert stands(nova, speech)[:2] == ("made", len(WORDS))


@given(st.integers(1_577_836_800, 2_051_222_400))
def test_month_starts_on_its_first_local_day_before_now(seconds: int) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    for name in ("Europe/Paris", "Pacific/Auckland", "America/St_Johns"):
        zone = ZoneInfo(name)
        began = speeches.month_start(zone, now)
        local = began.astimezone(zone)
        assert began <= now
        assert (local.day, local.month) == (1, now.astimezone(zone).month)
