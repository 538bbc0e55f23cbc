"""Every page of the dashboard as data; the menu is drawn from rights, not from role names."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from dashboard.frame import Page
from tenants.roles import Right

WORK = (Right.RUN, Right.APPROVE, Right.CHAT)


@dataclass(frozen=True)
class PageRow:
    """One page: its address, who may see it (any of the rights), its picture, and the room file that draws it.

    Its title is the sentence `dashboard.page.<name>`.
    """

    name: str
    rights: tuple[Right, ...]
    icon: str
    group: str = "day"
    demo_only: bool = False
    """Shown in a demonstration alone."""

    def show(self, page: Page) -> None:
        """Draw it; its file is loaded when it is first asked for."""
        draw: Callable[[Page], None] = import_module(f"dashboard.app_pages.{self.name}").show
        draw(page)


PAGES = (
    PageRow("home", tuple(Right), ":material/home:"),
    PageRow("calendar", (Right.RUN, Right.APPROVE), ":material/calendar_month:"),
    PageRow("studio", (Right.RUN,), ":material/photo_library:"),
    PageRow("approvals", (Right.APPROVE, Right.REVIEW), ":material/fact_check:"),
    PageRow("inbox", (Right.CHAT,), ":material/forum:"),
    PageRow("shop", (Right.RUN, Right.MONEY), ":material/storefront:"),
    PageRow("insights", (Right.MONEY,), ":material/insights:"),
    PageRow("people", (Right.RUN, Right.APPROVE, Right.REVIEW), ":material/face:", "house"),
    PageRow("channels", (Right.RUN,), ":material/hub:", "house"),
    PageRow("team", (Right.STAFF,), ":material/group:", "house"),
    PageRow("system", (Right.RUN,), ":material/monitor_heart:", "house"),
    PageRow("tour", (Right.RUN,), ":material/tour:", demo_only=True),
    PageRow("start", (Right.STAFF,), ":material/rocket_launch:", "house"),
)


def load_all() -> None:
    """Load every page's file, so that nobody's first look waits for it, and set what was loaded apart.

    What is set apart is not walked through by the collector: 200 ms of processor time over everything ever loaded. The
    first part of a page that draws itself anew makes Streamlit load pandas and pyarrow: those are loaded here too.
    """
    for row in PAGES:
        import_module(f"dashboard.app_pages.{row.name}")
    import_module("pandas")
    gc.collect()
    gc.freeze()
