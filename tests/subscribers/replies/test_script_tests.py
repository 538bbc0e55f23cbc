"""Tests of bot scripts: a fan keeps one version, autonomy never rises, and the end keeps one."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from foundation.money import Money
from insights.analysis import script_test_verdicts
from insights.analysis.ab_test_verdicts import VerdictKind
from insights.analysis.script_test_verdicts import ScriptVerdict
from subscribers.ledger import entries
from subscribers.ledger.fan_results import load_fan_results
from subscribers.replies import persona, script_tests
from subscribers.replies.persona import PersonaVersion
from subscribers.replies.script_tests import MIN_FANS, ScriptTestRequest, draw_script
from tests.subscribers.builders import NOVA, Studio


def version(studio: Studio, **changes: object) -> UUID:
    with studio.scope() as scope:
        return persona.create_persona_version(
            scope,
            studio.world.creator_id,
            replace(NOVA, **changes),  # type: ignore[arg-type]  # fields of a persona
        )


def start(studio: Studio, *personas: UUID, **more: object) -> UUID:
    values: dict[str, object] = {"metric": "buyers", "planned": MIN_FANS, "window_days": 7, **more}
    with studio.scope() as scope:
        return script_tests.start_script_test(
            scope,
            studio.world.creator_id,
            ScriptTestRequest(personas, **values),  # type: ignore[arg-type]  # values of the test
            key=uuid7(),
            by="member:x",
        )


def speaker(studio: Studio, fan_id: UUID) -> PersonaVersion:
    with studio.scope() as scope:
        found = script_tests.speaker_of_fan(scope, studio.world.creator_id, fan_id)
    assert found is not None
    return found


@given(some.uuids(), some.lists(some.uuids(), min_size=400, max_size=400, unique=True))
@settings(max_examples=8, deadline=None)
def test_fans_are_split_evenly_and_never_move(test_id: UUID, fans: list[UUID]) -> None:
    drawn = [draw_script(test_id, one, 4) for one in fans]
    assert drawn == [draw_script(test_id, one, 4) for one in fans]
    assert min(Counter(drawn).values()) > 50


def test_each_fan_is_answered_by_one_version(studio: Studio) -> None:
    test_id = start(studio, version(studio, card="Writes like a sailor."))
    fans = [uuid7() for _ in range(40)]
    first = {one: speaker(studio, one) for one in fans}
    assert {one.card for one in first.values()} == {NOVA.card, "Writes like a sailor."}
    assert {one: speaker(studio, one) for one in fans} == first
    assert {one.level for one in first.values()} == {"copilot"}, (
        "a version that was never active has the least autonomy, and all versions have the same"
    )
    with studio.scope() as scope:
        test = script_tests.get_script_test(scope, test_id)
        assert len(script_tests.list_tested_fans(scope, test)) == 40
        told = script_test_verdicts.judge_script_test(scope, test)
    assert (told.kind, told.more) == (VerdictKind.WAITING, MIN_FANS), "no window has passed"


def test_fans_after_the_planned_number_get_the_active_persona(studio: Studio) -> None:
    start(studio, version(studio, card="Writes like a sailor."))
    for _ in range(MIN_FANS):
        with studio.scope() as scope:
            script_tests.speaker_of_fan(scope, studio.world.creator_id, uuid7())
    late = [speaker(studio, uuid7()) for _ in range(12)]
    assert {(one.card, one.level) for one in late} == {(NOVA.card, "autopilot")}


def test_versions_differ_only_in_the_script(studio: Studio) -> None:
    other = version(studio, card="Writes like a sailor.")
    for personas, more, code in (
        ((version(studio, name="Other"),), {}, "scripts.other_character"),
        ((version(studio, forbidden=("politics",)),), {}, "scripts.other_character"),
        ((version(studio),), {}, "scripts.equal_versions"),
        ((), {}, "scripts.count_wrong"),
        ((other,) * 4, {}, "scripts.count_wrong"),
        ((other,), {"planned": MIN_FANS - 1}, "scripts.size_wrong"),
        ((other,), {"metric": "likes"}, "scripts.wrong"),
        ((other,), {"metric": "net", "currency": "€"}, "scripts.wrong"),
        ((other,), {"window_days": 5}, "scripts.wrong"),
    ):
        with pytest.raises(BadInput) as told:
            start(studio, *personas, **more)
        assert told.value.message.code == code
    with pytest.raises(NotFound):
        start(studio, uuid7())


def test_running_test_blocks_activations_and_its_end_keeps_a_version(studio: Studio) -> None:
    other = version(studio, card="Writes like a sailor.")
    test_id = start(studio, other)
    with pytest.raises(Conflict) as told, studio.scope() as scope:
        persona.activate_persona(scope, other)
    assert told.value.message.code == "scripts.running"
    with pytest.raises(Conflict):
        start(studio, other)
    for _ in range(2):
        with studio.scope() as scope:
            script_test_verdicts.end_script_test(scope, test_id, keep="b")
    with pytest.raises(Conflict), studio.scope() as scope:
        script_test_verdicts.end_script_test(scope, test_id, keep="a")
    with studio.scope() as scope:
        active = persona.active_persona(scope, studio.world.creator_id)
    assert active is not None
    assert (active.card, active.level) == ("Writes like a sailor.", "copilot")


def test_ended_test_collects_nothing_and_keeps_its_verdict(studio: Studio) -> None:
    test_id = start(studio, version(studio, card="Writes like a sailor."))

    def judge() -> ScriptVerdict:
        with studio.scope() as scope:
            creator_id = studio.world.creator_id
            ((test, found),) = script_test_verdicts.judge_script_tests(scope, [creator_id])
            assert test.id == test_id
            return found

    def enter(days_ago: int) -> None:
        with studio.scope() as scope:
            at = scope.now - timedelta(days=days_ago)
            script_tests.import_past_fans(scope, test_id, [(uuid7(), at) for _ in range(5)])

    enter(12)
    enter(6)
    assert judge().more == MIN_FANS - 5, "the window of five fans has passed"
    with studio.scope() as scope:
        script_test_verdicts.end_script_test(scope, test_id, keep="a")
    kept = judge()
    enter(12)
    assert judge() == kept, "a stored verdict is only read"
    assert kept.more == MIN_FANS - 5
    with studio.scope() as scope:
        running = script_tests.get_script_test(scope, test_id)
        ended = replace(running, verdict=None, ended_at=scope.now - timedelta(days=6))
        late = script_test_verdicts.judge_script_test(scope, ended)
    assert late.more == MIN_FANS, "no window had passed at the end"


def test_results_count_sales_of_the_window_less_refunds(studio: Studio) -> None:
    studio.say("leo", "Salut")
    with studio.scope() as scope:
        fan_id = scope.run("SELECT id FROM fans LIMIT 1").scalar_one()
        now = scope.now
        for minor, after in ((300, -5), (500, 1), (700, 6), (900, 8)):
            entries.record_sale(
                scope,
                uuid7(),
                Money(minor, "EUR"),
                rail="test",
                at=now + timedelta(days=after),
                creator_id=studio.world.creator_id,
                fan_id=fan_id,
            )
        found = load_fan_results(
            scope,
            studio.world.creator_id,
            [(fan_id, now)],
            window=timedelta(days=7),
            currency="EUR",
        )
    assert (found[fan_id].sales, found[fan_id].net_minor, found[fan_id].before_minor) == (
        2,
        1200,
        300,
    )
