"""Page styles are drawn by the shell alone, before anything that opens a dialog."""

import re

from dashboard.shell.navigation import PAGES
from dashboard.shell.page_style import PAGE_STYLES
from tests.architecture.tree import ROOT

_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_BLOCK = re.compile(r"\{[%#].*?[%#]\}", re.DOTALL)
_SHELL = {"shell/templates/style.html", "shell/templates/page_style.html"}


def test_templates_that_have_only_styles_are_drawn_by_the_shell() -> None:
    listed = {f"pages/{path}" for paths in PAGE_STYLES.values() for path in paths} | _SHELL
    dashboard = ROOT / "dashboard"
    only_styles = {
        str(path.relative_to(dashboard))
        for path in dashboard.rglob("templates/**/*.html")
        if "<style>" in (text := path.read_text("utf-8"))
        and not _BLOCK.sub("", _STYLE.sub("", text)).strip()
    }
    assert only_styles <= listed, "draw it with render_page_style"
    assert listed - only_styles == {"shell/templates/page_style.html"}
    callers = [
        f"{path.relative_to(ROOT)}: {style}"
        for path in dashboard.rglob("*.py")
        for style in listed
        if f'draw_template("{style}"' in path.read_text("utf-8").replace("\n        ", "")
        and path.name != "page_style.py"
    ]
    assert not callers, callers


def test_styles_belong_to_pages_of_the_menu() -> None:
    assert set(PAGE_STYLES) <= {row.name for row in PAGES}
