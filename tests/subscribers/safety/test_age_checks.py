"""Age verification of a fan: the link to the check, honest answers, and sales before and after."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest

from channels.age_verification import age_checks as ages
from channels.age_verification.states import AgeCheckState
from foundation.i18n.translation import Message, render_message
from gate.contract.states import AssuranceState
from gate.viewers import age_assurance
from subscribers.conversations import conversation_rows
from subscribers.erasure import erase_fan, export_fan
from subscribers.fans import directory
from subscribers.intake import handlers
from subscribers.intake.events import AgeCheckAnswered
from subscribers.safety import age_checks as proofs
from tests.channels.age_check_builders import AgeCheckDesk
from tests.fakes import yoti as fake
from tests.subscribers.builders import PAGES, Studio


@pytest.fixture(scope="module")
def provider() -> Iterator[fake.RunningYoti]:
    with fake.provider() as running:
        yield running


@pytest.fixture
def desk(studio: Studio, provider: fake.RunningYoti) -> Iterator[AgeCheckDesk]:
    """Nova's agency with the provider connected."""
    made = AgeCheckDesk(studio.world, provider, *provider.world.customer())
    made.connect()
    yield made
    provider.clear()


def said(code: str, language: str = "fr", **params: str) -> str:
    return render_message(Message(code, params), language)


def check_of(desk: AgeCheckDesk, user: str) -> UUID:
    [row] = desk.rows(
        "SELECT id FROM age_checks WHERE tenant_id = :tenant AND user_id = :user", user=user
    )
    found: UUID = row.id
    return found


def tell(studio: Studio, desk: AgeCheckDesk) -> None:
    """Pass the event to its listener."""
    for row in desk.rows(
        "SELECT subject_id, args FROM outbox WHERE tenant_id = :tenant AND kind = 'age.answered'"
    ):
        user, state = row.args["user_id"], row.args["state"]
        told = AgeCheckAnswered(
            studio.world.tenant_id, row.subject_id, studio.world.channel_id, user, state
        )
        handlers.answer_age_check(told, tenant=studio.world.tenant)
    with studio.scope() as scope:
        scope.run(
            "DELETE FROM outbox WHERE tenant_id = :tenant AND kind LIKE 'age.%'",
            tenant=studio.world.tenant_id,
        )
    studio.go()


def test_age_command_links_to_the_fans_check(studio: Studio, desk: AgeCheckDesk) -> None:
    studio.say("leo", "/age")
    text = studio.texts("leo")[-1]
    start, _, rest = said("service.age.open", age_page="{page}").partition("{page}")
    assert text.startswith(f"{start}{PAGES}/age/")
    assert text.endswith(rest)
    token = text.removeprefix(f"{start}{PAGES}/age/").removesuffix(rest)
    found = ages.find_check(studio.world.database.scope, token)
    assert found == (studio.world.tenant_id, check_of(desk, "leo"))


def test_passed_check_verifies_the_adult_and_thanks(studio: Studio, desk: AgeCheckDesk) -> None:
    studio.say("leo", "/age")
    check_id = check_of(desk, "leo")
    desk.begin(check_id)
    desk.finish(check_id)
    desk.look(check_id)
    tell(studio, desk)
    assert studio.texts("leo")[-1] == said("service.age.thanks")
    assert desk.age("leo", platform="sandbox").over_18
    studio.say("leo", "/age")
    assert studio.texts("leo")[-1] == said("service.age.thanks")
    assert len(desk.rows("SELECT 1 FROM age_checks WHERE tenant_id = :tenant")) == 1


def test_failed_check_counts_as_minor(studio: Studio, desk: AgeCheckDesk) -> None:
    studio.say("leo", "/age")
    check_id = check_of(desk, "leo")
    desk.begin(check_id)
    desk.finish(check_id, "FAIL")
    desk.look(check_id)
    tell(studio, desk)
    assert studio.texts("leo")[-1] == said("service.safety.minor")
    assert desk.age("leo", platform="sandbox").state is AssuranceState.BLOCKED
    before = len(studio.texts("leo"))
    studio.say("leo", "/age")
    studio.say("leo", "bonjour")
    assert len(studio.texts("leo")) == before


@pytest.mark.parametrize(("status", "code"), [("CANCELLED", "ended"), ("COMPLETE", "not_taken")])
def test_cancelled_or_insufficient_check_is_explained(
    studio: Studio, desk: AgeCheckDesk, status: str, code: str
) -> None:
    studio.say("leo", "/age")
    check_id = check_of(desk, "leo")
    desk.begin(check_id)
    desk.finish(check_id, status, "AGE_ESTIMATION")
    desk.look(check_id)
    tell(studio, desk)
    assert studio.texts("leo")[-1] == said(f"service.age.{code}")
    assert not desk.age("leo", platform="sandbox").over_18


def test_missing_provider_is_explained(studio: Studio) -> None:
    studio.say("leo", "/age")
    assert studio.texts("leo")[-1] == said("service.age.how")  # a test network verifies ages itself
    with studio.scope() as scope:
        channel = studio.world.channel()
        fan = directory.find_fan_identity(scope, channel.id, "leo")
        assert fan is not None
        talk = conversation_rows.find_or_create_conversation(scope, fan, channel)
        real = replace(channel, platform="telegram")
        assert proofs.age_check_message(scope, talk, real, fan, pages=PAGES) == Message(
            "service.age.none_here"
        )


def test_proof_counts_for_its_own_chat_only(studio: Studio, desk: AgeCheckDesk) -> None:
    studio.say("leo", "/age")
    studio.say("mia", "/age")
    check_id = check_of(desk, "leo")
    assert desk.begin(check_id).state is AgeCheckState.OPEN
    desk.finish(check_id)
    desk.look(check_id)
    assert desk.age("mia", platform="sandbox") == age_assurance.UNKNOWN_VIEWER


def test_check_link_is_private_and_erased_with_the_fan(studio: Studio, desk: AgeCheckDesk) -> None:
    """Members, the model and exports read message lines: none contains the token of the check."""
    studio.say("leo", "/age")
    token = studio.texts("leo")[-1].partition("/age/")[2][:32]
    assert ages.find_check(studio.world.database.scope, token) is not None
    studio.say("leo", f"ça ? {PAGES}/age/{token}")
    lines = [row.body for row in studio.rows("SELECT body FROM messages WHERE tenant_id = :tenant")]
    assert sum("/age/…" in line for line in lines) == 2
    assert not [line for line in lines if token in line]
    with studio.scope() as scope:
        assert token not in str(export_fan(scope, studio.thread("leo").fan_id))
        erase_fan(scope, studio.thread("leo").fan_id)
    assert desk.rows("SELECT 1 FROM age_checks WHERE tenant_id = :tenant") == []
    assert ages.find_check(studio.world.database.scope, token) is None
