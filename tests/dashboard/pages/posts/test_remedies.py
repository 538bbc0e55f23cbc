"""Remedies: each reason leads to the page that resolves it, and every text names a place to rate."""

import re
from uuid import UUID

import pytest

from dashboard.pages.posts.remedies import RATING_REMEDIES, REMEDIES, can_open_page, find_remedy
from foundation.i18n.translation import LANGUAGES, Message, load_catalogue
from gate.contract.units import Rating
from tenants.agencies.queries import Member
from tenants.agencies.rights import Right, Role, has_right
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.compose.test_page import connected
from tests.dashboard.streamlit_client import stream

_ADVICE = {
    "en": re.compile(r"(?:^|[.,:] |or |then )[Rr]ate (?:it|the|them|an?)\b"),
    "fr": re.compile(r"\b[Cc]lassez(?:-l[ae]s?)?\b"),
}
"""An order to rate something."""

_FORMS = re.compile(
    r"(home\.to\.rating|compare\.|compose\.unrated|calibration\.|review\.set_|tour\.|help\.)"
)
"""Texts beside the form that rates, and those of the tour and the help, which describe a page."""


def member(role: Role) -> Member:
    return Member(UUID(int=1), UUID(int=2), "M", "m@example.test", role, "en", "UTC", ())


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("code", RATING_REMEDIES)
def test_reviewers_get_a_link_to_a_page_that_they_may_open(code: str, role: Role) -> None:
    href, text = find_remedy(Message(code), member(role))
    assert bool(href) == bool(text)
    if has_right(role, Right.REVIEW):
        assert href
        assert can_open_page(member(role), href)
    if has_right(role, Right.RUN):
        assert href.startswith("/studio")


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_of_links_exist(language: str) -> None:
    assert {text for _, text in REMEDIES.values()} <= load_catalogue(language).keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_that_asks_for_a_rating_says_where(language: str) -> None:
    asks = {
        code: text
        for code, text in load_catalogue(language).items()
        if _ADVICE[language].search(text) and not _FORMS.match(code)
    }
    assert "gate.RATING_MISSING" in asks
    assert {code: text for code, text in asks.items() if "Studio" not in text} == {}


def test_studio_opens_with_the_unrated_pictures(door: Door, lumiere: Agency) -> None:
    rated, unrated = picture(door, lumiere, rating=Rating.G), picture(door, lumiere, seed=2)
    with stream(door.url, door.cookie(lumiere)) as page:
        shown = page.open("/studio", rating="none")
        assert (str(unrated) in shown, str(rated) in shown) == (True, False)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert str(rated) in page.open("/studio", rating="other")


@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER])
def test_picture_is_rated_in_the_composer_where_the_link_leads(
    door: Door, lumiere: Agency, role: Role
) -> None:
    connected(lumiere)
    unrated = picture(door, lumiere)
    with stream(door.url, door.cookie(lumiere, role)) as page:
        page.open("/calendar", new=1, asset=unrated)
        page.type("Texte", "Bonjour")
        text = page.choose("Comptes", "Sandbox")
        assert 'href="#gr-rating"' in text
        assert 'id="gr-rating"' in text
        page.choose("Qui est montré ?", "Personne")
        assert load_catalogue("fr")["compose.rated"] in page.press("Tout public")
