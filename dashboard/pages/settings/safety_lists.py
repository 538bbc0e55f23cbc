"""Safety lists: the agency's own terms, the shares of content that members review, and the safety
officer."""

from dashboard.pages.settings import own_terms, review_settings
from dashboard.shell.page_context import PageContext
from tenants.agencies.rights import Right


def render_safety_lists(page: PageContext) -> None:
    """Draw the section. Only the owner changes review shares and the safety officer."""
    own_terms.render_own_terms(page)
    own_terms.render_sentence_test(page)
    if page.has_right(Right.STAFF):
        review_settings.render_review_settings(page)
