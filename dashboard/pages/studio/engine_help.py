"""The explanation of image engines for Studio and Settings: three sentences on connecting one."""

from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template


def render_engine_help(page: PageContext) -> None:
    """Draw the explanation."""
    draw_template("shell/templates/note.html", note=page.text("studio.connect_engine"))
