"""The sandbox as people see it: timelines, a post, a chat window. Text is escaped; adult media show by label only."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import Response

from workers import sandbox_fans as fans
from workers import sandbox_money as money
from workers import sandbox_remarks as said
from workers import sandbox_store as kept
from workers.sandbox_api import bell_of, store_of
from workers.sandbox_looks import LOOKS, words
from workers.sandbox_store import Refusal

FOLDER = Path(__file__).parent / "templates"
LONGEST_FORM = 64 * 1024
SHOWN_POSTS = 60
_CSP = (
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ASSETS = {"sandbox.css": "text/css", "sandbox.js": "text/javascript", "sandbox.svg": "image/svg+xml"}

router = APIRouter()
_jinja = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _hue(name: str) -> int:
    """A colour of the account's own for its round picture."""
    return sum(ord(sign) * (place + 7) for place, sign in enumerate(name)) * 47 % 360


def _clock(instant: str) -> str:
    return datetime.fromisoformat(instant).strftime("%H:%M")


def _day(instant: str) -> str:
    return datetime.fromisoformat(instant).strftime("%d.%m.%Y %H:%M UTC")


_jinja.filters.update(clock=_clock, day=_day, hue=_hue, segment=lambda value: quote(str(value), safe=""))


def _page(request: Request, template: str, status: int = 200, /, **values: Any) -> HTMLResponse:
    language, sentences = words(request.headers.get("accept-language", ""))
    html = _jinja.get_template(template).render(language=language, w=sentences, looks=LOOKS, **values)
    return HTMLResponse(html, status, {"Content-Security-Policy": _CSP, "Referrer-Policy": "no-referrer"})


def sorry(request: Request, status: int) -> Response:
    """The page for what is not there or not possible."""
    return _page(request, "sandbox_sorry.html", status, title="Sandbox")


@router.get("/healthz")
async def healthz() -> dict[str, bool]:
    """Whether it answers."""
    return {"ok": True}


@router.get("/assets/{name}")
async def asset(name: str) -> Response:
    """Our own style and script."""
    if name not in _ASSETS:
        raise Refusal(404, "no_such_page")
    return FileResponse(FOLDER / name, media_type=_ASSETS[name], headers={"Cache-Control": "no-cache"})


@router.get("/files/{account}/{sha256}")
async def media_file(request: Request, account: str, sha256: str) -> Response:
    """A file of an account, for its pages."""
    found = kept.file(store_of(request), account, sha256)
    if found is None:
        raise Refusal(404, "no_such_file")
    mime, body = found
    told = {"X-Content-Type-Options": "nosniff", "Cache-Control": "immutable, max-age=31536000"}
    return Response(body, media_type=mime, headers=told)


@router.get("/")
async def home(request: Request) -> Response:
    """Every account."""
    store = store_of(request)
    counted = [
        {"account": account, "posts": _count(store, "posts", account.name), "fans": _count(store, "fans", account.name)}
        for account in kept.accounts(store)
    ]
    return _page(request, "sandbox_home.html", title="Sandbox", accounts=counted)


def _count(store: kept.Store, table: str, account: str) -> int:
    stands = " AND deleted_at IS NULL" if table == "posts" else ""
    row = store.row(f"SELECT count(*) AS n FROM {table} WHERE account = ?{stands}", account)  # noqa: S608  two constants
    return int(row["n"]) if row else 0


@router.get("/t/{account}")
async def timeline(request: Request, account: str) -> Response:
    """An account's posts, newest first."""
    store = store_of(request)
    owner = kept.account(store, account)
    posts = kept.posts(store, account, limit=SHOWN_POSTS)
    return _page(request, "sandbox_timeline.html", title=owner.title, account=owner, posts=posts, remarks=None)


@router.get("/t/{account}/{post_id}", name="post_page")
async def post_page(request: Request, account: str, post_id: str) -> Response:
    """One post, and its address."""
    store = store_of(request)
    owner, post = kept.account(store, account), kept.post(store, account, post_id)
    store.run("UPDATE posts SET views = views + 1 WHERE id = ?", kept.number(post_id, "p"))
    return _page(
        request,
        "sandbox_timeline.html",
        title=owner.title,
        account=owner,
        posts=[post],
        remarks=said.under(store, account, post_id),
    )


@router.post("/t/{account}/{post_id}/remarks")
async def comment(request: Request, account: str, post_id: str) -> Response:
    """What the person at the page wrote under a post; then the page again."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Refusal(403, "foreign_page")
    form = await _form(request)
    said.say(store_of(request), account, _one_word(form.get("fan", "")), post_id, form.get("text", ""))
    return RedirectResponse(f"/t/{quote(account, safe='')}/{quote(post_id, safe='')}", 303)


@router.get("/c/{account}")
async def chat(request: Request, account: str, fan: str = "") -> Response:
    """The chat window of a fan; without a name it asks for one."""
    store = store_of(request)
    owner = kept.account(store, account)
    if not fan.strip():
        known = store.rows("SELECT name, handle FROM fans WHERE account = ? ORDER BY rowid DESC LIMIT 12", account)
        return _page(request, "sandbox_door.html", title=owner.title, account=owner, fans=known)
    return _page(
        request, "sandbox_chat.html", title=owner.title, account=owner, **_chat(store, account, _one_word(fan))
    )


@router.get("/c/{account}/messages")
async def chat_messages(request: Request, account: str, fan: str = "") -> Response:
    """The messages alone, for the page's script."""
    store = store_of(request)
    owner = kept.account(store, account)
    return _page(request, "sandbox_messages.html", account=owner, **_chat(store, account, _one_word(fan)))


def _chat(store: kept.Store, account: str, fan: str) -> dict[str, Any]:
    row = store.row("SELECT age, handle FROM fans WHERE account = ? AND name = ?", account, fan)
    return {
        "fan": fan[:64],
        "handle": row["handle"] if row else fan[:64],
        "age": row["age"] if row else "",
        "messages": kept.messages(store, account, fan)[::-1],
        "tries": money.checkouts(store, account, fan),
    }


@router.post("/c/{account}/act")
async def chat_act(request: Request, account: str) -> Response:
    """What the person at the chat window did; then the window again."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Refusal(403, "foreign_page")
    form = await _form(request)
    fan = _one_word(form.get("fan", ""))
    store = store_of(request)
    new = store.row("SELECT 1 FROM fans WHERE account = ? AND name = ?", account, fan) is None
    language = words(request.headers.get("accept-language", ""))[0] if new else ""
    try:
        fans.act(store, account, fan, {**form, "language": language})
    except Refusal as error:
        if error.status == 422 and fan:  # an empty message: the window as it was
            return RedirectResponse(_window(account, fan), 303)
        raise
    bell_of(request).ring()
    return RedirectResponse(_window(account, fan), 303)


def _one_word(name: str) -> str:
    """The id behind a typed name: platforms know people by ids, and ids hold no blank."""
    return "-".join(name.split())


def _window(account: str, fan: str) -> str:
    return f"/c/{quote(account, safe='')}?fan={quote(fan, safe='')}"


async def _form(request: Request) -> Mapping[str, str]:
    body = await request.body()
    if len(body) > LONGEST_FORM:
        raise Refusal(413, "too_large")
    return {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
