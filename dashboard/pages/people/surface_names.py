"""Places a permission may name, as people call them: whole platforms, and single places on them."""

from dashboard.shell.page_context import PageContext
from foundation.i18n.translation import LANGUAGES, load_catalogue


def list_platforms() -> list[str]:
    """Every platform people know by a name."""
    return sorted(
        code.partition(".")[2]
        for code in load_catalogue(LANGUAGES[0])
        if code.startswith("platform.")
    )


def surface_label(page: PageContext, surface: str) -> str:
    """A place as people call it; a platform alone is every place on it."""
    known = load_catalogue(page.localizer.language)
    codes = (f"place.{surface}" if "." in surface else "", f"platform.{surface.partition('.')[0]}")
    return next((page.text(code) for code in codes if code in known), surface)


def surface_labels(page: PageContext, surfaces: tuple[str, ...]) -> str:
    """Several of them."""
    return ", ".join(surface_label(page, one) for one in surfaces)
