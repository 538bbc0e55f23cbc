"""Safety holds: one sentence says why, and one link or button resolves it."""

import pytest

from dashboard.pages.approvals.safety_holds import first_sentence
from dashboard.pages.posts.remedies import REMEDIES
from foundation.i18n.translation import LANGUAGES, Message, render_message
from gate.contract.reasons import Reason
from schedules.posts.states import DeliveryState
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.home.test_page import stopped
from tests.dashboard.streamlit_client import stream

ON_THE_POST = {
    Reason.INPUT_INVALID,
    Reason.TENANT_BOUNDARY,
    Reason.RENDITION_NOT_CANONICAL,
    Reason.REMOTE_REFERENCE,
    Reason.LINK_ADULT_FORBIDDEN,
    Reason.RATING_EXCEEDS_SURFACE,
    Reason.PROHIBITED_MINOR,
    Reason.PROHIBITED_CATEGORY,
    Reason.TEXT_OBFUSCATED,
    Reason.TEXT_LANGUAGE_UNSUPPORTED,
    Reason.TEXT_EXPLICIT_NO_FLAG,
    Reason.TEXT_REPHRASE,
    Reason.REVIEW_REFUSED,
    Reason.RELEASE_INVALID,
    Reason.ROLE_FORBIDDEN,
    Reason.FLAG_MISSING,
    Reason.FLAG_READBACK_MISMATCH,
    Reason.AI_MARK_MISSING,
    Reason.BLOCKLIST_EXACT,
    Reason.BLOCKLIST_NEAR,
    Reason.EVIDENCE_MISSING,
}
"""Reasons that are resolved by changing the post."""

BY_GREENROOM = {
    Reason.LIKENESS_UNSEARCHED,
    Reason.PERMIT_EXPIRED,
    Reason.PERMIT_REPLAYED,
    Reason.PERMIT_SIGNATURE,
    Reason.EPOCH_STALE,
    Reason.RECALL_IN_PROGRESS,
    Reason.LOG_BROKEN,
    Reason.CLOCK_SKEW,
    Reason.INTAKE_DOWN,
}
"""Reasons that end without a member, or that only the operator of the installation resolves."""


def word(code: str, language: str = "fr", **params: str | int) -> str:
    return render_message(Message(code, params), language)


def test_every_reason_has_a_page_that_resolves_it() -> None:
    linked = {Reason(code.removeprefix("gate.")) for code in REMEDIES if code.startswith("gate.")}
    assert linked | ON_THE_POST | BY_GREENROOM == set(Reason)
    assert not linked & (ON_THE_POST | BY_GREENROOM)


@pytest.mark.parametrize("language", LANGUAGES)
def test_first_sentence_is_a_complete_sentence(language: str) -> None:
    for reason in Reason:
        text = word(f"gate.{reason}", language)
        sentence = first_sentence(text)
        assert text.startswith(sentence)
        assert sentence.endswith((".", "!", "?")), text
        assert len(sentence) <= 200, text


def test_hold_shows_one_sentence_and_the_link_that_resolves_it(door: Door, lumiere: Agency) -> None:
    stopped(lumiere, DeliveryState.HELD, "gate.CONSENT_MISSING")
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/approvals", part="holds")
    assert f"<span>{first_sentence(word('gate.CONSENT_MISSING'))}</span>" in text
    assert 'class="gr-do" href="/people"' in text
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        text = page.open("/approvals", part="holds")
    assert first_sentence(word("gate.CONSENT_MISSING")) in text


def test_reason_of_the_text_leads_to_the_post(door: Door, lumiere: Agency) -> None:
    stopped(lumiere, DeliveryState.HELD, "gate.TEXT_REPHRASE")
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/approvals", part="holds")
    assert f'href="/calendar?post={lumiere.posts[0]}"' in text
    assert word("approvals.mend_post") in text
