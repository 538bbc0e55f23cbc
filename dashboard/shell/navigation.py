"""Every page of the dashboard as data; the menu is drawn from rights, not from role names."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from dashboard.shell.page_context import PageContext
from tenants.agencies.rights import Right

WORK_RIGHTS = (Right.RUN, Right.APPROVE, Right.CHAT)


@dataclass(frozen=True)
class PageEntry:
    """One page: its address, who may see it (any of the rights), its icon, and the package that
    draws it.

    Its title is the sentence `dashboard.page.<name>`.
    """

    name: str
    rights: tuple[Right, ...]
    icon: str
    group: str = "day"
    demo_only: bool = False
    """Shown in a demonstration alone."""
    package: str = ""
    """The folder of `dashboard.pages` that draws it, where its address has another name."""

    @property
    def module(self) -> str:
        """The module that draws it."""
        return f"dashboard.pages.{self.package or self.name}.page"

    def render(self, page: PageContext) -> None:
        """Draw it; its file is loaded when it is first asked for."""
        draw: Callable[[PageContext], None] = import_module(self.module).render_page
        draw(page)


PAGES = (
    PageEntry("home", tuple(Right), ":material/home:"),
    PageEntry("calendar", (Right.RUN, Right.APPROVE), ":material/calendar_month:"),
    PageEntry("studio", (Right.RUN,), ":material/photo_library:"),
    PageEntry("approvals", (Right.APPROVE, Right.REVIEW), ":material/fact_check:"),
    PageEntry("inbox", (Right.CHAT,), ":material/forum:"),
    PageEntry("shop", (Right.RUN, Right.MONEY), ":material/storefront:"),
    PageEntry("insights", (Right.MONEY,), ":material/insights:", package="analytics"),
    PageEntry(
        "people",
        (Right.RUN, Right.APPROVE, Right.REVIEW, Right.VOUCH),
        ":material/face:",
        "house",
    ),
    PageEntry("channels", (Right.RUN,), ":material/hub:", "house"),
    PageEntry("team", (Right.STAFF,), ":material/group:", "house"),
    PageEntry("system", (Right.RUN,), ":material/monitor_heart:", "house"),
    PageEntry("tour", (Right.RUN,), ":material/tour:", demo_only=True),
    PageEntry("start", (Right.STAFF,), ":material/rocket_launch:", "house"),
)


def preload_pages() -> None:
    """Load every page's file, so that nobody's first look waits for it, and set what was loaded
    apart.

    What is set apart is not walked through by the collector: 200 ms of processor time over
    everything ever loaded. The first part of a page that draws itself anew makes Streamlit load
    pandas and pyarrow: those are loaded here too.
    """
    for row in PAGES:
        import_module(row.module)
    import_module("pandas")
    gc.collect()
    gc.freeze()
