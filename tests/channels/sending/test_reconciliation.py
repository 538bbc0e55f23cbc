"""Lookups of uncertain deliveries: proof of absence, the schedule, and decisions of members."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.attempts import attempts
from channels.attempts.queries import list_attempts
from channels.limits import send_limits
from channels.sending import reconciliation, step_runner
from channels.sending.reconciliation import LookRecord, combine_looks
from channels.sending.step_runner import PreparedStep
from connectors.contract.outcomes import (
    Absent,
    Failed,
    Found,
    LookupResult,
    Published,
    Uncertain,
    Unknown,
)
from foundation.db.database import Database
from foundation.errors import Conflict
from foundation.i18n.translation import Message
from gate.contract.units import Unit
from tests.channels.builders import World, world
from tests.fakes.sandbox import RunningSandbox

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
BLIND = Unknown(Message("attempt.not_proven"))
NEVER = Failed(Message("tiktok.film_refused", {"code": "internal"}))


def doubtful(lea: World, body: str, mode: str) -> Unit:
    """Publish a unit whose response is lost."""
    lea.network.fault(mode, account=lea.account, on="posts", seconds=1)
    unit = lea.unit(body)
    turn = lea.arm(unit)
    assert isinstance(turn, PreparedStep)
    assert isinstance(lea.carry(turn), Uncertain)
    return unit


def seen(*looks: tuple[int, LookupResult], caught_up: int = 0) -> list[LookRecord]:
    """Return lookup records at these seconds, of a list that has caught up after `caught_up`
    seconds."""
    return [
        LookRecord(
            START + timedelta(seconds=at),
            sighting,
            conclusive_at=START + timedelta(seconds=caught_up),
        )
        for at, sighting in looks
    ]


def test_absence_needs_two_lookups_a_minute_apart() -> None:
    assert isinstance(combine_looks(seen()), Unknown)
    assert isinstance(combine_looks(seen((0, Absent()))), Unknown)
    assert isinstance(combine_looks(seen((0, Absent()), (59, Absent()))), Unknown)
    assert isinstance(combine_looks(seen((0, Absent()), (60, Absent()))), Absent)
    assert isinstance(combine_looks(seen((0, BLIND), (90, Absent()))), Unknown)
    assert isinstance(combine_looks(seen((0, Absent()), (61, Absent()), (90, Found("7")))), Found)
    assert isinstance(combine_looks([LookRecord(START, Absent(), sure=True)]), Absent)
    assert combine_looks(seen((0, BLIND), (1, NEVER), (90, BLIND))) == NEVER, (
        "a permanent refusal stays one"
    )
    assert isinstance(combine_looks(seen((0, NEVER), (1, Found("7")))), Found)


@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.sampled_from([Absent(), BLIND, NEVER, Found("7")])),
        max_size=6,
    )
)
def test_combined_lookups_never_lose_a_find(drawn: list[tuple[int, LookupResult]]) -> None:
    looks = seen(*sorted(drawn, key=lambda look: look[0]))
    said = combine_looks(looks)
    assert isinstance(said, Found) == any(isinstance(look.sighting, Found) for look in looks)
    absent = [look.at for look in looks if isinstance(look.sighting, Absent)]
    if isinstance(said, Absent):
        assert max(absent) - min(absent) >= timedelta(seconds=60)


def test_lookups_follow_their_schedule() -> None:
    waits = [reconciliation.look_delay(n) for n in range(8)]
    assert [wait.total_seconds() if wait else None for wait in waits] == [
        20,
        60,
        300,
        1800,
        7200,
        21600,
        86400,
        None,
    ]


def test_found_post_is_published_at_the_platforms_time(lea: World) -> None:
    unit = doubtful(lea, "taken in", "reset_after")
    sighting = lea.look(unit)
    assert isinstance(sighting, Found)
    assert sighting.at is not None
    assert lea.close(unit, Published(sighting.native_id, sighting.url, sighting.at))
    assert isinstance(lea.arm(unit, braked=True), Published)
    with lea.scope() as scope:
        assert [(one.kind, one.outcome) for one in list_attempts(scope, unit.subject)] == [
            ("send", "published"),
            ("look", "found"),
        ]
        (look,) = attempts.list_attempts(scope, unit.subject, kinds=("look",))
    assert [step["answer"]["status"] for step in look.steps] == [200]
    assert "taken in" not in str(look.steps), "other posts of the list are not stored"


def test_post_found_after_an_uncertain_settlement_is_resolved(lea: World) -> None:
    unit = doubtful(lea, "closed in doubt", "reset_after")
    lea.close(unit, Uncertain(Message("attempt.no_answer")))
    sighting = lea.look(unit)
    assert isinstance(sighting, Found)
    assert lea.close(unit, Published(sighting.native_id))
    assert not lea.close(unit, Published("another"))
    with lea.scope() as scope:
        send = list_attempts(scope, unit.subject)[0]
        assert not reconciliation.is_possibly_published(scope, unit.subject)
    assert (send.outcome, send.native_id, send.resolved_by) == (
        "uncertain",
        sighting.native_id,
        "system:publishing",
    )


def test_identical_texts_are_two_posts(lea: World) -> None:
    """Another post with the same text is never taken for the lost one."""
    lea.publish(lea.unit("Bonjour"))
    lost = doubtful(lea, "Bonjour", "reset_before")
    assert isinstance(lea.look(lost), Absent)
    with lea.scope() as scope:
        send_limits.release_brake(scope, lea.channel_id)
    kept = doubtful(lea, "Bonjour", "reset_after")
    found = lea.look(kept)
    assert isinstance(found, Found)
    assert found.native_id == lea.network.truth(lea.account)["posts"][-1]["id"]
    lea.close(kept, Published(found.native_id))
    assert isinstance(lea.recover(lost), Published)
    assert lea.posts() == ["Bonjour"] * 3


def test_proven_absent_post_may_be_sent_again(lea: World) -> None:
    unit = doubtful(lea, "never there", "reset_before")
    for after in (60, 300):
        assert isinstance(lea.look(unit), Absent)
        with lea.scope() as scope:
            assert not reconciliation.is_proven_absent(scope, unit.subject)
            again = reconciliation.next_look_at(scope, unit.subject)
            assert again is not None
            assert again - scope.now == timedelta(seconds=after)
        assert isinstance(lea.arm(unit, braked=True), Uncertain)
        lea.pass_time(after)
    assert isinstance(lea.look(unit), Absent)
    with lea.scope() as scope:
        again = reconciliation.next_look_at(scope, unit.subject)
        assert again is not None
        assert timedelta(seconds=230) < again - scope.now <= timedelta(seconds=240), "ten minutes"
    lea.pass_time(240)
    assert isinstance(lea.look(unit), Absent)
    with lea.scope() as scope:
        assert reconciliation.is_proven_absent(scope, unit.subject)
        reconciliation.mark_absent(scope, unit.subject)
        assert not reconciliation.is_possibly_published(scope, unit.subject)
    turn = lea.arm(unit, braked=True)
    assert isinstance(turn, PreparedStep)
    assert isinstance(lea.carry(turn), Published)
    assert lea.posts() == ["never there"]


def test_failed_lookup_proves_nothing(lea: World) -> None:
    unit = doubtful(lea, "blind", "reset_before")
    lea.network.fault("status:503", account=lea.account, on="*", times=2)
    assert isinstance(lea.look(unit), Unknown)
    with lea.scope() as scope:
        again = reconciliation.next_look_at(scope, unit.subject)
        assert again is not None
        assert again - scope.now == reconciliation.BRAKED_LOOK_INTERVAL
    lea.pass_time(61)
    assert lea.probe() > 0
    requests = len(lea.network.json("GET", f"/control/record?account={lea.account}")[1]["record"])
    assert isinstance(lea.look(unit), Unknown)
    record = lea.network.json("GET", f"/control/record?account={lea.account}")[1]["record"]
    assert len(record) == requests, "during an outage only the probe sends requests"
    lea.pass_time(61)
    assert lea.probe() == 0
    assert isinstance(lea.look(unit), Absent)
    with lea.scope() as scope:
        assert not reconciliation.is_proven_absent(scope, unit.subject)


def test_lookups_end_after_a_day(lea: World) -> None:
    unit = doubtful(lea, "for a person", "reset_before")
    lea.look(unit)
    lea.pass_time(24 * 3600 + 1)
    with lea.scope() as scope:
        assert reconciliation.next_look_at(scope, unit.subject) is None


def test_message_without_lookup_is_left_to_a_member_at_once(
    database: Database, sandbox: RunningSandbox
) -> None:
    """Found by fault injection: a message that cannot be looked up was looked up 288 times before a
    member was notified."""
    lea = world(database, sandbox, "dumb", nolook=True)
    sandbox.fan(lea.account, "leo", "message", text="bonjour")
    lea.network.fault("reset_after", account=lea.account, on="messages")
    unit = lea.unit("who knows", viewer="leo")
    turn = lea.arm(unit)
    assert isinstance(turn, PreparedStep)
    assert isinstance(lea.carry(turn), Uncertain)
    with lea.scope() as scope:
        assert reconciliation.next_look_at(scope, unit.subject) is not None
    assert isinstance(lea.look(unit), Unknown)
    with lea.scope() as scope:
        assert reconciliation.next_look_at(scope, unit.subject) is None


def test_member_who_marks_absent_allows_resending(lea: World) -> None:
    unit = doubtful(lea, "says who", "reset_before")
    lea.close(unit, Uncertain(Message("attempt.no_answer")))
    with lea.database.scope(lea.tenant_id, "member:7") as scope:
        reconciliation.mark_absent(scope, unit.subject)
        reconciliation.mark_absent(scope, unit.subject)
    with lea.scope() as scope:
        assert list_attempts(scope, unit.subject)[0].resolved_by == "member:7"
    assert isinstance(lea.arm(unit, braked=True), PreparedStep)


def test_attempt_in_progress_cannot_be_marked_absent(lea: World) -> None:
    unit = lea.unit("on its way")
    turn = lea.arm(unit)
    assert isinstance(turn, PreparedStep)
    assert isinstance(lea.look(unit), Unknown)
    with lea.scope() as scope, pytest.raises(Conflict):
        reconciliation.mark_absent(scope, unit.subject)
    assert isinstance(lea.carry(turn), Published)
    assert isinstance(lea.look(unit), Found)  # from the stored response, without a request
    with lea.scope() as scope:
        assert len(list_attempts(scope, unit.subject)) == 1


def test_stored_refusal_proves_absence(lea: World) -> None:
    """The process crashed between the response and the settlement: the record suffices, without a
    request."""
    lea.network.fault("refuse", account=lea.account, on="posts")
    unit = lea.unit("refused")
    turn = lea.arm(unit)
    assert isinstance(turn, PreparedStep)
    lea.carry(turn)
    assert isinstance(lea.look(unit), Absent)
    with lea.scope() as scope:
        assert reconciliation.is_proven_absent(scope, unit.subject)


def test_account_with_keys_is_looked_up_by_key(database: Database, sandbox: RunningSandbox) -> None:
    lea = world(database, sandbox, "keyed", keys=True)
    other = lea.unit("same words")
    lea.publish(other)
    unit = doubtful(lea, "same words", "reset_before")
    assert isinstance(lea.look(unit), Absent)
    unit = doubtful(lea, "same words", "reset_after")
    found = lea.look(unit)
    assert isinstance(found, Found)
    keys = {post["id"]: post["key"] for post in lea.network.truth(lea.account)["posts"]}
    assert keys[found.native_id] == step_runner.native_key_of(unit.subject)


def test_no_lookup_during_a_rate_limit(lea: World) -> None:
    unit = doubtful(lea, "wait", "reset_after")
    lea.network.fault("status:429", account=lea.account, on="*", retry_after=30)
    assert isinstance(lea.look(unit), Unknown)
    sent = len(lea.network.json("GET", f"/control/record?account={lea.account}")[1]["record"])
    assert isinstance(lea.look(unit), Unknown)
    assert (
        len(lea.network.json("GET", f"/control/record?account={lea.account}")[1]["record"]) == sent
    )
    lea.pass_time(31)
    lea.probe()
    assert isinstance(lea.look(unit), Found)
