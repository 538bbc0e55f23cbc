"""Contact address of a depicted person and links to their subject portal.

Links are sent to the person's own address; members cannot see them.
"""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.consent import contact_addresses
from gate.consent.subject_portal import LinkedPerson
from tenants.agencies.rights import Right


def render_address(
    page: PageContext, person_id: UUID, name: str, contact: LinkedPerson | None
) -> None:
    """Draw the address that receives portal links and a field to change it."""
    with forms.open_fields(page, f"address:{person_id}"):
        address = contact.address if contact is not None else ""
        if address:
            code = (
                "people.address_confirmed"
                if contact and contact.confirmed
                else "people.address_set"
            )
            st.caption(page.markdown(code, address=address, name=name))
        st.text_input(
            page.text("people.address"),
            key=f"address:{person_id}",
            max_chars=contact_addresses.MAX_ADDRESS,
            help=page.text("people.address_how"),
        )
        forms.show_field_error("address")
        act = partial(_set_address, person_id, name)
        actions.action_button(
            page, "people.address_now", act, right=Right.RUN, key=f"address_set:{person_id}"
        )


def _set_address(person_id: UUID, name: str, scope: Scope, _: UUID) -> Message:
    typed = str(actions.typed_value(f"address:{person_id}") or "")
    contact_addresses.set_contact_address(scope, person_id, typed)
    return Message("people.link_sent", {"name": name})


def render_link_button(page: PageContext, person_id: UUID, name: str, *, key: str) -> None:
    """Draw the button that sends a new portal link."""
    act = partial(_send_link, person_id, name)
    actions.action_button(
        page, "people.send_link", act, right=Right.RUN, key=key, params={"name": name}
    )


def _send_link(person_id: UUID, name: str, scope: Scope, _: UUID) -> Message:
    contact_addresses.send_portal_link(scope, person_id)
    return Message("people.link_sent", {"name": name})
