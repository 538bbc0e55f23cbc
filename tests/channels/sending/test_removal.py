"""Removal of copies: confirmed by the platform, done once, and also for uncertain copies."""

from channels.attempts.queries import list_attempts
from channels.limits import send_limits
from channels.manual_tasks import tasks
from channels.sending import handlers, reconciliation, removal
from channels.sending.events import CopyRemovalDue
from channels.sending.step_runner import PreparedStep
from connectors.contract.outcomes import Published, Uncertain
from foundation.db.database import Database
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.contract.units import Unit
from gate.copies import live_copies
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.channels.builders import CONNECTORS, World, mint, world
from tests.fakes.sandbox import RunningSandbox


def remove(lea: World, unit: Unit) -> list[int]:
    """Request and run every removal of a unit; return the seconds until each retry."""
    with lea.scope() as scope:
        traces = [
            copy
            for copy in live_copies.list_consumed_permits(scope, unit.subject)
            if copy.step == "publish"
        ]
        for copy in traces:
            removal.request_removal(scope, copy)
    waits = []
    for copy in traces:
        event = CopyRemovalDue(lea.tenant_id, copy.jti)
        try:
            handlers.remove_copy(
                event,
                tenant=lea.tenant,
                transport=lea.transport(),
                connectors=CONNECTORS,
                mint=mint,
            )
        except outbox.RetryLater as later:
            waits.append(round(later.after.total_seconds()))
    return waits


def facts(lea: World) -> int:
    with lea.scope() as scope:
        return int(
            scope.run("SELECT count(*) FROM outbox WHERE kind = 'copy.removed'").scalar_one()
        )


def open_notices(lea: World) -> list[str]:
    with lea.scope() as scope:
        statement = "SELECT message ->> 'code' FROM notices WHERE settled_at IS NULL"
        return list(scope.run(statement).scalars().all())


def deleted(lea: World) -> list[bool]:
    """Return for each post ever accepted by the platform whether it was deleted."""
    posts = [post["id"] for post in lea.network.truth(lea.account)["posts"]]
    return [
        lea.network.api("GET", lea.account, f"posts/{native_id}")[0] == 404 for native_id in posts
    ]


def test_copy_is_removed_once(lea: World) -> None:
    unit, other = lea.unit("goes", pictures=1), lea.unit("stays")
    lea.publish(unit)
    lea.publish(other)
    for _ in range(2):
        assert remove(lea, unit) == []
    assert deleted(lea) == [True, False]
    assert facts(lea) == 1
    with lea.scope() as scope:
        assert all(copy.removed_at for copy in live_copies.list_copies(scope, unit.subject))
        told = [(one.kind, one.outcome) for one in list_attempts(scope, unit.subject)]
    assert told == [("send", "published"), ("remove", "published")]


def test_missing_copy_counts_as_removed(lea: World) -> None:
    unit = lea.unit()
    outcome = lea.publish(unit)
    assert isinstance(outcome, Published)
    lea.network.api("DELETE", lea.account, f"posts/{outcome.native_id}")
    assert remove(lea, unit) == []
    assert facts(lea) == 1


def test_removal_is_retried_during_an_outage(lea: World) -> None:
    unit = lea.unit()
    lea.publish(unit)
    lea.network.fault("status:503_after", account=lea.account, on="*")
    assert len(remove(lea, unit)) == 1
    assert facts(lea) == 0
    assert remove(lea, unit) == []
    assert deleted(lea) == [True]


def test_refused_removal_is_reported(lea: World) -> None:
    unit = lea.unit()
    lea.publish(unit)
    lea.network.fault("refuse", account=lea.account, on="*")
    assert remove(lea, unit) == [3600]
    assert open_notices(lea) == ["copy.cannot_remove"]
    assert remove(lea, unit) == []
    assert open_notices(lea) == []


def tasks_of(lea: World) -> list[tasks.ManualTask]:
    with lea.scope() as scope:
        return tasks.list_due_tasks(scope, creators=[lea.creator_id])


def test_refused_removal_is_one_task_until_a_member_confirms(lea: World) -> None:
    unit = lea.unit()
    lea.publish(unit)
    lea.network.fault("refuse", account=lea.account, on="*", times=9)
    for _ in range(3):
        assert remove(lea, unit) == [3600]
    (task,) = tasks_of(lea)
    assert (task.is_removal, bool(task.url), bool(task.native_id)) == (True, True, True)
    assert facts(lea) == 0, "nothing closes without a proof or a member's confirmation"
    with lea.scope() as scope:
        member = agencies.add_member(
            scope,
            name="Ann",
            email=f"{uuid7()}@example.org",
            role=Role.OWNER,
            language="fr",
            zone="Europe/Paris",
        )
    with lea.tenant(lea.tenant_id, f"member:{member}") as scope:
        tasks.confirm_removal(scope, task.id, creators=[lea.creator_id])
    assert remove(lea, unit) == []
    with lea.scope() as scope:
        proof = scope.run(
            "SELECT gone_proof FROM permits WHERE tenant_id = :t", t=lea.tenant_id
        ).scalar_one()
    assert (proof, facts(lea), tasks_of(lea)) == (f"member:{member}", 1, [])


def test_removal_is_listed_first_among_many_tasks(lea: World) -> None:
    unit = lea.unit()
    lea.publish(unit)
    lea.network.fault("refuse", account=lea.account, on="*")
    assert remove(lea, unit) == [3600]
    with lea.scope() as scope:
        scope.run(
            "INSERT INTO handovers (tenant_id, id, creator_id, channel_id, kind, key, state, "
            "subject_kind, subject_id,"
            " permit_jti, content, handed_at, due_at, reminders, native_id, url) SELECT "
            "tenant_id, gen_random_uuid(),"
            " creator_id, channel_id, 'post', 'many-' || n, 'waiting', subject_kind, subject_id, "
            "permit_jti, content,"
            " handed_at, due_at + (n - 250) * interval '1 min', 0, '', '' FROM handovers, "
            "generate_series(1, 300) n"
            " WHERE tenant_id = :tenant AND kind = 'removal'",
            tenant=scope.tenant_id,
        )
        found = tasks.list_due_tasks(scope, creators=[lea.creator_id])
    assert found[0].is_removal
    assert all(one.due_at <= scope.now for one in found), (
        "tasks that are not due yet are not listed"
    )


def test_removal_that_succeeds_later_closes_its_task(lea: World) -> None:
    unit = lea.unit()
    lea.publish(unit)
    lea.network.fault("refuse", account=lea.account, on="*")
    assert remove(lea, unit) == [3600]
    assert len(tasks_of(lea)) == 1
    assert remove(lea, unit) == []
    assert tasks_of(lea) == []
    assert deleted(lea) == [True]


def test_removal_waits_for_a_429(lea: World) -> None:
    unit = lea.unit()
    lea.publish(unit)
    lea.network.fault("status:429", account=lea.account, on="*", retry_after=20)
    assert remove(lea, unit) == [20]
    assert remove(lea, unit) == [20]  # without a request
    lea.pass_time(21)
    assert remove(lea, unit) == []


def uncertain(lea: World, mode: str, *, viewer: str = "") -> Unit:
    lea.network.fault(mode, account=lea.account, on="messages" if viewer else "posts")
    unit = lea.unit("in doubt", viewer=viewer)
    turn = lea.arm(unit)
    assert isinstance(turn, PreparedStep)
    outcome = lea.carry(turn)
    assert isinstance(outcome, Uncertain)
    lea.close(unit, outcome)
    return unit


def test_uncertain_copy_is_looked_up_first(lea: World) -> None:
    unit = uncertain(lea, "reset_after")
    assert remove(lea, unit) == []
    assert deleted(lea) == [True]
    assert facts(lea) == 1


def test_proven_absent_copy_counts_as_removed(lea: World) -> None:
    unit = uncertain(lea, "reset_before")
    assert remove(lea, unit) == [60]
    assert open_notices(lea) == ["copy.maybe_there"]
    with lea.scope() as scope:
        told = scope.run(
            "SELECT n.cause, n.message->'params' AS said, c.name FROM notices n, channels c"
        ).one()
    assert told.said["account"] == told.name, "the account's name, not the platform's ID"
    assert told.cause.startswith(f"delivery:{unit.subject.id}:"), "Home links to the post"
    for waits in (60, 300):
        lea.pass_time(waits + 1)
        assert len(remove(lea, unit)) == 1, "the platform's lists may lag"
    lea.pass_time(300)
    assert remove(lea, unit) == []
    assert (facts(lea), open_notices(lea)) == (1, [])


def test_late_found_copy_that_cannot_be_removed_is_reported(lea: World) -> None:
    """The first notice, that the copy may exist, once suppressed this one."""
    unit = uncertain(lea, "reset_after")
    lea.network.fault("status:503", account=lea.account, on="lookups", times=1)
    (wait,) = remove(lea, unit)
    assert open_notices(lea) == ["copy.maybe_there"]
    lea.pass_time(wait + 1)
    assert lea.probe() == 0
    lea.network.fault("refuse", account=lea.account, on="deletes")
    remove(lea, unit)
    assert open_notices(lea) == ["copy.cannot_remove"]


def said_not_there(lea: World, mode: str, *, viewer: str = "") -> Unit:
    """Mark an unconfirmed delivery as absent, and send it again."""
    unit = uncertain(lea, mode, viewer=viewer)
    with lea.scope() as scope:
        send_limits.release_brake(scope, lea.channel_id)
    with lea.tenant(lea.tenant_id, "member:7") as scope:
        reconciliation.mark_absent(scope, unit.subject)
    assert isinstance(lea.publish(unit), Published)
    return unit


def test_copy_marked_absent_is_still_looked_up(lea: World) -> None:
    """The member was wrong, and the post exists twice: both copies must be removed."""
    unit = said_not_there(lea, "reset_after")
    assert len(deleted(lea)) == 2
    assert remove(lea, unit) == []
    assert deleted(lea) == [True, True]
    assert facts(lea) == 2


def test_copy_correctly_marked_absent_is_settled_by_two_lookups(lea: World) -> None:
    unit = said_not_there(lea, "reset_before")
    assert remove(lea, unit) == [60]
    lea.pass_time(61)
    assert len(remove(lea, unit)) == 1
    lea.pass_time(600)
    assert remove(lea, unit) == []
    assert (deleted(lea), facts(lea), open_notices(lea)) == ([True], 2, [])


def test_members_mark_is_accepted_where_lookup_is_impossible(
    database: Database, sandbox: RunningSandbox
) -> None:
    lea = world(database, sandbox, "lea", nolook=True)
    sandbox.fan(lea.account, "leo", "message", text="bonjour")
    unit = said_not_there(lea, "reset_before", viewer="leo")
    assert remove(lea, unit) == []
    assert (facts(lea), open_notices(lea)) == (2, [])


def test_removal_ignores_the_brake(lea: World) -> None:
    published = lea.unit("out")
    lea.publish(published)
    uncertain(lea, "status:503")
    assert remove(lea, published) == []
    assert deleted(lea)[0]
