"""The page of a receipt: opened by its code, it says how a request stands, and takes an appeal.

The address alone shows nothing, not even whether anybody was given it. Who typed the code is let in for an hour by a
cookie of this page alone; who just asked reads the code here once, for ten minutes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from foundation.database import OpenScope
from foundation.errors import GreenroomError, Refused
from foundation.words import Message
from gate import appealing, pins
from gate.appealing import LONGEST
from gate.rulings import AGENCY, ASKED
from gate.standings import Standing
from gate.states import ComplaintState
from web import answers
from web.page import rendered
from web.sites import Profile
from web.wording import Wording

_RECEIPT = re.compile(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){2}")
PASS, TOLD = "receipt", "code"
"""Cookies: what lets in, and the code itself while it is shown."""

SHOWN = 600
"""Seconds in which the code can be read again by who just asked."""

HEADERS = {"x-robots-tag": "noindex", "referrer-policy": "no-referrer"}


@dataclass(frozen=True)
class Place:
    """One place where a copy was: `gone_at` once it is proven gone, `by_hand` where a person has to take it away,
    `replaced` where it shows something of the house until then."""

    name: str
    gone_at: datetime | None
    by_hand: bool
    replaced: bool


@dataclass(frozen=True)
class Case:
    """A request on the page of its receipt. `private` and `private_gone` count what went to single readers."""

    known: Standing
    places: tuple[Place, ...]
    private: int
    private_gone: int
    described: bool
    demo: bool = False
    """Of a demonstration, where nobody is waited for."""

    @property
    def waits(self) -> bool:
        """Whether something may still change by itself."""
        gone = all(one.gone_at for one in self.places) and self.private == self.private_gone
        return self.known.outcome is not ComplaintState.REJECTED and not gone

    def until(self, side: str) -> datetime | None:
        """Until when this side may have it looked at again."""
        return appealing.until(self.known, side)


@dataclass(frozen=True)
class Held:
    """A receipt before somebody's eyes: whose page it is on, what is kept of its code (None where nobody has it)."""

    tenant_id: UUID
    receipt: str
    path: str
    pin_hash: str | None
    open: bool
    """It was given before there were codes: its number is enough."""
    site: Profile | None
    voice: Wording


def typed_receipt(typed: str) -> str:
    """The receipt as it was given, however it was typed; "" for what never was one: it never reaches the database."""
    receipt = typed.strip().upper()
    return receipt if _RECEIPT.fullmatch(receipt) else ""


class Receipts:
    """Who may read which receipt, and how it is shown."""

    def __init__(self, tenant: OpenScope, *, base: str) -> None:
        self._tenant, self._base, self._secure = tenant, base, base.startswith("https://")

    def lets_in(self, request: Request, held: Held, now: datetime) -> bool:
        """Whether this browser may read it."""
        shown = request.cookies.get(PASS, "")
        known = held.pin_hash is not None and pins.lets_in(held.tenant_id, held.receipt, held.pin_hash, shown, now)
        return held.open or known

    def given(self, held: Held, pin: str, now: datetime) -> Response:
        """Lead who just asked to their receipt, and let them in; the code comes with them."""
        answer = RedirectResponse(held.path, status_code=303, headers={"cache-control": "no-store"})
        self._let_in(answer, held, now)
        self._cookie(answer, held, TOLD, pin, SHOWN)
        return answer

    def enter(self, request: Request, held: Held, typed: str, now: datetime) -> Response:
        """Somebody typed a code."""
        address = request.client.host if request.client else ""
        try:
            if answers.foreign(request):
                raise Refused("complaint.foreign")
            pins.attempt(self._tenant, f"{held.tenant_id}:{held.receipt}", held.pin_hash, typed, address=address)
        except GreenroomError as refused:
            return self.door(request, held, refused.message)
        answer = RedirectResponse(held.path, status_code=303, headers={"cache-control": "no-store"})
        self._let_in(answer, held, now)
        return answer

    def door(self, request: Request, held: Held, wrong: Message | None = None) -> Response:
        """Where the code is asked for: the same for every number."""
        said = held.voice.say(wrong) if wrong is not None else ""
        body = rendered("receipt_door.html", held.voice, site=held.site, path=held.path, wrong=said)
        return answers.page(request, body, status=200 if wrong is None else 422, headers=HEADERS, fresh=False)

    def show(
        self,
        request: Request,
        held: Held,
        cases: Sequence[Case],
        now: datetime,
        *,
        wrong: Message | None = None,
        typed: str = "",
        seeking: bool = False,
    ) -> Response:
        """How it stands, with the reasons; it is looked at again by itself until all is gone. `seeking`: the workers
        have not looked yet for what is meant."""
        pin = request.cookies.get(TOLD, "")
        body = rendered(
            "receipt.html",
            held.voice,
            base=self._base,
            site=held.site,
            path=held.path,
            receipt=held.receipt,
            pin=pin if pin.isascii() and pin.isdigit() and len(pin) == pins.DIGITS else "",
            cases=cases,
            seeking=seeking,
            now=now,
            asked=ASKED,
            agency=AGENCY,
            longest=LONGEST,
            typed=typed,
            wrong=held.voice.say(wrong) if wrong is not None else "",
        )
        waits: Mapping[str, str] = {"refresh": "2"} if seeking or any(one.waits and one.places for one in cases) else {}
        return answers.page(
            request, body, status=200 if wrong is None else 422, headers={**HEADERS, **waits}, fresh=False
        )

    def _let_in(self, answer: Response, held: Held, now: datetime) -> None:
        if held.pin_hash is not None:
            granted = pins.grant(held.tenant_id, held.receipt, held.pin_hash, now)
            self._cookie(answer, held, PASS, granted, int(pins.OPEN.total_seconds()))

    def _cookie(self, answer: Response, held: Held, name: str, value: str, seconds: int) -> None:
        answer.set_cookie(
            name, value, max_age=seconds, path=held.path, secure=self._secure, httponly=True, samesite="strict"
        )
