"""Form and list of the terms that the agency adds to the built-in ones of the safety check.

The list is collapsed by default, because the terms themselves are offensive.
"""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.reviews import own_terms
from gate.reviews.own_terms import OwnTermSummary
from gate.text.lexicon import KINDS
from tenants.agencies.rights import Right

KIND = "terms:kind"
TYPED = "terms:typed"
SENTENCE = "terms:sentence"
ROUND = "terms:round"


def render_own_terms(page: PageContext) -> None:
    """Draw the form that adds terms and the list of existing terms."""
    with st.container(border=True):
        st.subheader(page.text("terms.title"))
        draw_template("shell/templates/note.html", note=page.text("terms.how"))
        if page.has_right(Right.STAFF):
            _render_add_form(page)
        listed = page.read(own_terms.list_own_terms)
        if listed and st.toggle(page.text("terms.show", count=len(listed)), key="terms:show"):
            for one in listed:
                _render_term(page, one)


def _render_add_form(page: PageContext) -> None:
    with forms.open_fields(page, "terms"):
        st.selectbox(
            page.text("terms.kind"),
            KINDS,
            format_func=lambda kind: page.text(f"terms.kind.{kind}"),
            key=KIND,
        )
        st.text_area(page.text("terms.typed"), key=TYPED)
        forms.show_field_error("terms")
        actions.action_button(page, "terms.add", _request_terms, right=Right.STAFF, key="terms:add")
        key = f"terms:file:{st.session_state.get(ROUND, 0)}"
        st.file_uploader(
            page.text("terms.upload"),
            ["txt", "csv"],
            key=key,
            max_upload_size=1,
            on_change=partial(_submit_file, key),
        )


def _submit_file(key: str) -> None:
    """Request the terms of the uploaded file and clear the field."""
    file = st.session_state.get(key)
    if file is not None:
        act = partial(_request_file, file.getvalue())
        actions.run_action(act, Right.STAFF, f"upload:{file.file_id}", label="terms.upload")
        st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1


def _request_file(data: bytes, scope: Scope, press_id: UUID) -> Message:
    kind = str(actions.typed_value(KIND))
    count = own_terms.request_own_terms_file(scope, press_id, kind, data)
    return Message("terms.adding", {"count": count})


def render_sentence_test(page: PageContext) -> None:
    """Draw the form that rates a sentence with the built-in and the agency's own terms."""
    with forms.open_form(page, "terms:test", border=True):
        st.subheader(page.text("terms.test_title"))
        st.text_area(
            page.text("terms.sentence_label"),
            key=SENTENCE,
            max_chars=own_terms.MAX_SENTENCE_LENGTH,
        )
        forms.show_field_error("sentence")
        actions.submit_button(page, "terms.test", _rate_sentence, right=Right.RUN, key="terms:rate")


def _rate_sentence(scope: Scope, _: UUID) -> Message:
    found = own_terms.rate_sentence(scope, str(actions.typed_value(SENTENCE) or ""))
    return Message(f"terms.tested.{found.prohibited or found.rating}")


def _render_term(page: PageContext, one: OwnTermSummary) -> None:
    left, right = st.columns([3, 1])
    left.text(f"{one.term} — {page.text(f'terms.kind.{one.kind}')}")
    with right:
        actions.action_button(
            page,
            "terms.end_second" if one.ending else "terms.end",
            partial(_request_end, one.id),
            right=Right.REOPEN,
            key=f"terms:end:{one.id}",
        )


def _request_terms(scope: Scope, press_id: UUID) -> Message:
    kind = str(actions.typed_value(KIND))
    count = own_terms.request_own_terms(
        scope, press_id, kind, str(actions.typed_value(TYPED) or "")
    )
    return Message("terms.adding", {"count": count})


def _request_end(term_id: UUID, scope: Scope, press_id: UUID) -> Message:
    own_terms.request_own_term_end(scope, press_id, term_id)
    return Message("terms.ending")
