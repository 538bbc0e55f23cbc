"""Summary of a person: proof of age, permissions, declaration and bans at a glance."""

from datetime import datetime, timedelta

from dashboard.pages.people import surface_names, synthetic_people
from dashboard.pages.people.queries import PeopleView
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from gate.evidence.person_dossiers import PersonDossier

YEAR = timedelta(days=365)
DAYS = "DD/MM/YYYY"
BEFORE = timedelta(microseconds=1)
"""Difference between an end and its last valid moment. Ends are exclusive: a consent that ends at
midnight is last valid on the day before."""


def render_summary(page: PageContext, found: PeopleView, one: PersonDossier) -> None:
    """Draw one person's proof of age, consents, declaration and missing items."""
    creators = {each.id: each.name for each in found.creators}
    draw_template(
        "pages/people/templates/summary.html",
        one=one,
        creator=creators.get(one.creator_id, "") if one.creator_id else "",
        offer=found.offers.get(one.id),
        looks=synthetic_people.review_status(page, one),
        places=lambda surfaces: surface_names.surface_labels(page, surfaces),
        now=found.now,
        **date_formatters(page),
    )


def date_formatters(page: PageContext) -> dict[str, object]:
    """Return template helpers that format days in the viewer's time zone.

    `day` formats the day of an instant, `last` the last day before an exclusive end.
    """

    def day(at: datetime) -> str:
        return page.localizer.format_date(at.astimezone(page.localizer.zone).date())

    return {
        "day": day,
        "last": lambda end: day(end - BEFORE),
        "voice": page.localizer,
        "word": page.text,
    }
