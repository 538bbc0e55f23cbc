"""Rules that strangers' packages ship for their own platforms: an owner reads them, and says whether they count."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.strangers import Stranger
from dashboard.reads.system import System
from dashboard.widgets import draw
from foundation import outbox
from foundation.database import Scope
from foundation.words import Message
from gate.admitting import RowsWanted
from tenants.roles import Right


def show(page: Page, found: System) -> None:
    """Draw them; nothing where no package ships any and none was admitted."""
    if not found.strangers:
        return
    st.subheader(page.word("system.rows"))
    st.write(page.word("system.rows_explained"))
    for number, one in enumerate(found.strangers):
        with st.container(border=True):
            draw("system_rows.html", one=one, found=found, voice=page.voice, word=page.word)
            _buttons(page, one, number)


def _buttons(page: Page, one: Stranger, number: int) -> None:
    if one.waits:
        act = partial(_wanted, one.platform, one.digest, end=False)
        acting.button(page, "system.rows_admit", act, right=Right.RULES, key=f"rows:{number}")
    if one.admitted is not None and (one.counts or not one.package):
        act = partial(_wanted, one.platform, one.digest, end=True)
        acting.button(page, "system.rows_end", act, right=Right.RUN, key=f"rows.end:{number}")


def _wanted(platform: str, digest: str, scope: Scope, press_id: UUID, *, end: bool) -> Message:
    wanted = RowsWanted(scope.tenant_id, press_id, platform=platform, digest=digest, end=end, by=scope.actor)
    outbox.put(scope, wanted, priority=0, dedupe=f"rows:{press_id}")
    return Message("system.rows_ending" if end else "system.rows_noted")
