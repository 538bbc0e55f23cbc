"""Preflight checks: members are warned of problems before a post is due, without side effects."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event

from channels.accounts import lifecycle
from channels.limits import send_limits
from connectors.contract.connector import Response, StepAnswerLost
from foundation.i18n.translation import Message
from gate.contract.units import Rating
from gate.policy import emergency_stops
from schedules.calendar import next_steps
from schedules.posts.states import DeliveryState
from schedules.publishing import preflight
from studio.library import assets
from tenants.notices.queries import list_open_notices
from tests.gate.answers import rate_and_answer
from tests.schedules.builders import SandboxAgency


def warning(lea: SandboxAgency, delivery_id: object) -> str | None:
    return lea.notices().get(f"delivery:{delivery_id}:preflight")


def troubles(lea: SandboxAgency, delivery_id: UUID) -> list[str]:
    with lea.scope() as scope:
        return [
            one.code
            for one in preflight.troubles_of_delivery(scope, delivery_id, lea.services.connectors)
        ]


def ends(lea: SandboxAgency, *, seconds: float, refresh: bool = False) -> None:
    """Set the expiry of the account's token. With `refresh`, the token can be refreshed."""
    with lea.scope() as scope:
        scope.run(
            "UPDATE tokens SET expires_at = :at, since = house_now(), refresh_box = CASE WHEN "
            ":refresh THEN box END"
            " WHERE tenant_id = :tenant AND channel_id = :channel",
            at=scope.now + timedelta(seconds=seconds),
            refresh=refresh,
            tenant=lea.tenant_id,
            channel=lea.channels["main"],
        )


def test_post_without_problems_has_no_notice(lea: SandboxAgency) -> None:
    lea.delivery(after=3600, media=(lea.photo(),))
    lea.live(minutes=55)
    assert lea.notices() == {}


def test_preflight_reads_each_table_once(lea: SandboxAgency) -> None:
    delivery_id, asked = lea.delivery(after=3600), list[str]()
    with lea.scope() as scope:
        connection = scope.session.info["connection"]
        event.listen(
            connection, "before_cursor_execute", lambda _c, _u, said, *_: asked.append(said)
        )
        preflight.warn_of_troubles(scope, delivery_id, connectors=lea.services.connectors)
    for table in ("FROM channels c LEFT JOIN tokens", "rate_bucket", "switches.scope"):
        assert sum(table in said for said in asked) == 1, table
    assert len(asked) <= 14


def test_missing_media_is_reported_when_scheduled(
    lea: SandboxAgency,
) -> None:
    account = f"pics-{str(lea.tenant_id)[-8:]}"
    lea.network.account(account)
    channel = lea.connect_to("pics", account=account, token=lea.network.tokens[account])
    bare = lea.delivery(channel="pics", after=3600)
    with lea.scope() as scope:  # the platform changes its rule after the approval
        scope.run("UPDATE channels SET surface = 'sandbox.as_instagram' WHERE id = :id", id=channel)
    assert troubles(lea, bare) == ["connectors.media_missing"]
    assert troubles(lea, lea.delivery(channel="pics", after=7200, media=(lea.photo(),))) == []


def test_unrated_photo_is_reported_and_post_publishes_once_rated(
    lea: SandboxAgency,
) -> None:
    photo = lea.photo(rating=None)
    delivery_id = lea.delivery(after=3600, media=(photo,))
    lea.live(minutes=51)
    assert warning(lea, delivery_id) == "gate.RATING_MISSING"
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED
    assert lea.asked() == lea.asked(kind="files") == []
    with lea.scope(f"member:{lea.manager}") as scope:
        rate_and_answer(
            scope, assets.get_asset(scope, photo).sha256, Rating.G, source=f"member:{lea.manager}"
        )
    lea.live(minutes=10)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert lea.notices() == {}


STRANGE = "r0plpgsql-12-3456"
"""A text in no language that the gate supports."""


def told(lea: SandboxAgency, delivery_id: UUID) -> tuple[str, bool] | None:
    """Return code and urgency of the preflight notice of the delivery, or None."""
    with lea.scope() as scope:
        found = {one.cause: one for one in list_open_notices(scope)}
    one = found.get(f"delivery:{delivery_id}:preflight")
    return (one.message.code, one.urgent) if one is not None else None


@pytest.mark.heavy
def test_gate_refusal_is_reported_a_day_before_and_urgently_near_due(
    lea: SandboxAgency,
) -> None:
    tomorrow, later = (
        lea.delivery(STRANGE, after=20 * 3600),
        lea.delivery(f"{STRANGE}-7", after=3 * 86_400),
    )
    lea.run()
    assert told(lea, tomorrow) == ("gate.TEXT_LANGUAGE_UNSUPPORTED", False), (
        "the notice is not urgent yet"
    )
    assert told(lea, later) is None
    lea.live(hours=49)
    assert told(lea, later) == ("gate.TEXT_LANGUAGE_UNSUPPORTED", False)
    lea.live(hours=22, minutes=52)
    assert told(lea, later) == ("gate.TEXT_LANGUAGE_UNSUPPORTED", True)


def test_preflight_has_lower_priority_than_publishing(lea: SandboxAgency) -> None:
    lea.delivery(after=6 * 3600)
    with lea.scope() as scope:
        rows = scope.run("SELECT kind, priority FROM outbox WHERE tenant_id = :t", t=lea.tenant_id)
        found = {row.kind: row.priority for row in rows}
    assert found["delivery.publish"] < found["delivery.preflight"]


def test_preflight_notice_closes_with_its_cause(lea: SandboxAgency) -> None:
    photo = lea.photo(rating=None)
    delivery_id = lea.delivery(after=20 * 3600, media=(photo,))
    lea.run()
    assert told(lea, delivery_id) == ("gate.RATING_MISSING", False)
    with lea.scope(f"member:{lea.manager}") as scope:
        rate_and_answer(
            scope, assets.get_asset(scope, photo).sha256, Rating.G, source=f"member:{lea.manager}"
        )
    lea.live(minutes=11)
    assert told(lea, delivery_id) is None
    lea.live(hours=20)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_later_problem_is_reported_hours_before(lea: SandboxAgency) -> None:
    photo = lea.photo()
    delivery_id = lea.delivery(after=20 * 3600, media=(photo,))
    lea.live(minutes=1)
    assert told(lea, delivery_id) is None
    with lea.scope(f"member:{lea.manager}") as scope:
        rate_and_answer(
            scope, assets.get_asset(scope, photo).sha256, Rating.E, source=f"member:{lea.manager}"
        )
    lea.live(hours=6)
    found = told(lea, delivery_id)
    assert found is not None
    assert found[0].startswith("gate.")
    assert not found[1], "not urgent with fourteen hours left"


def test_account_pause_is_not_reported_a_day_before(lea: SandboxAgency) -> None:
    """The cause may be gone by then, and the page of the account shows it."""
    delivery_id = lea.delivery(after=20 * 3600)
    lea.act(
        lifecycle.pause_account,
        lea.channels["main"],
        Message("channel.is_paused", {"account": "main"}),
    )
    ends(lea, seconds=60)
    lea.live(hours=19)
    assert told(lea, delivery_id) is None


def test_retry_time_sets_preflight_time(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(STRANGE, after=60)
    later = "UPDATE deliveries SET not_before = :at WHERE tenant_id = :tenant AND id = :id"
    with lea.scope() as scope:
        scope.run(later, at=scope.now + timedelta(hours=2), tenant=lea.tenant_id, id=delivery_id)
    with lea.scope() as scope:
        assert preflight.run_preflight(
            scope, delivery_id, connectors=lea.services.connectors
        ) == timedelta(minutes=10)
    assert told(lea, delivery_id) == ("gate.TEXT_LANGUAGE_UNSUPPORTED", False)


def test_paused_account_has_one_preflight_notice(lea: SandboxAgency) -> None:
    """One notice, however many of its posts are due soon."""
    for number in range(3):
        lea.delivery(f"{number}", after=3600 + number)
    lea.act(
        lifecycle.pause_account,
        lea.channels["main"],
        Message("channel.is_paused", {"account": "main"}),
    )
    lea.live(minutes=51)
    assert lea.notices() == {f"waits:{lea.channels['main']}": "waiting.paused"}


def test_emergency_stop_is_shown_without_notice(
    lea: SandboxAgency,
) -> None:
    """The member who stopped knows it, and forty accounts would cause forty notices."""
    first, second = (
        lea.delivery(words, after=3600 + number) for number, words in enumerate(("one", "two"))
    )
    lea.act(emergency_stops.close_switch, "creator", str(lea.creator_id), "sending", reason="test")
    assert troubles(lea, first) == ["delivery.stopped"]
    lea.live(minutes=51)
    assert lea.notices() == {}
    lea.act(emergency_stops.reopen_switch, "creator", str(lea.creator_id), "sending", reason="over")
    lea.live(minutes=10)
    assert (lea.state(first), lea.state(second)) == (
        DeliveryState.PUBLISHED,
        DeliveryState.PUBLISHED,
    )
    assert troubles(lea, first) == []


def test_token_expiring_near_due_time_is_reported(
    lea: SandboxAgency,
) -> None:
    """The token has to be valid until fifteen minutes after the due time. A token that refreshes
    itself causes no warning."""
    delivery_id, later = lea.delivery("one", after=3600), lea.delivery("two", after=3 * 86_400)
    assert troubles(lea, delivery_id) == []
    ends(lea, seconds=3600 + 14 * 60)
    assert troubles(lea, delivery_id) == troubles(lea, later) == ["delivery.token_ends"]
    lea.live(minutes=51)
    assert warning(lea, delivery_id) == "delivery.token_ends"
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED
    assert lea.asked() == []
    ends(lea, seconds=9000)
    lea.live(minutes=3)
    assert warning(lea, delivery_id) is None, "a repeated check closes the notice"


def test_refreshable_token_is_refreshed_before_post_is_due(
    lea: SandboxAgency,
) -> None:
    delivery_id = lea.delivery(after=3600)
    ends(lea, seconds=3600 + 14 * 60, refresh=True)
    assert troubles(lea, delivery_id) == []
    with lea.scope() as scope:
        outlived = (
            "SELECT count(*) FROM outbox WHERE kind = 'token.refresh' AND tenant_id = :tenant"
        )
        preflight.warn_of_troubles(scope, delivery_id, connectors=lea.services.connectors)
        assert scope.run(outlived, tenant=lea.tenant_id).scalar_one() == 1
        scope.run(
            "DELETE FROM outbox WHERE kind = 'token.refresh' AND tenant_id = :tenant",
            tenant=lea.tenant_id,
        )
    ends(lea, seconds=-1, refresh=True)
    assert troubles(lea, delivery_id) == ["delivery.token_waits"]


def test_rate_limit_is_reported_only_beyond_due_time(
    lea: SandboxAgency,
) -> None:
    near, far = lea.delivery("one", after=3600), lea.delivery("two", after=3 * 3600)
    lea.act(
        send_limits.record_answer,
        lea.channels["main"],
        Response("publish", 429, {"retry-after": "7200"}, None),
        creates=True,
    )
    assert troubles(lea, near) == ["delivery.used_up"]
    assert troubles(lea, far) == []
    lea.live(minutes=51)
    assert lea.notices() == {f"waits:{lea.channels['main']}": "waiting.limited"}
    assert lea.asked() == []


def test_post_waits_while_only_reserve_of_limit_remains(
    lea: SandboxAgency,
) -> None:
    delivery_id = lea.delivery(after=3600)
    told = {
        "x-sandbox-limit-limit": "50",
        "x-sandbox-limit-remaining": "10",
        "x-sandbox-limit-reset": "3900",
    }
    lea.act(
        send_limits.record_answer,
        lea.channels["main"],
        Response("look", 200, told, {}),
        creates=False,
    )
    assert troubles(lea, delivery_id) == ["delivery.kept"]
    lea.live(minutes=61)
    assert lea.notices() == {f"waits:{lea.channels['main']}": "waiting.kept"}
    assert (lea.state(delivery_id), lea.asked()) == (DeliveryState.SCHEDULED, [])
    lea.live(minutes=10)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_open_circuit_breaker_is_reported_for_near_posts_only(lea: SandboxAgency) -> None:
    near, far = lea.delivery("one", after=300), lea.delivery("two", after=3600)
    lea.act(
        send_limits.record_answer,
        lea.channels["main"],
        StepAnswerLost("publish", "ReadTimeout"),
        creates=True,
    )
    assert troubles(lea, near) == ["channel.platform_down"]
    assert troubles(lea, far) == []


def test_all_problems_are_reported_together(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(after=3600, media=(lea.photo(rating=None),))
    ends(lea, seconds=60)
    assert troubles(lea, delivery_id) == ["delivery.token_ends", "gate.RATING_MISSING"]


def test_post_due_soon_has_no_preflight(lea: SandboxAgency) -> None:
    lea.delivery(after=300)
    assert lea.rows("delivery.preflight") == []


def test_draft_reports_account_problem(lea: SandboxAgency) -> None:
    """The author sees the problem before the approval. A missing approval is reported elsewhere."""
    draft = lea.wish(lea.write("later"), "main", after=3600)
    assert (lea.state(draft), troubles(lea, draft)) == (DeliveryState.DRAFT, [])
    lea.act(lifecycle.mark_gone, lea.channels["main"], Message("channel.let_go"))
    assert troubles(lea, draft) == ["delivery.channel_not_ready"]


def test_problem_channels_are_known_when_scheduled(lea: SandboxAgency) -> None:
    lea.connect("second")
    ready, unrated = lea.photo(), lea.photo(1, rating=None)
    for photo, stays in ((ready, False), (unrated, True)):
        post_id = lea.write("hello", media=(photo,))
        for channel in ("main", "second"):
            lea.wish(post_id, channel, after=3600)
        lea.approve(post_id)
        with lea.scope() as scope:
            found = next_steps.channels_not_publishing(scope, post_id, lea.services.connectors)
        assert sorted(found) == (sorted(lea.channels.values()) if stays else [])


def test_warned_delivery_is_marked_until_resolved(lea: SandboxAgency) -> None:
    photo = lea.photo(rating=None)
    delivery_id = lea.delivery(after=3600, media=(photo,))
    lea.delivery(after=3600)
    lea.live(minutes=52)
    with lea.scope() as scope:
        assert preflight.warned_deliveries(scope) == {delivery_id}
        rate_and_answer(
            scope, assets.get_asset(scope, photo).sha256, Rating.G, source=f"member:{lea.manager}"
        )
    lea.live(minutes=4)
    with lea.scope() as scope:
        assert preflight.warned_deliveries(scope) == frozenset()
