"""Two agencies that share an application: a rate limit of one stops the requests of both."""

from datetime import datetime, timedelta

import pytest

from foundation.ids import uuid7
from schedules.posts.states import DeliveryState
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from workers.wiring import Services

WAIT = 90


@pytest.mark.parametrize("told", ["with a header", "without"])
def test_rate_limit_of_application_stops_all_its_accounts(
    services: Services, sandbox: RunningSandbox, told: str
) -> None:
    app = f"studio{uuid7().hex[-8:]}"
    desks = [create_sandbox_agency(services, sandbox) for _ in range(2)]
    for one in desks:
        one.connect("shared", app=app)
        one.connect("also", app=app)
    more = {"retry_after": WAIT} if told == "with a header" else {}
    sandbox.fault("status:429", account=f"*-of-{app}", on="*", **more)
    posts = [
        (one, one.delivery(f"{name} {n}", channel=name))
        for one in desks
        for name in one.channels
        for n in (1, 2)
    ]
    for _ in range(40):
        for one in desks:
            one.run()
        desks[0].pass_time(seconds=10)
    assert [one.state(each) for one, each in posts] == [DeliveryState.PUBLISHED] * len(posts)
    asked = sorted(
        (at, status)
        for one in desks
        for name in ("shared", "also")
        for at, status in record(one, name)
    )
    refused = [at for at, status in asked if status == 429]
    assert len(refused) == 1, "one response limits all accounts"
    wait = timedelta(seconds=WAIT if more else 60)
    soon = [at for at, _ in asked if refused[0] < at < refused[0] + wait - timedelta(seconds=1)]
    assert soon == []
    for one in desks:
        assert len(one.texts("main")) == 2, "accounts of other applications are not limited"
        assert all(at < refused[0] + timedelta(seconds=30) for at, _ in record(one, "main"))


def record(one: SandboxAgency, name: str) -> list[tuple[datetime, int]]:
    found = one.network.json("GET", f"/control/record?account={one.accounts[name]}")[1]["record"]
    return [(datetime.fromisoformat(each["at"]), each["status"]) for each in found]
