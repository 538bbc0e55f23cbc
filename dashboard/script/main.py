"""The script behind every page: who is it, which pages are theirs, what the last press came to, the page itself."""

from functools import partial
from urllib.parse import urlencode

import streamlit as st

from dashboard import acting, frame, session
from dashboard.app_pages import compose_leaving
from dashboard.frame import Page
from dashboard.pages import PAGES, PageRow
from dashboard.reads.above import Above, above
from dashboard.widgets import draw
from foundation import telemetry
from foundation.clock import monotonic
from foundation.errors import GreenroomError
from foundation.words import LANGUAGES, Message, say
from tenants import login
from tenants.roles import Right


def main() -> None:
    """Draw the page that was asked for; without a session, say how to get in."""
    st.set_page_config(page_title="Greenroom", page_icon="🌿", layout="wide")
    began = monotonic()
    found = frame.look_and(above)
    if found is None:
        frame.signed_out()
        return
    page, standing = found
    with frame.drawing(page):
        _draw(page, standing, began)


def _draw(page: Page, standing: Above, began: float) -> None:
    others = login.others(session.tenant(), page.who.tenant_id, page.who.member.id)
    chosen = st.navigation(
        _menu(page, demo=standing.agency.demo), expanded=True
    )  # folded, it says "View more" in English
    draw("style.html", word=page.word)
    with st.sidebar:
        languages = [(one, say(Message("dashboard.language"), one)) for one in LANGUAGES if one != page.voice.language]
        said = {"agency": standing.agency, "who": page.who.member, "others": others, "languages": languages}
        said["here"] = "?".join(filter(None, (f"/{chosen.url_path}", urlencode(st.query_params.to_dict()))))
        said["own_password"] = not page.may(Right.STAFF)  # who may staff finds it on Team
        draw("sidebar.html", **said, word=page.word)
    frame.guard(page.who)
    if standing.held:
        said = {"holds": standing.held, "now": standing.now, "leads": page.may(Right.RUN)}
        draw("stopped.html", **said, voice=page.voice, word=page.word)
    compose_leaving.left(page, chosen.url_path)
    written = (st.query_params.get(one, "") for one in ("new", "rework"))  # what is said of a post stands with no other
    acting.say_told(page, "/".join((chosen.url_path, *filter(None, written))))
    started = monotonic()
    chosen.run()
    spent = round(1000 * (monotonic() - began)), round(1000 * (monotonic() - started))
    telemetry.log("dashboard").info("dashboard.drawn", page=chosen.url_path or "home", ms=spent[0], page_ms=spent[1])


def _menu(page: Page, *, demo: bool) -> dict[str, list[st.Page]]:
    menu: dict[str, list[st.Page]] = {}
    for row in PAGES:
        if page.may(*row.rights) and (demo or not row.demo_only):
            one = st.Page(
                partial(_show, row, page),
                title=page.word(f"dashboard.page.{row.name}"),
                icon=row.icon,
                url_path=row.name,
                default=row.name == "home",
            )
            menu.setdefault(page.word(f"dashboard.group.{row.group}"), []).append(one)
    return menu


def _show(row: PageRow, page: Page) -> None:
    try:
        row.show(page)
    except GreenroomError as refused:
        st.error(page.voice.say(refused.message))


main()
