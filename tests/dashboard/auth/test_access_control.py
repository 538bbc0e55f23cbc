"""Access control before any page: host names, headers, links, cookies, strangers, and the log."""

import re
from pathlib import Path

import httpx
import pytest

from foundation.db.database import OpenScope
from tenants.agencies.rights import Role
from tenants.auth import sessions
from tenants.auth.models import Passkey
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door, serving
from tests.dashboard.streamlit_client import stream

PLACES = (
    "/",
    "/auth/link/unknown",
    "/auth/leave",
    "/healthz",
    "/static/unknown.js",
    "/nothing",
    "/media/x",
)


@pytest.mark.parametrize("place", PLACES)
def test_every_response_has_security_headers(door: Door, place: str) -> None:
    with door.client() as visitor:
        answer = visitor.get(place)
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy["script-src"]
    assert "http" not in " ".join(policy.values())
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_policy_allows_only_one_inline_script(door: Door, lumiere: Agency) -> None:
    with door.client() as member:
        member.post(door.link(lumiere))
        answer = member.get("/")
    inline = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    assert len(inline) == 1, (
        "Streamlit has changed its inline scripts: read them before you allow them"
    )
    assert inline[0].strip() == "window.prerenderReady = false"
    assert answer.headers["content-security-policy"].count("'sha256-") == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "evil.example", "localhost.evil.example", "[::1]"])
def test_other_host_names_are_answered_with_the_right_one(door: Door, host: str) -> None:
    """Cookies ignore ports: a cookie for 127.0.0.1 would also be sent to the public web server."""
    with door.client() as visitor:
        answer = visitor.get("/", headers={"host": f"{host}:8501"})
        assert answer.status_code == 421
        assert door.url in answer.text
        assert "set-cookie" not in answer.headers
        assert visitor.get("/healthz", headers={"host": host}).json() == {"ok": True}
    refused = pytest.raises(Exception, match=r"403|rejected|1008")
    with refused, stream(door.url, "", host=host):
        pass


def test_link_is_used_only_by_its_button(door: Door, lumiere: Agency) -> None:
    """Mail scanners and link previews send GET requests, only people press the button."""
    link = door.link(lumiere)
    with door.client() as visitor:
        for _ in range(3):
            asked = visitor.get(link, headers={"accept-language": "fr"})
            assert asked.status_code == 200
            assert "Se connecter" in asked.text
            assert "set-cookie" not in asked.headers
            assert asked.headers["cache-control"] == "no-store"
        assert visitor.post(link).status_code == 303
        spent = visitor.post(link, headers={"accept-language": "en"})
        assert spent.status_code == 410
        assert "already used" in spent.text


@pytest.mark.parametrize(
    ("language", "said"), [("fr", "Bienvenue"), ("en", "Welcome"), ("de", "Welcome")]
)
def test_sign_in_uses_the_visitors_language(door: Door, language: str, said: str) -> None:
    with door.client() as visitor:
        text = visitor.get("/auth/link/unknown", headers={"accept-language": language}).text
    assert said in text
    assert f'<html lang="{language if language != "de" else "en"}">' in text


@pytest.mark.parametrize(
    "secret", ["unknown", "'%20OR%20true", "%00", "%3Cscript%3Ealert(1)%3C%2Fscript%3E", "x" * 3000]
)
def test_invalid_links_are_refused(door: Door, secret: str) -> None:
    with door.client() as visitor:
        assert "<script>" not in visitor.get(f"/auth/link/{secret}").text
        assert visitor.post(f"/auth/link/{secret}").status_code in {400, 401, 410}


def test_cookie_is_hidden_from_scripts_and_other_sites(door: Door, lumiere: Agency) -> None:
    with door.client() as visitor:
        cookie = visitor.post(door.link(lumiere)).headers["set-cookie"]
    name, *attributes = [part.strip().lower() for part in cookie.split(";")]
    assert name.startswith("greenroom=")
    assert {"httponly", "samesite=lax", "path=/", "max-age=43200"} <= set(attributes)
    assert not [one for one in attributes if one.startswith("domain")]


def test_forms_of_other_sites_are_refused(door: Door, lumiere: Agency) -> None:
    """A button on another site can neither sign a member in nor out."""
    link, cookie = door.link(lumiere), door.cookie(lumiere)
    for told in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
    ):
        with door.client() as visitor:
            assert visitor.post(link, headers=told).status_code == 403
            assert (
                visitor.post("/auth/leave", headers={**told, "cookie": cookie}).status_code == 403
            )
    with door.client() as visitor:
        assert visitor.get("/", headers={"cookie": cookie}).status_code == 200
        assert (
            visitor.post(
                link, headers={"sec-fetch-site": "same-origin", "origin": "null"}
            ).status_code
            == 303
        )


@pytest.mark.parametrize(
    "cookie", ["", "greenroom=", "greenroom=wrong", "greenroom=%00", "other=1"]
)
def test_stranger_sees_only_the_sign_in_page(door: Door, cookie: str) -> None:
    with door.client() as visitor:
        for place in (
            "/",
            "/home",
            "/media/abc.png",
            "/component/x/index.html",
            "/_stcore/host-config",
            "/_stcore/health",
        ):
            answer = visitor.get(place, headers={"cookie": cookie} if cookie else {})
            assert answer.status_code == 401, place
            assert "ask an owner of your agency" in answer.text
            assert "greenroom invite" not in answer.text
            own = '<script src="/auth/passkey.js" defer></script>'
            assert "<script" not in answer.text.replace(own, "")
        uploaded = visitor.put(
            "/_stcore/upload_file/s/f", headers={"cookie": cookie} if cookie else {}
        )
        assert uploaded.status_code == 401
    with pytest.raises(Exception, match=r"403|rejected|1008"), stream(door.url, cookie):
        pass


@pytest.mark.parametrize(
    "place",
    ["/_stcore/agent/mcp", "/_stcore/agent/openapi.json", "/_stcore/agent", "/_stcore/metrics"],
)
def test_unused_streamlit_endpoints_are_closed(door: Door, lumiere: Agency, place: str) -> None:
    cookie = door.cookie(lumiere)
    with door.client() as member:
        for method in ("GET", "POST"):
            assert member.request(method, place, headers={"cookie": cookie}).status_code == 404


def test_signing_out_closes_the_session(door: Door, lumiere: Agency) -> None:
    cookie = door.cookie(lumiere)
    with door.client() as member:
        assert (
            "Se déconnecter"
            in member.get("/auth/leave", headers={"cookie": cookie, "accept-language": "fr"}).text
        )
        assert member.get("/", headers={"cookie": cookie}).status_code == 200
        left = member.post("/auth/leave", headers={"cookie": cookie})
        assert 'greenroom=""' in left.headers["set-cookie"]
        assert member.get("/", headers={"cookie": cookie}).status_code == 401
        assert member.post("/auth/leave", headers={"cookie": cookie}).status_code == 200


def test_removed_member_is_signed_out(door: Door, lumiere: Agency) -> None:
    cookie, unused = door.cookie(lumiere), door.link(lumiere)
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE members SET active = false WHERE id = :id", id=lumiere.members[Role.OWNER]
        )
    with door.client() as visitor:
        assert visitor.get("/", headers={"cookie": cookie}).status_code == 401
        entered = visitor.post(unused)
        again = {"cookie": entered.headers.get("set-cookie", "x=y").split(";")[0]}
        assert visitor.get("/", headers=again).status_code == 401


def test_log_contains_no_link_or_cookie(door: Door, lumiere: Agency) -> None:
    link = door.link(lumiere)
    with door.client() as visitor:
        visitor.get(link)
        cookie = visitor.post(link).headers["set-cookie"].split(";")[0]
        visitor.get("/", headers={"cookie": cookie})
    log = door.log.read_text()
    assert link.rsplit("/", 1)[1] not in log
    assert cookie.split("=")[1] not in log


def test_settings_are_found_from_another_folder(door: Door, lumiere: Agency) -> None:
    """The dashboard of these tests runs in an empty folder."""
    cookie = door.cookie(lumiere)
    with stream(door.url, cookie) as page:
        page.open()
        told = b"".join(page.frames)
    assert b"#6232b4" in told  # the color of the theme
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    sessions = [ForwardMsg.FromString(frame).new_session for frame in page.frames]
    (config,) = [one.config for one in sessions if one.HasField("config")]
    assert config.gather_usage_stats is False
    assert config.toolbar_mode == config.MINIMAL


def test_session_is_closed_only_by_its_agency(
    door: Door, tenant: OpenScope, lumiere: Agency
) -> None:
    other = create_agency(tenant)
    cookie = door.cookie(lumiere)
    with other.scope() as scope:
        assert sessions.revoke_sessions(scope, lumiere.members[Role.OWNER]) == 0
    with door.client() as member:
        assert member.get("/", headers={"cookie": cookie}).status_code == 200


def test_database_outage_admits_no_member(tmp_path: Path) -> None:
    nowhere = "postgresql+psycopg://greenroom_pages:x@127.0.0.1:9/house"
    with (
        serving(nowhere, tmp_path, tmp_path) as (url, _),
        httpx.Client(base_url=url, timeout=60) as visitor,
    ):
        answer = visitor.get(
            "/", headers={"cookie": "greenroom=something", "accept-language": "fr"}
        )
        assert (answer.status_code, "redémarre" in answer.text) == (503, True)
        assert "content-security-policy" in answer.headers
        with (
            pytest.raises(Exception, match=r"403|rejected|1008"),
            stream(url, "greenroom=something"),
        ):
            pass
        for place in (
            "/auth/login",
            "/auth/link/some",
            "/auth/leave",
            "/auth/second",
            "/phone/in/some",
        ):
            told = {"email": "a@b.example", "password": "whatever it is", "code": "123456"}
            answer = visitor.post(
                place, data=told, headers={"accept-language": "fr", "cookie": "greenroom=something"}
            )
            assert (place, answer.status_code, "redémarre" in answer.text) == (place, 503, True)


def test_upload_needs_its_token(door: Door, lumiere: Agency) -> None:
    with httpx.Client(base_url=door.url) as member:
        answer = member.put(
            "/_stcore/upload_file/nobody/file",
            headers={"cookie": door.cookie(lumiere)},
            content=b"x",
        )
    assert answer.status_code in {400, 403, 422}


def test_chosen_password_signs_in_and_other_sites_cannot(door: Door, lumiere: Agency) -> None:
    """The password is chosen in a session opened by a link; every other session ends."""
    cookie, older = door.cookie(lumiere), door.cookie(lumiere)
    with lumiere.scope() as scope:
        email = f"owner-{scope.tenant_id.hex[-8:]}@lumiere.example"
        scope.run(
            "UPDATE members SET email = :e WHERE id = :m", e=email, m=lumiere.members[Role.OWNER]
        )
    with door.client() as member:
        assert "12" in member.get("/auth/password", headers={"cookie": cookie}).text
        weak = member.post("/auth/password", data={"password": "court"}, headers={"cookie": cookie})
        assert weak.status_code == 400
        kept = member.post(
            "/auth/password", data={"password": "trois moineaux gris"}, headers={"cookie": cookie}
        )
        assert kept.status_code == 303
        assert member.get("/", headers={"cookie": older}).status_code == 401
    typed = {"email": email, "password": "trois moineaux gris"}
    with door.client() as visitor:
        assert (
            visitor.post(
                "/auth/login", data=typed, headers={"origin": "http://evil.example"}
            ).status_code
            == 403
        )
        wrong = visitor.post(
            "/auth/login",
            data=typed | {"password": "autre chose"},
            headers={"accept-language": "fr"},
        )
        assert (wrong.status_code, "set-cookie" in wrong.headers) == (403, False)
        assert "L’adresse e-mail ou le mot de passe" in wrong.text
        huge = visitor.post("/auth/login", data=typed | {"password": "x" * 100_000})
        assert huge.status_code == 403
        assert visitor.post("/auth/login", data=typed).status_code == 303
        assert visitor.get("/").status_code == 200
        assert visitor.post("/auth/over/01a1f887-6730-71d3-afff-5d47830b1497").status_code == 403
        assert visitor.post("/auth/over/not-an-id").status_code == 403


def test_passkeys_are_shown_after_a_password_change(door: Door, lumiere: Agency) -> None:
    """An intruder may have added a passkey."""
    member_id, cookie = lumiere.members[Role.OWNER], door.cookie(lumiere)
    with lumiere.scope() as scope:
        key = Passkey(
            tenant_id=scope.tenant_id,
            member_id=member_id,
            credential="a",
            public_key=b"a",
            name="Inconnue",
        )
        scope.add(key)
        key_id = key.id
    with door.client() as member:
        chosen = member.post(
            "/auth/password", data={"password": "trois moineaux gris"}, headers={"cookie": cookie}
        )
        assert chosen.headers["location"] == "/auth/passkeys?told=password"
        shown = member.get(chosen.headers["location"]).text
        assert ("Mot de passe modifié" in shown, "Inconnue" in shown) == (True, True)
        elsewhere = {"cookie": door.cookie(lumiere)}
        with door.client() as other:
            assert other.get("/", headers=elsewhere).status_code == 200
            member.post(f"/auth/passkeys/remove/{key_id}")
            assert other.get("/", headers=elsewhere).status_code == 401, (
                "the session may have been opened with that passkey"
            )
        assert "Inconnue" not in member.get("/auth/passkeys").text
        again = member.post("/auth/password", data={"password": "quatre moineaux gris"})
        assert again.headers["location"] == "/"


def test_pages_have_the_members_language_and_server_address(door: Door, lumiere: Agency) -> None:
    """Otherwise Streamlit's scripts guess the address by requests to each part of the path, and log
    a failure for each wrong guess."""
    with door.client() as member:
        for role, language, places in (
            (Role.OWNER, "fr", ("/", "/home", "/team")),
            (Role.CHATTER, "en", ("/", "/inbox")),
        ):
            cookie = {"cookie": door.cookie(lumiere, role)}
            for place in places:
                text = member.get(place, headers=cookie).text
                assert f'<html lang="{language}">' in text
                assert '<script src="/auth/where.js">' in text
                assert "service-desc" not in text
            assert "location.origin" in member.get("/auth/where.js", headers=cookie).text


ELSEWHERE = ("/nowhere", "/calendar/2026", "/phone/nothing", "/auth/nothing", "/index.php")


@pytest.mark.parametrize("path", ELSEWHERE)
def test_unknown_address_is_explained_and_links_home(
    door: Door, lumiere: Agency, path: str
) -> None:
    """Otherwise Streamlit opens an English dialog over Home."""
    with door.client() as visitor:
        for role, said in (
            (Role.OWNER, "Page introuvable"),
            (Role.CHATTER, "Page not found"),
        ):
            answer = visitor.get(path, headers={"cookie": door.cookie(lumiere, role)})
            assert (answer.status_code, said in answer.text, 'href="/"' in answer.text) == (
                404,
                True,
                True,
            )


def test_trailing_slash_is_redirected_and_only_the_demo_has_a_tour(
    door: Door, tenant: OpenScope, lumiere: Agency
) -> None:
    with door.client() as visitor:
        answer = visitor.get("/calendar/", headers={"cookie": door.cookie(lumiere)})
        assert (answer.status_code, answer.headers["location"]) == (307, "/calendar")
        assert visitor.get("/tour", headers={"cookie": door.cookie(lumiere)}).status_code == 404
        demo = create_agency(tenant, mark="demo", demo=True)
        assert visitor.get("/tour", headers={"cookie": door.cookie(demo)}).status_code == 200


def test_page_of_another_role_is_explained_and_links_home(door: Door, lumiere: Agency) -> None:
    """Otherwise Streamlit opens an English dialog."""
    with door.client() as visitor:
        answer = visitor.get("/channels", headers={"cookie": door.cookie(lumiere, Role.ACCOUNTANT)})
        assert answer.status_code == 403
        assert "Votre rôle (Comptable) ne donne pas accès" in answer.text
        assert 'href="/"' in answer.text
        assert (
            visitor.get(
                "/shop", headers={"cookie": door.cookie(lumiere, Role.ACCOUNTANT)}
            ).status_code
            == 200
        )
