"""The HTML pages of the sandbox: timelines, posts and chats. Text is escaped; adult media are shown
as a label only."""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import Response

from foundation.http.request_bodies import read_form
from sandbox import comments, fan_actions, payments
from sandbox.api import get_bell, get_store
from sandbox.post_limits import SURFACES, page_texts
from sandbox.store import (
    SandboxRefusal,
    SandboxStore,
    get_account,
    get_file,
    get_post,
    list_accounts,
    list_messages,
    list_posts,
    parse_native_id,
)

FOLDER = Path(__file__).parent / "templates"
SHOWN_POSTS = 60
_START_PARAMETER = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""The form of Telegram's start parameters."""

_CSP = (
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'self'; script-src 'self'; "
    "connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ASSETS = {
    "sandbox.css": "text/css",
    "sandbox.js": "text/javascript",
    "sandbox.svg": "image/svg+xml",
}

router = APIRouter()
_jinja = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _account_hue(name: str) -> int:
    """Return the hue of an account's avatar."""
    return sum(ord(sign) * (place + 7) for place, sign in enumerate(name)) * 47 % 360


def _format_clock_time(instant: str) -> str:
    return datetime.fromisoformat(instant).strftime("%H:%M")


def _format_date_time(instant: str) -> str:
    return datetime.fromisoformat(instant).strftime("%d.%m.%Y %H:%M UTC")


_jinja.filters.update(
    clock=_format_clock_time,
    day=_format_date_time,
    hue=_account_hue,
    segment=lambda value: quote(str(value), safe=""),
)


def _render_page(
    request: Request, template: str, status: int = 200, /, **values: Any
) -> HTMLResponse:
    language, sentences = page_texts(request.headers.get("accept-language", ""))
    html = _jinja.get_template(template).render(
        language=language, w=sentences, looks=SURFACES, **values
    )
    return HTMLResponse(
        html, status, {"Content-Security-Policy": _CSP, "Referrer-Policy": "no-referrer"}
    )


def error_page(request: Request, status: int) -> Response:
    """Return the error page."""
    return _render_page(request, "error.html", status, title="Sandbox")


@router.get("/healthz")
async def healthz() -> dict[str, bool]:
    """Return `ok` while the server runs."""
    return {"ok": True}


@router.get("/assets/{name}")
async def static_file(name: str) -> Response:
    """Return the style sheet, the script or the icon."""
    if name not in _ASSETS:
        raise SandboxRefusal(404, "no_such_page")
    return FileResponse(
        FOLDER / name, media_type=_ASSETS[name], headers={"Cache-Control": "no-cache"}
    )


@router.get("/files/{account}/{sha256}")
async def media_file(request: Request, account: str, sha256: str) -> Response:
    """Return a file of an account for its pages."""
    found = get_file(get_store(request), account, sha256)
    if found is None:
        raise SandboxRefusal(404, "no_such_file")
    mime, body = found
    told = {"X-Content-Type-Options": "nosniff", "Cache-Control": "immutable, max-age=31536000"}
    return Response(body, media_type=mime, headers=told)


@router.get("/")
async def home_page(request: Request) -> Response:
    """Show all accounts."""
    store = get_store(request)
    counted = [
        {
            "account": account,
            "posts": _count_rows(store, "posts", account.name),
            "fans": _count_rows(store, "fans", account.name),
        }
        for account in list_accounts(store)
    ]
    return _render_page(request, "home.html", title="Sandbox", accounts=counted)


def _count_rows(store: SandboxStore, table: str, account: str) -> int:
    stands = " AND deleted_at IS NULL" if table == "posts" else ""
    row = store.fetch_one(
        f"SELECT count(*) AS n FROM {table} WHERE account = ?{stands}",  # noqa: S608  two constants
        account,
    )
    return int(row["n"]) if row else 0


@router.get("/t/{account}")
async def timeline_page(request: Request, account: str) -> Response:
    """Show an account's posts, newest first."""
    store = get_store(request)
    owner = get_account(store, account)
    posts = list_posts(store, account, limit=SHOWN_POSTS)
    return _render_page(
        request, "timeline.html", title=owner.title, account=owner, posts=posts, remarks=None
    )


@router.get("/t/{account}/{post_id}", name="post_page")
async def post_page(request: Request, account: str, post_id: str) -> Response:
    """Show one post at its public URL."""
    store = get_store(request)
    owner = get_account(store, account)
    post = get_post(store, account, post_id)
    store.execute("UPDATE posts SET views = views + 1 WHERE id = ?", parse_native_id(post_id, "p"))
    return _render_page(
        request,
        "timeline.html",
        title=owner.title,
        account=owner,
        posts=[post],
        remarks=comments.comments_under_post(store, account, post_id),
    )


@router.post("/t/{account}/{post_id}/remarks")
async def post_comment(request: Request, account: str, post_id: str) -> Response:
    """Publish a visitor's comment on a post, then show the page again."""
    # a form on another site must not act as the fan
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise SandboxRefusal(403, "foreign_page")
    form = await _read_form(request)
    comments.add_comment(
        get_store(request),
        account,
        _fan_id_from_name(form.get("fan", "")),
        post_id,
        form.get("text", ""),
    )
    return RedirectResponse(f"/t/{quote(account, safe='')}/{quote(post_id, safe='')}", 303)


@router.get("/c/{account}")
async def chat_page(request: Request, account: str, fan: str = "", start: str = "") -> Response:
    """Show a fan's chat, or ask for the fan's name. A link with a start parameter shows a button
    that sends it, as Telegram does."""
    store = get_store(request)
    owner = get_account(store, account)
    start = start if _START_PARAMETER.fullmatch(start) else ""
    if not fan.strip():
        known = store.fetch_all(
            "SELECT name, handle FROM fans WHERE account = ? ORDER BY rowid DESC LIMIT 12", account
        )
        return _render_page(
            request, "fan_login.html", title=owner.title, account=owner, fans=known, start=start
        )
    return _render_page(
        request,
        "chat.html",
        title=owner.title,
        account=owner,
        start=start,
        **_load_chat(store, account, _fan_id_from_name(fan)),
    )


@router.get("/c/{account}/messages")
async def chat_messages(request: Request, account: str, fan: str = "") -> Response:
    """Return the messages as an HTML fragment for the page's script."""
    store = get_store(request)
    owner = get_account(store, account)
    return _render_page(
        request,
        "messages.html",
        account=owner,
        **_load_chat(store, account, _fan_id_from_name(fan)),
    )


def _load_chat(store: SandboxStore, account: str, fan: str) -> dict[str, Any]:
    row = store.fetch_one(
        "SELECT age, handle FROM fans WHERE account = ? AND name = ?", account, fan
    )
    return {
        "fan": fan[:64],
        "handle": row["handle"] if row else fan[:64],
        "age": row["age"] if row else "",
        "messages": list_messages(store, account, fan)[::-1],
        "tries": payments.list_fan_checkouts(store, account, fan),
    }


@router.post("/c/{account}/act")
async def post_chat_action(request: Request, account: str) -> Response:
    """Perform a fan's action in the chat, then show the chat again."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise SandboxRefusal(403, "foreign_page")
    form = await _read_form(request)
    fan = _fan_id_from_name(form.get("fan", ""))
    store = get_store(request)
    new = store.fetch_one("SELECT 1 FROM fans WHERE account = ? AND name = ?", account, fan) is None
    language = page_texts(request.headers.get("accept-language", ""))[0] if new else ""
    try:
        fan_actions.perform_fan_action(store, account, fan, {**form, "language": language})
    except SandboxRefusal as error:
        if error.status == 422 and fan:  # an empty message changes nothing
            return RedirectResponse(_chat_url(account, fan), 303)
        raise
    get_bell(request).ring()
    return RedirectResponse(_chat_url(account, fan), 303)


def _fan_id_from_name(name: str) -> str:
    """Return the ID for a typed name. Platforms identify users by IDs, which contain no spaces."""
    return "-".join(name.split())


def _chat_url(account: str, fan: str) -> str:
    return f"/c/{quote(account, safe='')}?fan={quote(fan, safe='')}"


async def _read_form(request: Request) -> Mapping[str, str]:
    return await read_form(request.stream())
