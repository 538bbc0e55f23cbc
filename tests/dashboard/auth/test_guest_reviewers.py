"""Sign-in of guest reviewers: a link and a six-digit code, only the assigned sheets, and no login
of another member."""

import re
from dataclasses import replace
from uuid import UUID

import httpx
import pytest

from dashboard.shell.navigation import PAGES
from foundation.db.database import OpenScope
from foundation.i18n.translation import Message, render_message
from foundation.ids import uuid7
from gate.contract.reasons import Reason
from gate.contract.units import Rating, Subject, Text, Unit
from gate.permits import issuance
from gate.viewers import age_assurance
from studio.library import assets
from studio.library.states import ShelfState
from tenants.agencies.rights import Role, has_right
from tenants.auth import sessions
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import fetch, picture
from tests.dashboard.pages.approvals.test_page import hold
from tests.dashboard.streamlit_client import stream
from tests.tenants.totp_app import AuthenticatorApp, read_people_clock

HOME, CAFE = "203.0.113.7", "198.51.100.9"
OPEN_TO_GUESTS = {"home", "approvals", "people", "notifications"}


def word(code: str, **params: str | int) -> str:
    return render_message(Message(code, params), "fr")


def give(who: Agency, ceiling: str = "E") -> None:
    """Assign Mia, whose rating ceiling is raised, to the guest."""
    with who.scope() as scope:
        scope.run(
            "UPDATE members SET creators = '[\"mia\"]' WHERE id = :m", m=who.members[Role.GUEST]
        )
        scope.run(
            "UPDATE creators SET rating_ceiling = :c WHERE id = :id", c=ceiling, id=who.creator_id
        )


def comes(
    door: Door,
    who: Agency,
    role: Role,
    address: str,
    browser: httpx.Client | None = None,
    *,
    language: str = "fr",
) -> str:
    """Sign in from an address, set up the authenticator of a guest, and return the cookie."""
    if browser is None:
        with door.client() as fresh:
            return comes(door, who, role, address, fresh, language=language)
    visitor = browser
    visitor.headers.update({"x-forwarded-for": address, "accept-language": language})
    answer = visitor.post(door.link(who, role))
    if answer.headers["location"] == "/auth/second":
        app = AuthenticatorApp.scans(visitor.get("/auth/second").text)
        visitor.post("/auth/second", data={"code": app.code(read_people_clock(door.tenant))})
    return f"greenroom={visitor.cookies['greenroom']}"


def test_guest_sets_up_an_authenticator_once_and_needs_it_each_time(
    door: Door, lumiere: Agency
) -> None:
    give(lumiere)
    with door.client() as visitor:
        visitor.headers["accept-language"] = "fr"
        answer = visitor.post(door.link(lumiere, Role.GUEST))
        assert (answer.status_code, answer.headers["location"]) == (303, "/auth/second")
        for place in ("/", "/approvals", f"/files/{uuid7()}/thumb", "/phone", "/auth/password"):
            assert visitor.get(place).status_code in {401, 404} or visitor.get(place).headers.get(
                "location"
            ), place
        assert sessions.find_session(door.tenant, visitor.cookies["greenroom"]) is None
        page = visitor.get("/auth/second")
        assert "<svg" in page.text.split('class="code"')[1]
        app = AuthenticatorApp.scans(page.text)
        wrong = visitor.post("/auth/second", data={"code": "000000"})
        assert (wrong.status_code, "Ce code est incorrect" in wrong.text) == (403, True)
        assert (
            AuthenticatorApp.scans(wrong.text).secret == app.secret
        )  # a guest who cannot scan the code of the same screen types the secret
        at = read_people_clock(door.tenant)
        entered = visitor.post("/auth/second", data={"code": app.code(at)})
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        assert visitor.get("/approvals").status_code == 200
        assert visitor.get("/auth/second").headers["location"] == "/auth/login"
    with door.client() as again:
        again.headers["accept-language"] = "fr"
        again.post(door.link(lumiere, Role.GUEST))
        text = again.get("/auth/second").text
        assert not re.search(r"\b[A-Z2-7]{32}\b", text), "the secret is shown only once"
        assert (
            again.post("/auth/second", data={"code": app.code(at)}).status_code == 403
        )  # the code was used
        assert again.post("/auth/second", data={"code": app.code(at, later=1)}).status_code == 303
        assert again.get("/approvals").status_code == 200


def test_guest_password_needs_a_second_factor(door: Door, lumiere: Agency) -> None:
    """Without a new link, guests sign in with their password and a six-digit code."""
    give(lumiere)
    email = f"gus-{uuid7().hex[-8:]}@example.test"
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE members SET email = :e WHERE id = :m", e=email, m=lumiere.members[Role.GUEST]
        )
    with door.client() as visitor:
        visitor.post(door.link(lumiere, Role.GUEST))
        app, at = (
            AuthenticatorApp.scans(visitor.get("/auth/second").text),
            read_people_clock(door.tenant),
        )
        visitor.post("/auth/second", data={"code": app.code(at)})
        with stream(door.url, f"greenroom={visitor.cookies['greenroom']}") as page:
            assert "/auth/password" in page.open("/approvals")
        chosen = visitor.post("/auth/password", data={"password": "trois moineaux sur un fil"})
        # every session ends, including this one
        assert chosen.headers["location"] == "/auth/second"
    with door.client() as visitor:
        entered = visitor.post(
            "/auth/login", data={"email": email, "password": "trois moineaux sur un fil"}
        )
        assert entered.headers["location"] == "/auth/second"
        assert visitor.get("/approvals").status_code == 401
        # never a code for before `at`: the 30 seconds of a code may end between any two lines
        assert (
            visitor.post("/auth/second", data={"code": app.code(at, later=1)}).headers["location"]
            == "/"
        )
        assert visitor.get("/approvals").status_code == 200


def test_codes_from_another_site_are_refused(door: Door, lumiere: Agency) -> None:
    with door.client() as visitor:
        assert visitor.get("/auth/second").headers["location"] == "/auth/login"
        visitor.post(door.link(lumiere, Role.GUEST))
        answer = visitor.post(
            "/auth/second", data={"code": "1"}, headers={"origin": "http://evil.example"}
        )
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_device_cookie_is_reused_and_grants_no_access(door: Door, lumiere: Agency) -> None:
    with door.client() as visitor:
        visitor.post(door.link(lumiere))
        device = visitor.cookies["greenroom-device"]
        visitor.post(door.link(lumiere, Role.CHATTER))
        assert visitor.cookies["greenroom-device"] == device
    with door.client() as stranger:
        assert (
            stranger.get(
                "/", headers={"cookie": f"greenroom={device}; greenroom-device={device}"}
            ).status_code
            == 401
        )


@pytest.mark.parametrize(
    ("address", "counts"), [(HOME, False), (CAFE, True)], ids=["hers", "another"]
)
def test_guest_on_the_authors_connection_counts_as_the_author(
    door: Door, lumiere: Agency, address: str, counts: bool
) -> None:
    give(lumiere)
    comes(door, lumiere, Role.MANAGER, HOME)
    _, digest = hold(lumiere, "Ce soir NUDITY-MARKER-A")
    guest = comes(door, lumiere, Role.GUEST, address)
    with stream(door.url, guest) as page:
        page.open("/approvals")
        told = page.press(word("approvals.look"))
        assert "NUDITY-MARKER-A" in told
        assert (word("approvals.seen_together") in told) != counts
        assert page.find(word("approvals.allow")).drawn.disabled != counts
        if counts:
            assert word("approvals.allowed") in page.press(word("approvals.allow"))
    with lumiere.scope() as scope:
        looked = scope.run(
            "SELECT count(*) FROM human_reviews WHERE digest = :d", d=digest
        ).scalar()
    assert looked == int(counts)
    with stream(door.url, door.cookie(lumiere)) as page:
        team = page.open("/team")
    names = "Manager" if not counts else "–"
    assert (word("team.seen_with", names=names) in team) != counts


def test_guest_in_the_authors_browser_counts_as_the_author(door: Door, lumiere: Agency) -> None:
    give(lumiere)
    with door.client() as browser:
        comes(door, lumiere, Role.MANAGER, HOME, browser)
        guest = comes(door, lumiere, Role.GUEST, CAFE, browser)
    hold(lumiere, "Ce soir NUDITY-MARKER-A")
    with stream(door.url, guest) as page:
        page.open("/approvals")
        assert word("approvals.seen_together") in page.press(word("approvals.look"))


def test_guest_sees_only_assigned_sheets(door: Door, lumiere: Agency) -> None:
    """No names of fans, no money, no colleagues, no chat and no other page; pictures are blurred
    until revealed."""
    give(lumiere)
    lumiere.post("canary-post")
    lumiere.notice("creator.unknown", creator="canary-notice")
    lumiere.sold(0, 98765)
    hold(lumiere, "Ce soir NUDITY-MARKER-A")
    _chat_message(lumiere, "canary-fan, NUDITY-MARKER-A")
    shot = picture(door, lumiere, rating=Rating.N)
    with lumiere.scope() as scope:
        assets.set_shelf_state(scope, shot, ShelfState.KEPT)
    cookie = door.cookie(lumiere, Role.GUEST)
    rows = {row.name: row for row in PAGES}
    assert {
        name for name, row in rows.items() if any(has_right(Role.GUEST, one) for one in row.rights)
    } == OPEN_TO_GUESTS
    for name in set(rows) - OPEN_TO_GUESTS - {"tour"}:
        assert fetch(door, cookie, f"/{name}").status_code == 403, name
    said = ""
    for name in rows:
        with stream(door.url, cookie) as page:
            page.open("/" if name == "home" else f"/{name}")
            said += b"".join(page.frames).decode("utf-8", "replace")
    assert "Ce soir NUDITY-MARKER-A" in said
    assert word("approvals.counted", what=word("approvals.pictures"), count=1) in said
    for secret in (
        "canary",
        "98765",
        "987,65",
        "Manager",
        "Owner",
        "chatter@",
        word("approvals.chat_message"),
    ):
        assert secret not in said, secret
    with stream(door.url, door.cookie(lumiere)) as page:  # the owner does see the pending message
        assert word("approvals.chat_message") in page.open("/approvals")
    blurred = fetch(door, cookie, f"/files/{shot}/post")
    with lumiere.scope() as scope:
        whole = assets.get_asset(scope, shot)
    assert blurred.headers["etag"] == f'"{whole.sha256[:24]}-post-b"'
    assert fetch(door, cookie, "/phone").text.count("canary") == 0


def _chat_message(who: Agency, body: str) -> None:
    """Create a chat message to a fan that is held by the safety check."""
    with who.scope() as scope:
        given = {"method": "test", "assured_level": "L4", "over_18": True, "environment": "test"}
        age_assurance.record_assurance(scope, platform="sandbox", user_id="canary-viewer", **given)
        channel: UUID = (
            scope.run("SELECT id FROM channels WHERE tenant_id = :t", t=who.tenant_id)
            .scalars()
            .first()
        )
        unit = Unit(
            tenant_id=who.tenant_id,
            creator_id=who.creator_id,
            subject=Subject("draft", uuid7()),
            platform="sandbox",
            surface="sandbox.chat",
            channel_id=channel,
            account="mia",
            audience="viewer",
            viewer="canary-viewer",
            texts=(Text("body", body),),
        )
        unit = replace(unit, flags=issuance.required_flags_of_unit(scope, unit))
        assert issuance.judge_unit(scope, unit, author="system:chat").reasons == (
            Reason.REVIEW_MISSING,
        )


def test_owner_resets_the_authenticator_of_a_guest(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    guest = door.cookie(lumiere, Role.GUEST)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/team")
        shown = page.press(word("team.forget_factor"), nth=1)  # the custodian is listed first
        assert word("team.factor_forgotten", name="Guest") in shown
        assert word("audit.member.factor_forgotten") in page.open("/system")
    assert fetch(door, guest, "/").status_code == 401


def test_empty_page_mentions_only_tasks_of_guests(door: Door, lumiere: Agency) -> None:
    give(lumiere)
    with stream(door.url, door.cookie(lumiere, Role.GUEST)) as page:
        text = page.open("/approvals")
    assert word("approvals.nothing_guest") in text
    assert word("approvals.nothing") not in text
