"""The publishing forecast: deliveries that will publish, problems, collisions and expiries, without
side effects."""

import json
from datetime import timedelta

import pytest

from channels.accounts import lifecycle
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from schedules.approvals.release import needs_no_approval, release_post
from schedules.calendar import publishing_forecast
from schedules.calendar.publishing_forecast import PublishingForecast
from schedules.posts import dry_run_state
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from workers.cli import dry_run
from workers.wiring import Services

DAY = 86_400.0


def ahead(lea: SandboxAgency, days: int = 7, **more: int) -> PublishingForecast:
    with lea.scope() as scope:
        connectors = dict(lea.services.connectors)
        return publishing_forecast.forecast_publishing(
            scope, [lea.creator_id], days=days, connectors=connectors, **more
        )


def test_forecast_names_problem_of_each_delivery(lea: SandboxAgency) -> None:
    fine = lea.delivery("fine", after=DAY)
    waits = lea.wish(lea.write("waits"), after=2 * DAY)
    far = lea.delivery("Look: https://nobody.knows.example/", after=3 * DAY)
    lea.connect("narrow")
    long = lea.delivery("long " * 80, channel="narrow", after=4 * DAY)
    with lea.scope() as scope:  # the platform lowers its limit after the approval
        scope.run(
            "UPDATE channels SET surface = 'sandbox.as_x' WHERE id = :id",
            id=lea.channels["narrow"],
        )
    lea.delivery("too far", after=8 * DAY)
    found = {one.delivery_id: one for one in ahead(lea).ahead}
    assert found.keys() == {fine, waits, far, long}
    codes = {one: each.trouble.code if each.trouble else "" for one, each in found.items()}
    assert (codes[fine], codes[waits], codes[far]) == (
        "",
        "delivery.unapproved",
        "gate.LINK_UNREGISTERED",
    )
    assert codes[long]
    assert [one.delivery_id for one in ahead(lea).publishing_entries] == [fine]


def test_forecast_has_no_side_effects(lea: SandboxAgency) -> None:
    one = lea.delivery("fine", after=DAY)
    before = (lea.states(one), lea.entry(one).version, lea.attempts(one, "dry"))
    ahead(lea)
    assert (lea.states(one), lea.entry(one).version, lea.attempts(one, "dry")) == before
    assert lea.asked() == []


def test_forecast_reports_collisions_and_dry_runs(lea: SandboxAgency) -> None:
    first, second = lea.delivery("one", after=DAY), lea.delivery("two", after=DAY + 20)
    lea.act(dry_run_state.start_dry_run, "post", _post(lea, second))
    found = ahead(lea)
    [near] = found.collisions
    assert (near.first, near.second) == (first, second)
    assert timedelta(seconds=19) < near.apart < timedelta(seconds=22)
    assert [one.dry for one in found.ahead] == [False, True]
    assert [one.delivery_id for one in found.publishing_entries] == [first]


def test_forecast_counts_draft_only_after_release(
    services: Services, sandbox: RunningSandbox
) -> None:
    """This also holds without an approval policy: a proposal of a weekly plan or a feed is only a
    draft."""
    alone = create_sandbox_agency(services, sandbox, tiers=0)
    post_id = alone.write("Not yet.")
    alone.wish(post_id, after=DAY)
    [found] = ahead(alone).ahead
    assert found.trouble == Message("delivery.unapproved")
    with alone.scope(f"member:{alone.author}") as scope:
        assert needs_no_approval(scope, post_id)
        assert release_post(scope, post_id)
    assert ahead(alone).ahead[0].trouble is None


def _post(lea: SandboxAgency, delivery_id: object) -> object:
    with lea.scope() as scope:
        return scope.run(
            "SELECT post_id FROM deliveries WHERE id = :id", id=delivery_id
        ).scalar_one()


def test_forecast_reports_approval_expiring_before_publishing(lea: SandboxAgency) -> None:
    lea.delivery("late", after=101 * DAY)
    assert ahead(lea).endings == []
    lea.pass_time(days=97)
    [ends] = ahead(lea).endings
    assert (ends.what.code, ends.posts) == ("rehearsal.yes_ends", 1)
    lea.pass_time(days=-97)


def test_forecast_reports_account_that_needs_reauthorization(lea: SandboxAgency) -> None:
    lea.delivery("soon", after=DAY)
    lea.act(lifecycle.require_reauthorization, lea.channels["main"], Message("channel.reauthorize"))
    found = ahead(lea)
    assert [one.trouble.code for one in found.ahead if one.trouble] == [
        "delivery.channel_not_ready"
    ]


def test_forecast_counts_deliveries_beyond_limit(lea: SandboxAgency) -> None:
    for number in range(3):
        lea.delivery(f"number {'i' * number}", after=DAY + number * 4000)
    found = ahead(lea, most=2)
    assert (len(found.ahead), found.more) == (2, 1)


@pytest.mark.parametrize("days", [0, -1, 91])
def test_invalid_number_of_forecast_days_is_refused(lea: SandboxAgency, days: int) -> None:
    with pytest.raises(BadInput):
        ahead(lea, days)


def test_forecast_is_empty_for_another_agency(lea: SandboxAgency) -> None:
    lea.delivery("mine", after=DAY)
    assert ahead(create_sandbox_agency(lea.services, lea.network)).ahead == []


def test_forecast_is_available_as_text_and_json(lea: SandboxAgency) -> None:
    lea.delivery("fine   words\nhere", after=DAY)
    lea.wish(lea.write("waits"), after=DAY + 30)
    found = ahead(lea)
    text = dry_run.format_forecast("Lumière", found)
    assert "✓" in text
    assert "✗" in text
    [told] = json.loads(json.dumps(dry_run.forecast_as_json([("Lumière", found)])))
    assert (told["name"], told["leaving"], told["days"]) == ("Lumière", 1, 7)
    assert told["ahead"][1]["trouble"]["code"] == "delivery.unapproved"
    assert told["collisions"][0]["apart"] == pytest.approx(30, abs=1)
