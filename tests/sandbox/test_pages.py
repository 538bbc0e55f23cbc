"""HTML pages: all user content is escaped, adult media appear as labels, and forms work without
scripts."""

from urllib.parse import urlencode

from foundation.http.http_client import HttpRequest, HttpResponse
from tests.fakes.sandbox import RunningSandbox

NASTY = "<script>alert(1)</script>"


def page(sandbox: RunningSandbox, path: str, language: str = "fr") -> HttpResponse:
    reply = sandbox.http.send(HttpRequest("GET", sandbox.url + path, {"accept-language": language}))
    assert isinstance(reply, HttpResponse)
    return reply


def press(sandbox: RunningSandbox, account: str, **form: str) -> HttpResponse:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = urlencode(form).encode()
    reply = sandbox.http.send(HttpRequest("POST", f"{sandbox.url}/c/{account}/act", headers, body))
    assert isinstance(reply, HttpResponse)
    return reply


def test_timeline_escapes_text_and_labels_itself_as_sandbox(
    sandbox: RunningSandbox, account: str
) -> None:
    digest = sandbox.put_file(account, b"a picture")
    media = [{"sha256": digest, "mime": "image/png", "alt": f'"{NASTY}', "ai": "generated"}]
    post = {"text": NASTY, "title": NASTY, "media": media, "ai": True, "surface": "as_instagram"}
    _, made = sandbox.api("POST", account, "posts", post)
    shown = page(sandbox, f"/t/{account}")
    text = shown.body.decode()
    assert NASTY not in text
    assert "&lt;script&gt;" in text
    assert "sandbox · Instagram" in text
    assert "Créé avec une IA" in text
    assert "script-src 'self'" in shown.headers["content-security-policy"]
    assert page(sandbox, made["url"].removeprefix(sandbox.url)).status == 200
    picture = page(sandbox, f"/files/{account}/{digest}")
    assert (picture.body, picture.headers["x-content-type-options"]) == (b"a picture", "nosniff")


def test_adult_media_are_shown_as_a_label(sandbox: RunningSandbox, account: str) -> None:
    digest = sandbox.put_file(account, b"tile")
    media = [{"sha256": digest, "mime": "image/png", "alt": "doublure", "ai": "none"}]
    sandbox.api("POST", account, "posts", {"text": "x", "media": media, "adult": True})
    text = page(sandbox, f"/t/{account}").body.decode()
    assert digest not in text
    assert "Image provisoire : contenu adulte de test" in text


def test_fan_chats_pays_and_proves_age(sandbox: RunningSandbox, account: str) -> None:
    assert "Votre prénom de test" in page(sandbox, f"/c/{account}").body.decode()
    assert press(sandbox, account, fan="Léo", type="message", text=NASTY).status == 303
    invoice = {"title": "Pack", "amount": 500, "currency": "XTS", "payload": "o1"}
    buttons = [{"label": "Plus tard", "action": "later", "ref": ""}]
    message = {"text": "Voici", "invoice": invoice, "buttons": buttons}
    _, sent = sandbox.api("POST", account, "chats/L%C3%A9o/messages", message)
    text = page(sandbox, f"/c/{account}?fan=L%C3%A9o").body.decode()
    assert NASTY not in text
    assert "Payer 500 (test)" in text
    assert "Plus tard" in text
    press(sandbox, account, fan="Léo", type="pay", message_id=sent["id"])
    press(sandbox, account, fan="Léo", type="age")
    asked = sandbox.api("GET", account, "updates?after=0")[1]["updates"]
    assert [update["type"] for update in asked] == ["message", "checkout", "age"]
    assert asked[0]["language"] == "fr"
    assert "Paiement en cours" in page(sandbox, f"/c/{account}/messages?fan=L%C3%A9o").body.decode()
    sandbox.api("POST", account, f"checkouts/{asked[1]['query_id']}", {"ok": True})
    text = page(sandbox, f"/c/{account}?fan=L%C3%A9o").body.decode()
    assert "Payé" in text
    assert "Majorité vérifiée (test)" in text


def test_typed_name_becomes_an_id(sandbox: RunningSandbox, account: str) -> None:
    assert (
        press(sandbox, account, fan=" Jean  Paul ", type="message", text="salut")
        .headers["location"]
        .endswith("?fan=Jean-Paul")
    )
    assert "salut" in page(sandbox, f"/c/{account}?fan=Jean+Paul").body.decode()
    assert sandbox.fan(account, "Jean%20Paul", "message", text="salut")[0] == 422


def test_pages_are_complete_in_each_language(sandbox: RunningSandbox, account: str) -> None:
    assert "Comptes" in page(sandbox, "/").body.decode()
    english = page(sandbox, "/", "en-GB,en;q=0.9").body.decode()
    assert "Accounts" in english
    assert "Comptes" not in english
    assert page(sandbox, "/t/nobody").status == 404
    assert page(sandbox, "/healthz").body == b'{"ok":true}'


def test_cross_site_form_is_refused(sandbox: RunningSandbox, account: str) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "cross-site"}
    request = HttpRequest(
        "POST", f"{sandbox.url}/c/{account}/act", headers, b"fan=x&type=message&text=x"
    )
    reply = sandbox.http.send(request)
    assert isinstance(reply, HttpResponse)
    assert reply.status == 403
