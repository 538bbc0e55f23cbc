"""/report in a chat: every user gets the report page, whatever their status and whatever is
stopped; nothing else is answered."""

import pytest

from foundation.i18n.translation import Message, render_message
from gate.policy import emergency_stops
from gate.viewers import age_assurance
from tests.subscribers.builders import PAGES, Studio


def sentence(language: str = "fr") -> str:
    return render_message(
        Message("service.safety.report", {"report_page": f"{PAGES}/report"}), language
    )


@pytest.mark.parametrize(
    "command", ["/report", "/report@nova_bot", "/signaler", "/REPORT ma photo est là"]
)
def test_report_command_returns_the_report_page(studio: Studio, command: str) -> None:
    studio.say("leo", command)
    assert studio.texts("leo").count(sentence()) == 1


def test_report_command_works_when_blocked_and_stopped(studio: Studio) -> None:
    studio.say("leo", "bonjour")
    with studio.scope() as scope:
        age_assurance.block_viewer(scope, "sandbox", "leo")
        scope.run(
            "UPDATE fans SET status = 'blocked', opt_out = 'all' WHERE tenant_id = :t",
            t=studio.world.tenant_id,
        )
        for feature in ("bot", "sending"):
            emergency_stops.close_switch(scope, "tenant", "", feature, reason="stop")
    before = len(studio.texts("leo"))
    studio.say("leo", "encore là ?")
    assert len(studio.texts("leo")) == before, "nothing else is answered"
    studio.say("leo", "/report")
    assert studio.texts("leo")[before:] == [sentence()]


def test_reporting_minor_is_answered_and_protected(studio: Studio) -> None:
    studio.say("leo", "/report j'ai 15 ans et je suis sur une photo")
    assert sentence() in studio.texts("leo")
    assert render_message(Message("service.safety.minor"), "fr") in studio.texts("leo")
    with studio.scope() as scope:
        assert not age_assurance.get_assurance(scope, "sandbox", "leo").can_be_messaged


def test_similar_text_is_no_report_command(studio: Studio) -> None:
    studio.say("leo", "/reporters sans frontières ?")
    studio.say("leo", "je veux un reportage /report")
    assert sentence() not in studio.texts("leo")
