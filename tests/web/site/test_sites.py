"""Sites with a new slug: every address with a former one redirects."""

from itertools import pairwise

import pytest

from foundation.errors import Conflict
from foundation.ids import uuid7
from tests.web.builders import CreatorPage, WebServer, create_page
from web.site import sites


def rename(page: CreatorPage, before: str, after: str) -> bool:
    with page.scope() as scope:
        return sites.rename_site(scope, page.creator_id, before, after)


@pytest.mark.parametrize(
    "path", ["", "/", "/?via=abc&before=x%2Fy", "/p/gr123", "/feed.json", "/feed.xml", "/report",
             "/18/", "/18/p/gr123"],
)  # fmt: skip
def test_former_addresses_redirect(room: WebServer, path: str) -> None:
    page = create_page(room)
    slugs = [page.slug, f"n-{uuid7().hex[-10:]}", f"o-{uuid7().hex[-10:]}"]
    for before, after in pairwise(slugs):
        assert rename(page, before, after)
    for former in slugs[:2]:
        answer = room.client.get(f"/{former}{path}", follow_redirects=False)
        assert answer.status_code == 308
        assert answer.headers["location"] == f"/{slugs[2]}{path}"
    assert room.client.get(f"/{slugs[2]}/").status_code == 200


def test_slug_can_be_taken_back_and_not_by_others(room: WebServer) -> None:
    page, other = create_page(room), create_page(room)
    newer = f"n-{uuid7().hex[-10:]}"
    assert rename(page, page.slug, newer)
    with pytest.raises(Conflict):
        rename(other, other.slug, page.slug)
    assert not rename(page, page.slug, newer), "the page has this slug already"
    assert rename(page, newer, page.slug)
    assert room.client.get(f"/{page.slug}/").status_code == 200
    assert room.client.get(f"/{newer}/", follow_redirects=False).status_code == 308
