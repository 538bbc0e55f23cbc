"""Studio: text to speech with the creator's voice, and the status of each request."""

import re
from collections.abc import Iterator
from functools import partial

import pytest
from pydantic import SecretStr

from foundation.storage.object_store import FileStore
from generators.contract.speech import offer_voice
from generators.engines.speech.elevenlabs import ElevenLabs
from studio.voice import creator_voices, samples, speeches, voice_catalog
from studio.voice.events import SpeechDue, VoiceCatalogDue
from tenants.agencies.rights import Role
from tenants.scope import list_tenant_ids
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import fetch
from tests.dashboard.pages.studio.test_page import word
from tests.dashboard.streamlit_client import stream
from tests.fakes.generators import elevenlabs as fake
from tests.fakes.generators.elevenlabs import KEY, FakeElevenLabs
from tests.studio.builders import CREDENTIAL


@pytest.fixture
def account() -> Iterator[FakeElevenLabs]:
    with fake.serving() as state:
        yield state


def engine(account: FakeElevenLabs) -> ElevenLabs:
    return ElevenLabs(SecretStr(KEY), url=account.url, model="eleven_multilingual_v2", seconds=3.0)


def work(door: Door, who: Agency, able: ElevenLabs) -> None:
    """Synthesize the requested texts as the workers do."""
    with who.scope() as scope:
        rows = scope.run(
            "DELETE FROM outbox WHERE tenant_id = :t AND kind = 'speech.say' RETURNING subject_id",
            t=who.tenant_id,
        ).all()
    store = FileStore(door.log.parent / "objects")
    for row in rows:
        event = SpeechDue(who.tenant_id, row.subject_id)
        speeches.synthesize_speech(
            event,
            tenant=door.tenant,
            engines=lambda: [able],
            store=store,
            credential=lambda: CREDENTIAL,
        )


def test_missing_voice_is_explained(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/studio")
        assert word("studio.speech_none") in text
        assert word("studio.speech_say") not in page.labels()


def test_text_is_synthesized_and_uncertain_request_is_shown(
    door: Door, lumiere: Agency, account: FakeElevenLabs
) -> None:
    able = engine(account)
    voice = able.list_voices()[0]
    with lumiere.scope() as scope:
        creator_voices.choose_voice(
            scope, lumiere.creator_id, offer_voice(able, voice), by="member:x"
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/studio")
        assert voice.name in text
        assert voice.licence.name in text
        page.type(word("studio.speech_words"), "Bonjour à toutes")
        assert word("studio.speech_asked") in page.press(word("studio.speech_say"))
        assert word("state.speech.waiting") in page.again()
        work(door, lumiere, able)
        text = page.open("/studio")
        assert word("state.speech.made") in text
        assert "Bonjour à toutes" in text
        page.type(word("studio.speech_words"), "Encore une fois")
        page.press(word("studio.speech_say"))
        account.faults.append("lose")
        work(door, lumiere, able)
        text = page.open("/studio")
        assert word("state.speech.uncertain") in text
        assert account.billed == len("Bonjour à toutes") + len("Encore une fois")
        page.type(word("studio.speech_words"), "...")
        assert word("engine.speech_empty") in page.press(word("studio.speech_say"))


def listed(door: Door, who: Agency, able: ElevenLabs) -> None:
    """Refresh the voice catalog as the workers do."""
    event, agencies = (
        VoiceCatalogDue(who.tenant_id, who.tenant_id),
        partial(list_tenant_ids, door.tenant),
    )
    voice_catalog.refresh_voice_catalog(
        event, tenant=door.tenant, engines=lambda: [able], agencies=agencies
    )


def test_voice_is_searched_sampled_chosen_and_removed(
    door: Door, lumiere: Agency, account: FakeElevenLabs
) -> None:
    able = engine(account)
    cookie = door.cookie(lumiere)
    with stream(door.url, cookie) as page:
        page.open("/studio")
        assert word("studio.voices_looking") in page.press(word("studio.voices_look"))
        assert word("studio.voices_listing") in page.again()
        listed(door, lumiere, able)
        text = page.open("/studio")
        assert word("studio.voice_unsaid") in text, "the license does not mention commercial use"
        page.press(word("studio.voice_hear"))
        work(door, lumiere, able)
        text = page.open("/studio")
        assert word("studio.voice_sample.made") in text
        (address,) = set(
            re.findall(r"/voices/[0-9a-f-]{36}", b"".join(page.frames).decode("utf-8", "ignore"))
        )
        heard = fetch(door, cookie, address, range="bytes=4-7")
        assert (heard.status_code, heard.content, heard.headers["content-type"]) == (
            206,
            b"ftyp",
            "audio/mp4",
        )
        assert word("studio.voice_unchosen") in text
        said = page.press(word("studio.voice_take"))
        assert "George" in said
        assert word("studio.voice_unchosen") not in said
        assert word("studio.voice_retired") in page.press(word("studio.voice_retire"))
        assert word("studio.speech_say") not in page.labels()
        assert len(account.made) == 1


def test_sample_is_served_only_to_permitted_members(
    door: Door, lumiere: Agency, account: FakeElevenLabs
) -> None:
    able = engine(account)
    listed(door, lumiere, able)
    with lumiere.scope() as scope:
        wanted = voice_catalog.get_voice_catalog(scope).offers[0]
        speech = samples.request_sample(
            scope, lumiere.creator_id, wanted, language="fr", key="s", by="system:test"
        )
    work(door, lumiere, able)
    address = f"/voices/{speech}"
    assert fetch(door, door.cookie(lumiere), address).status_code == 200
    assert fetch(door, door.cookie(lumiere, Role.CHATTER), address).status_code == 404
    assert (
        fetch(door, door.cookie(create_agency(door.tenant, mark="other")), address).status_code
        == 404
    )
    assert fetch(door, door.cookie(lumiere), "/voices/none").status_code == 404
    with door.client() as stranger:
        assert stranger.get(address).headers.get("content-type") != "audio/mp4"


def test_limit_is_saved_and_uncertain_request_is_resolved(
    door: Door, lumiere: Agency, account: FakeElevenLabs
) -> None:
    able = engine(account)
    with lumiere.scope() as scope:
        creator_voices.choose_voice(
            scope, lumiere.creator_id, offer_voice(able, able.list_voices()[0]), by="member:x"
        )
        speeches.request_speech(
            scope,
            creator_id=lumiere.creator_id,
            words="Bonsoir",
            language="fr",
            key="k",
            by="member:x",
        )
    account.faults.append("lose")
    work(door, lumiere, able)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/studio")
        assert word("studio.lost_how") in text
        assert "Bonsoir" in text
        page.type(word("studio.characters"), "10")
        assert word("studio.characters_kept") in page.press(word("studio.characters_keep"))
        assert word("speech.over", used=7, most=10) in page.press(word("studio.lost_again"))
        assert word("studio.lost_counted") in page.press(word("studio.lost_count"))
        assert word("studio.lost_how") not in page.open("/studio")
    assert len(account.made) == 1
