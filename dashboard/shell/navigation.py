"""The pages of the dashboard as data. The menu depends on rights, not on role names."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from dashboard.shell.page_context import PageContext
from tenants.agencies.rights import Right

WORK_RIGHTS = (Right.RUN, Right.APPROVE, Right.CHAT)


@dataclass(frozen=True)
class PageEntry:
    """A page: its path, the rights that can open it (one is enough), its icon and its menu group.

    Its title is the message `dashboard.page.<name>`.
    """

    name: str
    rights: tuple[Right, ...]
    icon: str
    group: str = "day"
    demo_only: bool = False
    """True if only the demo agency has the page."""
    package: str = ""
    """The folder in `dashboard.pages`, if its name differs from the path."""

    @property
    def module(self) -> str:
        """The module that draws the page."""
        return f"dashboard.pages.{self.package or self.name}.page"

    def render(self, page: PageContext) -> None:
        """Draw the page. Its module is imported on first use."""
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
    PageEntry("reports", (Right.MONEY,), ":material/summarize:"),
    PageEntry(
        "people",
        (Right.RUN, Right.APPROVE, Right.REVIEW, Right.VOUCH),
        ":material/face:",
        "house",
    ),
    PageEntry("creators", (Right.RUN, Right.APPROVE), ":material/badge:", "house"),
    PageEntry("persona", (Right.RUN, Right.APPROVE), ":material/smart_toy:", "house"),
    PageEntry("channels", (Right.RUN,), ":material/hub:", "house"),
    PageEntry("team", (Right.STAFF,), ":material/group:", "house"),
    PageEntry("settings", (Right.RUN,), ":material/settings:", "house"),
    PageEntry("system", (Right.RUN,), ":material/monitor_heart:", "house"),
    PageEntry("notifications", tuple(Right), ":material/notifications:", "house"),
    PageEntry("tour", (Right.RUN,), ":material/tour:", demo_only=True),
    PageEntry("start", (Right.STAFF,), ":material/rocket_launch:", "house"),
)


def preload_pages() -> None:
    """Import all pages in advance, so that the first visit does not wait, and exclude them from
    garbage collection.

    A garbage collection over all loaded objects takes 200 ms of CPU time. pandas is imported too,
    because Streamlit loads it and pyarrow when the first fragment redraws: before the pages, since
    Altair fails while another thread imports pandas.
    """
    import_module("pandas")
    for row in PAGES:
        import_module(row.module)
    gc.collect()
    gc.freeze()
