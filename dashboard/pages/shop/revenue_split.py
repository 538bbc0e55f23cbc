"""Revenue split of a creator: the rules with their dates, and the form for a new one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.shop.queries import member_names
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.money import BASIS_POINTS
from foundation.ops.wall_time import local_day
from subscribers.ledger import revenue_splits
from subscribers.ledger.revenue_splits import (
    MAX_DAYS_AHEAD,
    MAX_PARTIES,
    MAX_PARTY_NAME,
    NamedShare,
    RevenueSplit,
    SplitDraft,
    SplitStatus,
)
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

OWN_SHARES = ("creator", "agency", "chatter")


@dataclass(frozen=True)
class SplitsView:
    """The rules of a creator, latest start first, with the names of members by actor and today's
    date in the creator's time zone."""

    rules: list[RevenueSplit]
    names: dict[str, str]
    today: date

    @property
    def newest(self) -> RevenueSplit | None:
        """Return the rule with the latest start."""
        return self.rules[0] if self.rules else None


def render_revenue_split(page: PageContext, creator: Creator) -> None:
    """Render the rules and, for members with the right, the form for a new one."""
    found = page.read(lambda scope: _load_splits(scope, creator))
    draw_template(
        "pages/shop/templates/revenue_split.html",
        found=found,
        creator=creator,
        percent=partial(_format_share, page),
        current=SplitStatus.CURRENT,
        voice=page.localizer,
        word=page.text,
    )
    if page.has_right(Right.SPLIT):
        _render_split_form(page, creator, found)


def _load_splits(scope: Scope, creator: Creator) -> SplitsView:
    return SplitsView(
        revenue_splits.list_revenue_splits(scope, creator.id),
        dict(member_names(scope)),
        local_day(scope.now, creator.zone),
    )


def _format_share(page: PageContext, share: int) -> str:
    written = revenue_splits.format_percent(share)
    if page.localizer.language == "fr":
        written = written.replace(".", ",")
    return page.text("split.percent", share=written)


def _render_split_form(page: PageContext, creator: Creator, found: SplitsView) -> None:
    """Render the form, filled with the rule that starts last. One empty line for another party is
    always left."""
    slot = f"split:{creator.id}"
    with forms.open_fields(page, slot):
        others = found.newest.others if found.newest is not None else ()
        _fill_form(slot, found.newest, others)
        draw_template("pages/shop/templates/header.html", title=page.text("split.new"))
        with st.container(key=f"{slot}:form"):
            columns = st.columns(len(OWN_SHARES))
            for column, name in zip(columns, OWN_SHARES, strict=True):
                label = creator.name if name == "creator" else page.text(f"split.share.{name}")
                column.text_input(
                    page.text("split.share_of", name=label), key=f"{slot}:{name}", max_chars=7
                )
                forms.show_field_error(f"share:{name}", column)
            for number in range(_count_party_lines(slot, len(others))):
                left, right = st.columns([2, 1])
                left.text_input(
                    page.text("split.party", number=number + 1),
                    key=f"{slot}:name:{number}",
                    max_chars=MAX_PARTY_NAME,
                )
                forms.show_field_error("name", left)
                right.text_input(
                    page.text("split.party_share", number=number + 1),
                    key=f"{slot}:share:{number}",
                    max_chars=7,
                )
            _render_sum(page, slot)
            st.date_input(
                page.text("split.starts_on"),
                found.today,
                min_value=found.today,
                max_value=found.today + timedelta(days=MAX_DAYS_AHEAD),
                format="DD/MM/YYYY",
                key=f"{slot}:from",
                width=200,
            )
            forms.show_field_error("from")
            st.caption(page.text("split.what"))
            actions.action_button(
                page,
                "split.save",
                partial(_save_split, page, creator, slot),
                right=Right.SPLIT,
                key=f"{slot}:save",
                kind="primary",
            )


def _fill_form(slot: str, newest: RevenueSplit | None, others: Sequence[NamedShare]) -> None:
    """Put the shares of the newest rule into the inputs that are not filled yet."""
    filled = {"creator": BASIS_POINTS, "agency": 0, "chatter": 0}
    if newest is not None:
        shares = (newest.shares.creator, newest.agency_share, newest.chatter_share)
        filled = dict(zip(OWN_SHARES, shares, strict=True))
    for name, share in filled.items():
        st.session_state.setdefault(f"{slot}:{name}", revenue_splits.format_percent(share))
    for number, one in enumerate(others):
        st.session_state.setdefault(f"{slot}:name:{number}", one.name)
        written = revenue_splits.format_percent(one.share)
        st.session_state.setdefault(f"{slot}:share:{number}", written)


def _count_party_lines(slot: str, known: int) -> int:
    """Return the number of lines to draw: up to the last one in use, and an empty one."""
    used = [
        number
        for number in range(MAX_PARTIES)
        if st.session_state.get(f"{slot}:name:{number}")
        or st.session_state.get(f"{slot}:share:{number}")
    ]
    return min(max([known, *(number + 1 for number in used)]) + 1, MAX_PARTIES)


def _render_sum(page: PageContext, slot: str) -> None:
    """Show the sum of the shares typed so far, or the first one that cannot be read."""
    try:
        total = sum(_typed_shares(slot)) + sum(one.share for one in _typed_parties(slot))
    except BadInput as refused:
        st.caption(page.localizer.message_text(refused.message))
        return
    code = "split.sum" if total == BASIS_POINTS else "split.sum_differs"
    st.caption(page.text(code, sum=_format_share(page, total)))


def _typed_shares(slot: str) -> list[int]:
    return [
        revenue_splits.parse_percent(str(actions.typed_value(f"{slot}:{name}") or ""))
        for name in OWN_SHARES
    ]


def _typed_parties(slot: str) -> list[NamedShare]:
    """Return the lines of other parties that are not empty."""
    found = []
    for number in range(MAX_PARTIES):
        name = str(actions.typed_value(f"{slot}:name:{number}") or "").strip()
        typed = str(actions.typed_value(f"{slot}:share:{number}") or "")
        share = revenue_splits.parse_percent(typed)
        if name and not share:
            raise BadInput("split.no_share", name=name)
        if share:
            found.append(NamedShare(name, share))
    return found


def _save_split(
    page: PageContext, creator: Creator, slot: str, scope: Scope, press_id: UUID
) -> Message:
    page.get_creator(scope, creator.id)
    own, agency, chatter = _typed_shares(slot)
    starts_on = actions.typed_value(f"{slot}:from") or local_day(scope.now, creator.zone)
    draft = SplitDraft(own, agency, chatter, tuple(_typed_parties(slot)), starts_on)
    revenue_splits.add_revenue_split(scope, creator.id, draft, split_id=press_id)
    return Message("split.saved", {"day": f"{starts_on:%d/%m/%Y}"})
