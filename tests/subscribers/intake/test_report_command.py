"""/report in a chat: everybody is told where to ask, whoever they are and whatever is stopped; and
nothing else is."""

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
def test_who_asks_is_told_where(studio: Studio, command: str) -> None:
    studio.say("leo", command)
    assert studio.texts("leo").count(sentence()) == 1


def test_a_blocked_reader_a_stopped_bot_and_a_full_stop_answer_all_the_same(studio: Studio) -> None:
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


def test_who_says_to_be_a_minor_is_told_and_protected(studio: Studio) -> None:
    studio.say("leo", "/report j'ai 15 ans et je suis sur une photo")
    assert sentence() in studio.texts("leo")
    assert render_message(Message("service.safety.minor"), "fr") in studio.texts("leo")
    with studio.scope() as scope:
        assert not age_assurance.get_assurance(scope, "sandbox", "leo").can_be_messaged


def test_a_word_that_only_begins_so_is_ordinary(studio: Studio) -> None:
    studio.say("leo", "/reporters sans frontières ?")
    studio.say("leo", "je veux un reportage /report")
    assert sentence() not in studio.texts("leo")
