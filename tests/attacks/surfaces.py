"""Attacks on pages, files and messages that need no permit: what the agency's own lists forbid, in
every place that a reader without proof of age can open.

Words differ in each run: each is a term that the agency adds itself, which every surface reads.
"""

import html
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from channels.creators import profiles
from channels.links import short_links
from connectors.transport import notice_content
from connectors.transport.smtp import EmailTransport, OutgoingEmail
from connectors.transport.web_push import OutgoingPush, PushTransport
from foundation.db.database import OpenScope
from foundation.errors import GreenroomError
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.settings import MailSettings
from gate.contract.permit import NoticeOrder
from gate.contract.units import Rating, Subject
from gate.reviews import link_targets, own_terms
from gate.surfaces.decisions import judge_contents
from gate.surfaces.redirects import redirect_content
from generators.contract.speech import EngineVoice, OfferedVoice, VoiceLicence
from insights.reports import runs
from insights.reports.post_facts import PAGE_SURFACE, post_content
from schedules.approvals import client_links
from schedules.posts import channel_overrides
from schedules.posts.channel_overrides import ChannelOverride
from studio.recipes import prompt_rating
from studio.voice import creator_voices, speeches
from subscribers.replies import content_checks, persona
from subscribers.replies.persona import PersonaVersion
from tenants.agencies import agencies
from tenants.agencies.creators import CreatorChanges
from tenants.agencies.rights import Role
from tests.attacks.harness import CLEAN, Result, Tokens
from tests.fakes.smtp import mail_server
from tests.web.builders import WebServer, create_page
from tests.web.links.client_link_agency import Browser, House, create_house

SENTENCE = "Good evening everyone, we are all on the beach today and there is"
"""Enough known words for a new one beside them."""

DASHBOARD = "http://localhost:8501"
AT = datetime(2026, 1, 1, tzinfo=UTC)

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


@register_page_attack("O-05")
def text_of_a_tenant_in_a_notification(room: WebServer, harm: bool) -> Result:
    """Send a notice with the word as a parameter and inside an address of the dashboard, by every
    route."""
    word = own_marker()
    plain = "".join(filter(str.isalpha, word)).lower()
    tenant_id, member_id = uuid7(), uuid7()
    order = NoticeOrder(tenant_id, member_id)
    clean = {"count": 3, "link": f"{DASHBOARD}/calendar"}
    texts = [{"count": word}, {"link": f"{DASHBOARD}/{plain}"}, {"link": f"{DASHBOARD}/?{word}"}]
    reasons: set[str] = set()
    with mail_server() as server:
        settings = MailSettings.model_validate(
            {"host": "127.0.0.1", "port": server.port, "security": "none", "sender": "a@b.example"}
        )
        email = EmailTransport(settings, house=DASHBOARD)
        for odd in texts if harm else [{}]:
            lines = (Message("mail.area.posts", clean | odd),)
            letter = OutgoingEmail(
                uuid7(), tenant_id, member_id, "anne@agence.example", "fr",
                Message("mail.subject_urgent", {"count": 3}), lines, AT,
            )  # fmt: skip
            push = OutgoingPush(
                uuid7(), tenant_id, member_id, "fr", lines[0], (), "/calendar",
                AT, "https://push.example/x", "", "",
            )  # fmt: skip
            routes: list[Callable[[], Any]] = [
                lambda letter=letter: email.send(letter, order),
                lambda lines=lines: notice_content.check_messages(lines, "notice", house=DASHBOARD),
            ]
            if harm:  # refused before any request, so it needs no push service
                unreachable: Any = None
                browser = PushTransport(unreachable, unreachable, house=DASHBOARD)
                routes.append(lambda push=push, browser=browser: browser.send(push, order))
            for route in routes:
                refused = refusal(route)
                assert refused or not harm
                reasons |= refused
        sent = len(server.taken)
    forbidden = {"EGRESS_FORBIDDEN" if one.startswith("egress.") else one for one in reasons}
    return Result("B" if forbidden else "A", frozenset(forbidden), sent)


@register_page_attack("G-01")
def own_prohibited_term_drawn_or_spoken(room: WebServer, harm: bool) -> Result:
    """Ask for a speech and for texts that are drawn, with a word that the agency prohibits."""
    word = own_marker()
    house = create_house(room)
    house.ban(word if harm else own_marker(), "prohibited")
    licence = VoiceLicence("CC0", "test", "test", commercial=True)
    voice = OfferedVoice("test", "Test", False, EngineVoice("v", "Voice", "fr", licence))
    with house.scope() as scope:
        creator_voices.choose_voice(scope, house.creator_id, voice, by="member:x")

    def ask_for_speech() -> None:
        with house.scope() as scope:
            speeches.request_speech(
                scope, creator_id=house.creator_id, words=f"so {word}", language="fr", key="one",
                by="member:x",
            )  # fmt: skip

    def ask_for_overlay() -> None:
        with house.scope() as scope:
            prompt_rating.rate_text(scope, [f"so {word}"], "model.overlay")

    refused = refusal(ask_for_speech) | refusal(ask_for_overlay)
    with house.scope() as scope:
        asked: int = scope.run("SELECT count(*) FROM outbox WHERE kind = 'speech.say'").scalar_one()
    if "recipe.prohibited" in refused:
        return Result("B", frozenset({"PROHIBITED_CATEGORY"}), asked)
    return Result("B" if refused else "A", refused, asked)


@register_page_attack("G-02")
def own_term_for_minors_in_a_persona(room: WebServer, harm: bool) -> Result:
    """Save a persona whose card holds a word that the agency uses for minors."""
    word = own_marker()
    house = create_house(room)
    house.ban(word if harm else own_marker(), "minor")
    card = PersonaVersion(
        name="Nova", virtual=True, card=f"She is a {word}", voice="Warm", languages=("fr",)
    )

    def save() -> None:
        with house.scope() as scope:
            content_checks.check_persona(scope, card)
            persona.create_persona_version(scope, house.creator_id, card)

    refused = refusal(save)
    with house.scope() as scope:
        stored: int = scope.run("SELECT count(*) FROM personas").scalar_one()
    if "character_minor" in refused:
        return Result("B", frozenset({"PROHIBITED_MINOR"}), stored)
    return Result("B" if refused else "A", refused, stored)


@register_page_attack("R-15")
def short_link_to_a_changed_page(room: WebServer, harm: bool) -> Result:
    """Follow a short link of a post after the daily check found another page at its address."""
    page, subject, address = create_page(room), Subject("delivery", uuid7()), "https://shop.test/"
    with page.scope() as scope:
        link_targets.register_link_target(
            scope, page.creator_id, address, rating=Rating.G, adult=False
        )
        short_links.store_links(
            scope, None, subject, {address: address}, creator_id=page.creator_id, place="x.post"
        )
    path = short_links.LINK_PATH + short_links.make_link_slug(page.tenant_id, subject, address)
    if harm:
        with page.scope() as scope:
            link_targets.mark_link_target_changed(scope, address)
    answer = page.room.client.get(path, follow_redirects=False)
    assert (answer.status_code, answer.headers.get("location")) == (
        (410, None) if harm else (302, address)
    )
    with page.scope() as scope:
        (decision,) = judge_contents(
            scope, [redirect_content(page.creator_id, address, place="x.post")]
        )
    return Result(str(decision.verdict), frozenset(map(str, decision.reasons)), int(not harm))
