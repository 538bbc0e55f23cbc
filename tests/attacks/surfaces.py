"""Attacks on pages, files and messages that need no permit: what the agency's own lists forbid, in
every place that a reader without proof of age can open.

Words differ in each run: each is a term that the agency adds itself, which every surface reads.
"""

import html
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from channels.creators import profiles
from foundation.db.database import OpenScope
from foundation.errors import GreenroomError
from gate.reviews import own_terms
from gate.surfaces.decisions import judge_contents
from insights.reports import runs
from insights.reports.post_facts import PAGE_SURFACE, post_content
from schedules.approvals import client_links
from schedules.posts import channel_overrides
from schedules.posts.channel_overrides import ChannelOverride
from tenants.agencies import agencies
from tenants.agencies.creators import CreatorChanges
from tenants.agencies.rights import Role
from tests.attacks.harness import CLEAN, Result, Tokens
from tests.web.builders import WebServer, create_page
from tests.web.links.client_link_agency import Browser, House, create_house

SENTENCE = "Good evening everyone, we are all on the beach today and there is"
"""Enough known words for a new one beside them."""

Shown = Callable[[WebServer, bool], Result]
SHOWN: dict[str, Shown] = {}


def register_page_attack(name: str) -> Callable[[Shown], Shown]:
    """Register a scenario under an ID of the corpus."""

    def register(scenario: Shown) -> Shown:
        SHOWN[name] = scenario
        return scenario

    return register


def own_marker() -> str:
    """Return a new word that the agency can ban."""
    return Tokens()["EXPLICIT-MARKER-A"]


def ban(tenant: OpenScope, tenant_id: UUID, member: UUID, word: str, kind: str) -> None:
    """Add a term to the own terms of an agency, as a member."""
    with tenant(tenant_id, f"member:{member}") as scope:
        own_terms.add_own_terms(scope, kind, (word,))


def refusal(act: Callable[[], Any]) -> frozenset[str]:
    """Return the reason why an action is refused; empty if it is not."""
    try:
        act()
    except GreenroomError as refused:
        return frozenset({refused.message.code.removeprefix("gate.")})
    return frozenset()


def _open_link(house: House) -> tuple[Browser, str]:
    path, browser = house.link(), Browser(house)
    browser.press(path, "open")
    return browser, path


def _client_link_result(house: House, shown: str, *texts: str) -> Result:
    """Return what a client link showed: the version with all texts, or nothing of it."""
    seen = html.unescape(shown)
    with house.scope() as scope:
        view = client_links.load_client_view(scope, house.post_id)
    if view.withheld:
        assert "is not shown" in seen
        assert not any(text in seen for text in (*texts, "A title"))
        return Result("B", frozenset(map(str, view.reasons)), 0)
    return Result("A", frozenset(), int(all(text in seen for text in texts)))


@register_page_attack("O-02")
def own_term_on_a_client_link(room: WebServer, harm: bool) -> Result:
    """Ban a word of the post after the client opened the link. In the twin another is banned."""
    word = own_marker()
    house = create_house(room)
    house.write(f"{SENTENCE} {word}")
    browser, path = _open_link(house)
    house.ban(word if harm else own_marker())
    found = _client_link_result(house, browser.see(path).text, word)
    if harm:
        assert refusal(house.link), "no other link can be created"
    return found


@register_page_attack("O-03")
def option_on_a_client_link(room: WebServer, harm: bool) -> Result:
    """Write the word as the title of a link card, an option of the platform."""
    word = own_marker()
    house = create_house(room, platform="bluesky")
    page = "https://shop.test/a"
    house.register(page)
    title = word if harm else CLEAN
    chosen = channel_overrides.normalize_options({"card_title": title})
    house.write(f"so {page}", others=(ChannelOverride("bluesky", options=chosen),))
    browser, path = _open_link(house)
    house.ban(word)
    return _client_link_result(house, browser.see(path).text, title)


@register_page_attack("O-01")
def own_term_on_the_public_page(room: WebServer, harm: bool) -> Result:
    """Ban a word of the description after it was saved; nothing with it can be saved again."""
    word = own_marker()
    about = f"{SENTENCE} {word}"
    page = create_page(room, about=about)
    with page.scope() as scope:
        member = agencies.add_member(
            scope, name="Rob", email="rob@x.test", role=Role.OWNER, language="fr", zone="UTC"
        )
    ban(room.tenant, page.tenant_id, member, word if harm else own_marker(), "explicit")
    seen = [page.get(address).text for address in ("", "feed.xml", "feed.json")]
    if not harm:
        return Result("A", frozenset(), int(seen[0].count(word) >= 3))
    assert not any(word in text for text in seen)

    def save() -> None:
        with page.scope(f"member:{member}") as scope:
            profiles.edit_creator(scope, page.creator_id, CreatorChanges(biography=about))

    return Result("B", refusal(save), 0)


@register_page_attack("O-04")
def text_of_an_adult_place_in_a_report(room: WebServer, harm: bool) -> Result:
    """Report a post whose text is banned by now, without a title and then with a harmless one."""
    word = own_marker()
    reasons: frozenset[str] = frozenset()
    for number, title in enumerate(("", "Bonjour"), start=1):
        house = create_house(room)
        house.write(f"{SENTENCE} {word}", title=title)
        day = date(2026, 1, number)
        url = house.publish(day)
        house.ban(word if harm else own_marker())
        run_id, path = house.report(day)
        with house.scope() as scope:
            (post,) = runs.get_run(scope, run_id).facts.posts
            content = post_content(PAGE_SURFACE, house.creator_id, "", f"{SENTENCE} {word}")
            reasons |= set(map(str, judge_contents(scope, [content])[0].reasons))
        shown = html.unescape(room.client.get(path).text)
        assert post.channel in shown
        if harm:
            assert (post.title, post.url) == ("", "")
            assert not {word, url} & {one for one in (word, url) if one in shown}
        elif not (post.title and url in shown):
            return Result("B", reasons, 0)
    return Result("B", reasons, 0) if harm else Result("A", reasons, 1)
