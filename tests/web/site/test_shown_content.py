"""A page and its feeds show what the safety check allows at each view."""

from typing import Any

import pytest
from sqlalchemy import Engine, event

from gate.reviews import own_terms
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.web.builders import CreatorPage, WebServer, create_page
from tests.web.site.test_pages import some_pack

WORD = "marmalade"
ADDRESSES = ("", "feed.xml", "feed.json")


def ban(page: CreatorPage, word: str = WORD) -> None:
    with page.scope() as scope:
        member = agencies.add_member(
            scope, name="Olga", email="o@x.test", role=Role.OWNER, language="fr", zone="UTC"
        )
    with page.scope(f"member:{member}") as scope:
        own_terms.add_own_terms(scope, "explicit", (word,))


@pytest.mark.parametrize("address", [*ADDRESSES, "p/unknown"])
@pytest.mark.parametrize(
    ("title", "about"), [(f"Mia {WORD}", "Photographe"), ("Mia", f"Photographe de {WORD}")]
)
def test_banned_word_of_the_profile_is_omitted(
    room: WebServer, address: str, title: str, about: str
) -> None:
    page = create_page(room, title=title, about=about)
    shown = page.get(address).text
    assert WORD in shown or about.endswith(WORD)
    ban(page)
    assert WORD not in page.get(address).text
    assert ("Mia" in page.get(address).text) == (title == "Mia")


@pytest.mark.parametrize("address", ADDRESSES)
def test_banned_word_hides_the_items_with_it_only(room: WebServer, address: str) -> None:
    page = create_page(room)
    key = page.post(text=f"le {WORD} du matin")
    page.post(text="la plage du matin")
    assert WORD in page.get(address).text
    ban(page)
    shown = page.get(address)
    assert WORD not in shown.text
    assert "la plage du matin" in shown.text
    assert page.get(f"p/{key}").status_code == 410
    again = page.get(address, if_modified_since=shown.headers.get("last-modified", ""))
    assert again.status_code == 200


@pytest.mark.parametrize(("title", "about"), [(WORD, ""), ("La plage", f"avec {WORD}")])
def test_banned_word_hides_the_pack(room: WebServer, title: str, about: str) -> None:
    page = create_page(room)
    some_pack(page, title=title, about=about)
    some_pack(page, title="La ville", about="")
    assert WORD in page.get().text
    ban(page)
    shown = page.get().text
    assert WORD not in shown
    assert "La ville" in shown


def test_pack_above_general_is_not_on_the_page(room: WebServer) -> None:
    page = create_page(room)
    some_pack(page, title="La plage", about="EXPLICIT-MARKER-A")
    some_pack(page, title="La ville", about="")
    shown = page.get().text
    assert "EXPLICIT-MARKER-A" not in shown
    assert "La plage" not in shown
    assert "La ville" in shown


def test_page_of_twenty_items_needs_no_more_statements_than_of_one(room: WebServer) -> None:
    page = create_page(room)
    page.post(text="la plage du matin")
    one = statements(page)
    for number in range(19):
        page.post(text=f"la plage du matin {number}")
    assert statements(page) == one


def statements(page: CreatorPage) -> int:
    asked: list[str] = []

    def note(_c: Any, _u: Any, said: str, *_: Any) -> None:
        asked.append(said)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert page.get().status_code == 200
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len(asked)
