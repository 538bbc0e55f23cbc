"""The style of all pages, drawn once and before everything else.

Streamlit puts an `st.html` that has only styles into its event container, where dialogs open too.
A style that follows the header would lose its place to the first dialog that the header opens, and
the page would keep no style after the dialog has closed.
"""

from collections.abc import Mapping

from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template

PAGE_STYLES: Mapping[str, tuple[str, ...]] = {
    "home": ("home/templates/style.html",),
    "calendar": (
        "posts/templates/style.html",
        "posts/templates/feed_preview_style.html",
        "posts/templates/comment_style.html",
        "compose/templates/style.html",
    ),
    "approvals": (
        "posts/templates/style.html",
        "approvals/templates/style.html",
        "posts/templates/feed_preview_style.html",
        "posts/templates/comment_style.html",
    ),
    "studio": ("studio/templates/style.html",),
    "inbox": ("inbox/templates/style.html",),
    "shop": ("shop/templates/style.html",),
    "people": ("people/templates/style.html",),
    "tour": ("tour/templates/style.html",),
}
"""Style templates of the pages that have their own, below `dashboard/pages`, in order."""


def render_page_style(page: PageContext, name: str) -> None:
    """Draw the common style and that of the page (its name in the menu). Call it before the header
    and before anything that opens a dialog."""
    draw_template(
        "shell/templates/page_style.html",
        styles=[f"pages/{path}" for path in PAGE_STYLES.get(name, ())],
        word=page.text,
    )
