"""Service texts: pinned catalogue sentences with short values in their slots and no other content."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from foundation.i18n.translation import LANGUAGES, Message, load_catalogue, render_message
from foundation.ids import derived_uuid
from gate.contract.facts import EvidenceSnapshot, StopFacts, ViewerFacts
from gate.contract.reasons import Reason
from gate.contract.states import AssuranceState
from gate.contract.units import Button, Medium, Rating, Subject, Text, Unit
from gate.decision.decide import decide_unit
from gate.policy import bundle
from gate.text import service_texts

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TENANT = derived_uuid("t")
CRISIS = Message("service.safety.crisis")
RECEIPT = Message("service.receipt.refunded", {"amount": "12 XTS"})
BLOCKED = ViewerFacts(AssuranceState.BLOCKED, "L0", False, False, "", None, 1)


def unit(message: Message = CRISIS, language: str = "fr", **changes: Any) -> Unit:
    whole = Unit(
        TENANT, derived_uuid("c"), Subject("draft", derived_uuid("d")), "sandbox", "sandbox.chat", derived_uuid("ch"), "mia", "viewer",
        texts=(Text("body", render_message(message, language)),), viewer="fan", service=message.code,
    )  # fmt: skip
    return replace(whole, **changes)


def facts(**changes: Any) -> EvidenceSnapshot:
    return replace(EvidenceSnapshot(TENANT, "system:persona", None, Rating.G), **changes)


def verdict(whole: Unit, given: EvidenceSnapshot | None = None) -> str:
    return str(decide_unit(given or facts(), whole, bundle.shipped_bundle(), NOW).verdict)


def test_service_sentences_match_pinned_digests() -> None:
    """Fails if a sentence changed. Read it, then pin it with `python -m gate.text.service_texts`."""
    codes = {code for code in load_catalogue("fr") if code.startswith(service_texts.PREFIX)}
    assert set(service_texts.pinned_digests()) == codes
    for code, pinned in service_texts.pinned_digests().items():
        assert pinned == {
            language: service_texts.sentence_digest(load_catalogue(language)[code])
            for language in LANGUAGES
        }, code


@pytest.mark.parametrize("language", LANGUAGES)
def test_pinned_sentence_is_allowed(language: str) -> None:
    assert verdict(unit(CRISIS, language)) == "A"
    assert verdict(unit(RECEIPT, language)) == "A"


@pytest.mark.parametrize(
    "slot", ["x" * 65, "a\nb", "<b>", "see bad.com/x", "EXPLICIT-MARKER-A", ""]
)
def test_slot_accepts_only_short_plain_value(slot: str) -> None:
    assert verdict(unit(Message("service.receipt.refunded", {"amount": slot}))) == "B"


def test_other_content_next_to_service_text_is_refused() -> None:
    own = unit()
    changed = Text("body", own.texts[0].body + " Come and see me.")
    assert verdict(replace(own, texts=(changed,))) == "B"
    assert verdict(replace(own, texts=(*own.texts, Text("title", "more")))) == "B"
    assert verdict(replace(own, media=(Medium("a" * 64, "image/png", 1),))) == "B"
    assert (
        verdict(
            replace(
                own,
                service="gate.denied",
                texts=(Text("body", render_message(Message("gate.denied"), "fr")),),
            )
        )
        == "B"
    )
    assert (
        verdict(
            replace(own, service="service.button.pack", texts=(Text("body", "anything at all"),))
        )
        == "B"
    )
    label = render_message(Message("service.button.purchases"), "fr")
    assert verdict(replace(own, buttons=(Button(label, "purchases", "1"),))) == "A"


def test_safety_text_reaches_blocked_viewers_despite_stops() -> None:
    stops = (StopFacts("global", "sending"), StopFacts("chat", "bot"))
    assert verdict(unit(), facts(viewer=BLOCKED, stops=stops)) == "A"
    assert verdict(unit(RECEIPT), facts(viewer=BLOCKED)) == "A"
    stopped = decide_unit(facts(stops=stops), unit(RECEIPT), bundle.shipped_bundle(), NOW)
    assert stopped.reasons == (Reason.KILL_SWITCH,)
    assert (
        verdict(
            unit(RECEIPT), facts(stops=(StopFacts("chat", "bot"), StopFacts("tenant", "payments")))
        )
        == "A"
    )


def test_age_check_link_must_be_own_page() -> None:
    """The only link a service text may contain: any other host, path or length is refused."""
    page = f"https://pages.example/age/{'A' * 32}"
    ours = facts(own_hosts=("pages.example",))
    for language in LANGUAGES:
        said = Message("service.age.open", {"age_page": page})
        assert verdict(unit(said, language), ours) == "A"
        assert verdict(unit(said, language)) == "B"
    for other in (
        f"https://elsewhere.example/age/{'A' * 32}",
        f"https://pages.example.evil.example/age/{'A' * 32}",
        f"https://pages.example@evil.example/age/{'A' * 32}",
        f"https://pages.example/shop/{'A' * 32}",
        f"{page}A",
        f"{page} https://evil.example",
        "",
    ):
        assert verdict(unit(Message("service.age.open", {"age_page": other})), ours) == "B", other


def test_report_link_must_be_own_page() -> None:
    page, ours = "https://pages.example/report", facts(own_hosts=("pages.example",), viewer=BLOCKED)
    for language in LANGUAGES:
        assert (
            verdict(unit(Message("service.safety.report", {"report_page": page}), language), ours)
            == "A"
        )
    for other in (
        "https://elsewhere.example/report",
        "https://pages.example@evil.example/report",
        f"{page}/2222-2222-2222",
        f"{page}?to=evil.example",
        f"{page} https://evil.example",
        "",
    ):
        assert (
            verdict(unit(Message("service.safety.report", {"report_page": other})), ours) == "B"
        ), other
