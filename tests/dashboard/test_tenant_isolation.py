"""Two agencies with the same data and different marks: no page ever shows data of the other one.

Every page is opened for each role of both agencies, in eight threads, twice, in one process. The
checks cover the raw frames, responses and the log.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest

from dashboard.shell.navigation import PAGES
from foundation.db.database import OpenScope
from gate.people import depiction_bans, persons
from tenants.agencies.rights import Role, has_right
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.streamlit_client import stream

MARKS = ("CANARYAAAA", "CANARYBBBB")
LOOKS = [
    (role, "/" if row.name == "home" else f"/{row.name}")
    for role, row in product(Role, PAGES)
    if any(has_right(role, right) for right in row.rights)
]
"""Every page in the menu of each role."""

THREADS = 8


@pytest.fixture(scope="module")
def twins(door: Door, tenant: OpenScope) -> tuple[Agency, Agency]:
    """Create two agencies with equal data: names, people, posts in several states, notices, sales
    and a picture."""
    made = []
    for mark in MARKS:
        one = create_agency(tenant, mark=mark)
        one.post(
            f"Le matin {mark}", state="published", url=f"https://example.test/{mark}", minutes=-30
        )
        one.post(f"Le soir {mark}", minutes=60)
        one.post(f"Peut-être {mark}", state="uncertain", minutes=-5)
        one.notice("creator.unknown", creator=mark)
        one.sold(0, 12345)
        picture(door, one)
        with one.scope() as scope:
            persons.add_person(
                scope, kind="real", display_ref=f"Ida {mark}", creator_id=one.creator_id
            )
        with one.scope(one.act_as(Role.OWNER)) as scope:
            depiction_bans.add_depiction_ban(scope, f"Lou {mark}")
        made.append(one)
    return made[0], made[1]


def frames(door: Door, cookie: str, path: str) -> Iterator[bytes]:
    """Yield all frames of one visit to a page."""
    with stream(door.url, cookie) as page:
        page.open(path)
        yield from page.frames


def test_no_page_shows_data_of_another_agency(door: Door, twins: tuple[Agency, Agency]) -> None:
    cookies = {
        (which, role): door.cookie(twins[which], role) for which, role in product(range(2), Role)
    }
    looks = [(which, role, path) for _ in range(2) for role, path in LOOKS for which in range(2)]

    def look(asked: tuple[int, Role, str]) -> str | None:
        which, role, path = asked
        said = b"".join(frames(door, cookies[which, role], path))
        assert MARKS[which].encode() in said, f"{path} for {role} shows no own data"
        return f"{path} as {role}" if MARKS[1 - which].encode() in said else None

    with ThreadPoolExecutor(THREADS) as pool:
        leaks = [leak for leak in pool.map(look, looks) if leak]
    assert leaks == []


def test_foreign_ids_look_unknown(door: Door, twins: tuple[Agency, Agency]) -> None:
    ours, theirs = twins
    with theirs.scope() as scope:
        assets = list(
            scope.run("SELECT id FROM assets WHERE tenant_id = :t", t=scope.tenant_id).scalars()
        )
    assert assets
    wrong = "01a1f887-6730-71d3-afff-5d47830b1497"
    with door.client() as visitor:
        cookie = {"cookie": door.cookie(ours)}
        for place in ("/files/{}/thumb", "/files/{}/library", "/phone/task/{}"):
            answers = [visitor.get(place.format(key), headers=cookie) for key in (assets[0], wrong)]
            assert answers[0].status_code == answers[1].status_code != 200, place
            assert MARKS[1] not in answers[0].text
    for path in ("/calendar", "/studio", "/shop", "/inbox", "/approvals"):
        for name in ("post", "asset", "order", "chat", "pack"):
            with stream(door.url, door.cookie(ours)) as page:
                assert MARKS[1] not in page.open(path, **{name: assets[0]})


def test_log_contains_no_names(door: Door, twins: tuple[Agency, Agency]) -> None:
    with stream(door.url, door.cookie(twins[0])) as page:
        page.open()
    said = door.log.read_text("utf-8")
    assert not [mark for mark in MARKS if mark in said]
