"""`greenroom up` in production: no demo, no test network, and a link for the first owner."""

import re
from collections.abc import Callable

import httpx
import pytest

from tests.stack.conftest import Installation

pytestmark = pytest.mark.slow

ZOE = {"name": "Zoé", "email": "zoe@agence.example", "password": "trois moineaux sur un fil"}


def test_first_owner_of_a_new_installation_signs_in(
    new_house: Callable[..., Installation],
) -> None:
    house = new_house(table="production")
    report = house.up()
    names = {process.name for process in report.processes}
    assert "sandbox" not in names | set(report.addresses) | set(report.ports)
    assert {"dashboard", "web"} <= names
    invited = house.command("invite", "--owner").stdout.strip()
    assert "/auth/setup/" in invited
    assert httpx.get(invited).status_code == 200
    done = httpx.post(invited, data=ZOE)
    assert (done.status_code, done.headers["location"]) == (303, "/start")
    assert "/auth/link/" in house.command("invite").stdout
    assert "/auth/link/" in house.command("invite", "--owner", "lea@agence.example").stdout
    shown = house.command("status").stdout + house.command("doctor").stdout
    said = house.end()
    link = re.search(r"/auth/setup/[\w-]{43}", said)
    assert link, said
    assert not re.search("sandbox|demo|mia", (shown + said).replace("/tmp", ""), re.IGNORECASE)
    logs = (house.home.folder / "logs").iterdir()
    assert not [one for one in logs if "/auth/setup/" in one.read_text("utf-8", "replace")]
