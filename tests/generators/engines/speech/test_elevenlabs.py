"""ElevenLabs against a fake that bills: the audio, the billed characters, and requests that are
never repeated."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from foundation.ops.settings import GeneratorsSettings
from generators import registry
from generators.contract.engines import (
    EngineError,
    EngineMissing,
    EngineUnreachable,
    JobTooLarge,
    OriginLabel,
)
from generators.contract.speech import SpeechJob
from generators.engines.speech import audio_output
from generators.engines.speech.elevenlabs import ElevenLabs
from tests.fakes.generators import elevenlabs as fake
from tests.fakes.generators.elevenlabs import KEY, FakeElevenLabs
from tests.generators.engines.speech.test_espeak import WORDS, loudness


@pytest.fixture
def account() -> Iterator[FakeElevenLabs]:
    with fake.serving() as state:
        yield state


def engine(
    account: FakeElevenLabs, *, key: str = KEY, model: str = "eleven_multilingual_v2"
) -> ElevenLabs:
    return ElevenLabs(SecretStr(key), url=account.url, model=model, seconds=3.0)


def test_speech_returns_audio_and_billed_characters(
    account: FakeElevenLabs, tmp_path: Path
) -> None:
    said = engine(account).synthesize(SpeechJob(WORDS, seed=7))
    assert (said.label, said.mime, said.characters) == (OriginLabel.NONE, "audio/mp4", len(WORDS))
    assert account.billed == len(WORDS)
    assert account.made == [
        {
            "text": WORDS,
            "model_id": "eleven_multilingual_v2",
            "seed": 7,
            "voice_id": "JBFqnCBsd6RMkjVDRZzb",
        }
    ]
    assert loudness(said.data, tmp_path) == pytest.approx(audio_output.LUFS, abs=1.0)


def test_language_is_sent_to_models_that_accept_one(account: FakeElevenLabs) -> None:
    engine(account, model="eleven_flash_v2_5").synthesize(SpeechJob(WORDS, language="en"))
    assert account.made[0]["language_code"] == "en"


def test_cloned_voice_is_marked_and_never_used_by_default(account: FakeElevenLabs) -> None:
    account.voices.append({"voice_id": "../../v1/user", "name": "x", "category": "premade"})
    assert [(voice.name, voice.cloned) for voice in engine(account).list_voices()] == [
        ("George", False),
        ("Léa", True),
    ]
    with pytest.raises(EngineMissing):
        engine(account).synthesize(SpeechJob(WORDS, voice="../../v1/user"))
    del account.voices[0]
    with pytest.raises(EngineMissing):  # a cloned voice is used only on request
        engine(account).synthesize(SpeechJob(WORDS))


@pytest.mark.parametrize(
    ("change", "kind", "code"),
    [
        ({"quota": 10}, EngineMissing, "engine.speech_spent"),
        ({"most_running": 0}, EngineUnreachable, "engine.server_refused"),
    ],
)
def test_refused_request_bills_nothing(
    account: FakeElevenLabs, change: dict[str, int], kind: type[EngineError], code: str
) -> None:
    for name, value in change.items():
        setattr(account, name, value)
    with pytest.raises(kind) as raised:
        engine(account).synthesize(SpeechJob(WORDS))
    assert raised.value.message.code == code
    assert account.billed == 0


def test_other_refusals_raise_specific_errors(account: FakeElevenLabs) -> None:
    account.faults.append("system_busy")
    with pytest.raises(EngineUnreachable):
        engine(account).synthesize(SpeechJob(WORDS))
    with pytest.raises(EngineMissing) as raised:
        engine(account, model="no_such_model").synthesize(SpeechJob(WORDS))
    assert raised.value.message.code == "engine.speech_refused"
    with pytest.raises(EngineMissing) as raised:
        engine(account, key="xi-other-secret").list_voices()
    assert raised.value.message.code == "engine.key_refused"
    assert (
        "xi-other-secret" not in f"{raised.value!r}{vars(engine(account, key='xi-other-secret'))}"
    )
    assert account.billed == 0
    with pytest.raises(JobTooLarge):
        SpeechJob("a" * 5_001)


def test_unreachable_server_raises_a_retryable_error() -> None:
    with pytest.raises(EngineUnreachable):
        ElevenLabs(SecretStr(KEY), url="http://127.0.0.1:9", model="m").synthesize(SpeechJob(WORDS))


def test_elevenlabs_precedes_espeak_if_a_key_is_set(account: FakeElevenLabs) -> None:
    settings = GeneratorsSettings(
        elevenlabs_key=SecretStr(KEY),
        elevenlabs_url=account.url,
        espeak_program="true",
        pico_voices=False,
    )
    assert [one.name for one in registry.load_speech_engines(settings)] == [
        "elevenlabs",
        "espeak-ng",
    ]
