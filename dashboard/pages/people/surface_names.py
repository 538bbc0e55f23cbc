"""Display names of platforms and of surfaces on them, as consents list them."""

from dashboard.shell.page_context import PageContext
from foundation.i18n.translation import LANGUAGES, load_catalogue


def list_platforms() -> list[str]:
    """Return the codes of all platforms that have a display name."""
    return sorted(
        code.partition(".")[2]
        for code in load_catalogue(LANGUAGES[0])
        if code.startswith("platform.")
    )


def surface_label(page: PageContext, surface: str) -> str:
    """Return the display name of a surface, or that of its platform."""
    known = load_catalogue(page.localizer.language)
    codes = (f"place.{surface}" if "." in surface else "", f"platform.{surface.partition('.')[0]}")
    return next((page.text(code) for code in codes if code in known), surface)


def surface_labels(page: PageContext, surfaces: tuple[str, ...]) -> str:
    """Return the display names of several surfaces, separated by commas."""
    return ", ".join(surface_label(page, one) for one in surfaces)
