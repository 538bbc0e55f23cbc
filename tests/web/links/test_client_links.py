"""The page of an approval link: what each browser sees, may press and never sees."""

import html
from zoneinfo import ZoneInfo

import pytest

from channels.accounts import lifecycle
from foundation.errors import Refused
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ids import uuid7
from gate.contract.units import Rating
from schedules.approvals import client_links, review_comments
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts import deliveries
from schedules.posts.link_tracking import LinkChoices
from schedules.posts.thread_parts import ThreadPart
from tests.schedules.builders import ZONE
from tests.web.builders import WebServer
from tests.web.links.client_link_agency import OWN, Browser, House, create_house


@pytest.fixture
def house(room: WebServer) -> House:
    return create_house(room)


def word(code: str, language: str = "en", **params: str | int) -> str:
    return render_message(Message(code, params), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_client_sees_the_post_and_approval_schedules_it(house: House, language: str) -> None:
    house.write(
        "The <i>words</i>", media=(house.photo(1, Rating.S),), parts=(ThreadPart("and more"),)
    )
    path, browser = house.link(), Browser(house)
    sealed = browser.see(path, **{"accept-language": language})
    assert sealed.status_code == 200
    assert sealed.headers["cache-control"] == "private, no-store"
    assert sealed.headers["x-robots-tag"] == "noindex"
    assert word("client.open", language) in sealed.text
    assert "words" not in sealed.text.replace('class="words"', "")
    assert "set-cookie" not in sealed.headers  # a GET changes nothing
    browser.press(path, "open")
    shown = browser.see(path, **{"accept-language": language}).text
    for said in (
        "The &lt;i&gt;words&lt;/i&gt;",
        "A title",
        "and more",
        "Sandbox of Léa",
        "Anna",
        "Agence &lt;b&gt;",
    ):
        assert said in shown, said
    address = shown.partition('<img src="')[2].partition('"')[0]
    picture = browser.see(address)
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert picture.headers["cache-control"] == "private, no-store"
    assert Browser(house).see(address).status_code == 404
    assert word("client.stands.yes") in browser.press(path, "yes").text
    assert house.state() == "scheduled"
    assert browser.see(address).status_code == 404  # the link is used


def test_due_time_is_shown_in_the_creators_time_zone(house: House) -> None:
    with house.scope() as scope:
        scope.run(
            "UPDATE creators SET zone = 'America/Toronto' WHERE tenant_id = :t", t=house.tenant_id
        )
    house.write("words")
    with house.scope() as scope:
        (row,) = deliveries.deliveries_of_post(scope, house.post_id)
        hour = row.due_at.astimezone(ZoneInfo("America/Toronto"))
    path, browser = house.link(), Browser(house)
    browser.press(path, "open")
    shown = browser.see(path, **{"accept-language": "fr"}).text
    assert f"{hour:%H:%M} (Toronto)" in shown
    assert word("client.due_over", "fr") not in shown


def test_approval_after_the_due_time_warns_of_publishing_at_once(house: House) -> None:
    house.write("words")
    with house.scope() as scope:
        scope.run(
            "UPDATE deliveries SET due_at = house_now() - interval '1 minute' WHERE tenant_id = :t",
            t=house.tenant_id,
        )
    path, browser = house.link(), Browser(house)
    browser.press(path, "open")
    assert word("client.due_over") in browser.see(path).text


def test_approval_of_a_post_too_late_promises_no_publishing(house: House) -> None:
    house.write("words")
    with house.scope() as scope:
        scope.run(
            "UPDATE deliveries SET due_at = house_now() - interval '2 minutes',"
            " late_until = house_now() - interval '1 minute' WHERE tenant_id = :t",
            t=house.tenant_id,
        )
    path, browser = house.link(), Browser(house)
    browser.press(path, "open")
    shown = browser.see(path).text
    assert word("client.due_late") in shown
    assert word("client.yes_means") not in shown, "the post is not published at these times"
    assert word("client.due_over") not in shown


def test_changed_post_is_reported_once(house: House) -> None:
    house.write("words")
    path, browser = house.link(), Browser(house)
    browser.press(path, "open")
    house.write_anew("other words")
    assert browser.press(path, "yes").text.count(word("client.stands.changed")) == 1


def test_preview_matches_the_feed_of_the_platform(house: House) -> None:
    """Bluesky folds after 25 lines, shows pictures side by side and has no title; the preview does
    the same."""
    with house.scope() as scope:
        where = {"platform": "bluesky", "surface": "bluesky.post", "name": "lea.example"}
        keys = {"base_url": "http://127.0.0.1:9", "token": None, "zone": ZONE}
        house.channel_id = lifecycle.connect_account(
            scope,
            creator_id=house.creator_id,
            account=f"did:plc:{house.tenant_id.hex[-12:]}",
            **where,
            **keys,
        )
    lines = [f"l<{number}" for number in range(30)]
    house.write("\n".join(lines), media=(house.photo(3, Rating.G), house.photo(4, Rating.G)))
    path, browser = house.link(), Browser(house)
    browser.press(path, "open")
    shown = browser.see(path).text
    above, _, below = shown.partition(f"<details><summary>{word('feed.more')}</summary>")
    assert "l&lt;24" in above
    assert "l&lt;25" not in above
    assert "l&lt;29" in below
    assert "A title" not in shown
    assert shown.count("<img ") == 2
    assert word("platform.bluesky") in shown
    assert "style=" not in shown, "the content security policy forbids inline styles"


def test_urls_are_shown_as_published(house: House) -> None:
    tagged, plain = "https://lea.example/new", "https://lea.example/as-it-is"
    for url in (tagged, plain):
        house.register(url)
    house.write(f"{tagged} {plain}", links=LinkChoices("summer", (plain,)))
    path, browser = house.link(), Browser(house)
    browser.press(path, "open")
    shown = html.unescape(browser.see(path).text)
    assert f"{tagged}?" in shown
    assert "utm_campaign=summer" in shown
    assert f"{plain}?" not in shown


def test_change_request_needs_a_note_and_is_final(house: House) -> None:
    house.write("hello")
    path, browser = house.link(), Browser(house)
    browser.press(path, "open")
    wrong = browser.press(path, "change", why="words", note="  ")
    assert wrong.status_code == 422
    assert word("approval.no_words") in wrong.text
    assert browser.press(path, "change", why="nonsense", note="x").status_code == 422
    assert (
        word("client.stands.change")
        in browser.press(path, "change", why="words", note="shorter\x00").text
    )
    again = browser.press(path, "yes")
    assert word("client.stands.change") in again.text
    assert house.state() == "draft"


def test_forwarded_link_is_refused_in_another_browser(house: House) -> None:
    house.write("hello")
    path, first, second = house.link(), Browser(house), Browser(house)
    first.press(path, "open")
    for seen in (second.see(path), second.press(path, "open"), second.press(path, "yes")):
        assert seen.status_code == 410
        assert word("client.stands.elsewhere") in seen.text
        assert "hello" not in seen.text
    assert house.state() == "draft"
    assert "hello" in first.see(path).text


def test_changed_expired_and_revoked_links_say_so(house: House) -> None:
    house.write("hello")
    path, browser = house.link(), Browser(house)
    browser.press(path, "open")
    with house.scope() as scope:
        scope.run(
            "UPDATE approval_links SET expires_at = house_now() WHERE post_id = :p", p=house.post_id
        )
    assert word("client.stands.expired") in browser.press(path, "yes").text
    with house.scope() as scope:
        scope.run(
            "UPDATE approval_links SET expires_at = house_now() + interval '1 day' WHERE post_id "
            "= :p",
            p=house.post_id,
        )
    actor = f"member:{house.author}"
    with house.scope(actor) as scope:
        draft = Draft(house.creator_id, "", "another text", (), (house.channel_id,))
        drafts.rewrite_post(scope, house.post_id, draft, author=actor)
    for seen in (browser.see(path), browser.press(path, "yes")):
        assert word("client.stands.changed") in seen.text
        assert "another text" not in seen.text
    with house.scope(f"member:{house.owner}") as scope:
        client_links.revoke_client_link(scope, house.post_id)
    assert word("client.stands.taken_back") in browser.see(path).text
    assert house.state() == "draft"


def test_picture_rated_adult_later_is_hidden(house: House) -> None:
    shot = house.photo(11, Rating.G)
    house.write("hello", media=(shot,))
    path, browser = house.link(), Browser(house)
    browser.press(path, "open")
    address = browser.see(path).text.partition('<img src="')[2].partition('"')[0]
    assert browser.see(address).status_code == 200
    house.rate(shot, Rating.N)
    assert browser.see(address).status_code == 404
    shown = browser.see(path).text
    assert "<img" not in shown
    assert word("client.hidden", count=1) in shown
    assert word("client.not_whole") in shown
    assert f">{word('client.yes')}<" not in shown
    assert browser.press(path, "yes").status_code == 422
    assert house.state() == "draft"


def test_internal_comments_are_hidden_from_clients(house: House) -> None:
    house.write("hello")
    with house.scope(f"member:{house.owner}") as scope:
        review_comments.add_comment(scope, house.post_id, "between us", key=uuid7())
        review_comments.add_comment(scope, house.post_id, "for <you>", key=uuid7(), internal=False)
    path, browser = house.link(), Browser(house)
    browser.press(path, "open")
    shown = browser.see(path).text
    assert "for &lt;you&gt;" in shown
    assert "between us" not in shown


def test_unknown_links_and_foreign_sites_change_nothing(house: House) -> None:
    house.write("hello")
    path, browser = house.link(), Browser(house)
    for nobody in (
        "/approve/x",
        f"/approve/{'a' * 43}",
        f"{path}x",
        f"{path}/files/{'0' * 64}.jpg",
    ):
        assert browser.see(nobody).status_code == 404
    assert (
        browser.client.post(f"/approve/{'a' * 43}", data={"what": "yes"}, headers=OWN).status_code
        == 404
    )
    foreign = browser.client.post(
        path, data={"what": "open"}, headers=OWN | {"sec-fetch-site": "cross-site"}
    )
    assert "set-cookie" not in foreign.headers
    assert word("client.open") in browser.see(path).text
    browser.press(path, "open")
    assert (
        browser.press(path, "yes", note="x" * 70_000).status_code == 200
    )  # the form is too long and is ignored
    assert browser.press(path, "publish").status_code == 200
    assert house.state() == "draft"
    for forged in ("", "x", "a" * 43):
        other = Browser(house, f"__Host-approver={forged}")
        assert other.press(path, "yes").status_code == 410
    assert house.state() == "draft"


def test_version_is_withheld_once_the_agency_bans_one_of_its_words(house: House) -> None:
    house.write("hello from the marmalade coast", media=(house.photo(12, Rating.G),))
    path, browser = house.link(), Browser(house)
    browser.press(path, "open")
    address = browser.see(path).text.partition('<img src="')[2].partition('"')[0]
    house.ban("marmalade")
    shown = browser.see(path).text
    assert "marmalade" not in shown
    assert "A title" not in shown
    assert "<img" not in shown
    assert word("client.withheld") in html.unescape(shown)
    assert f">{word('client.yes')}<" not in shown
    assert browser.see(address).status_code == 404
    assert browser.press(path, "yes").status_code == 422
    assert house.state() == "draft"
    assert browser.press(path, "change", why="words", note="show it to me").status_code == 200


def test_comment_above_the_ceiling_withholds_the_version(house: House) -> None:
    house.write("hello")
    path, browser = house.link(), Browser(house)
    browser.press(path, "open")
    with house.scope(f"member:{house.owner}") as scope:
        first = review_comments.add_comment(
            scope, house.post_id, "EXPLICIT-MARKER-A", key=uuid7(), internal=False
        )
    shown = html.unescape(browser.see(path).text)
    assert "EXPLICIT-MARKER-A" not in shown
    assert word("client.withheld") in shown
    with house.scope(f"member:{house.owner}") as scope:
        review_comments.resolve_comment(scope, first)
    assert "hello" in browser.see(path).text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello https://shop.test/a", "gate.LINK_UNREGISTERED"),
        ("hellо", "gate.TEXT_LANGUAGE_UNSUPPORTED"),
        ("EXPLICIT-MARKER-A", "approval.link_adults"),
    ],
)
def test_link_is_refused_with_the_reason(house: House, text: str, reason: str) -> None:
    house.write(text)
    with pytest.raises(Refused, match=f"^{reason}$"):
        house.link()
