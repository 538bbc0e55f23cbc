"""The matrix of places as it is written: rows, defaults, countries; read and checked at load."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictBool, model_validator

from gate.contract.reasons import Reason
from gate.contract.units import Rating, Verdict

PlaceKind = Literal["post", "text", "chat", "profile"]
PersonKind = Literal["real", "synthetic"]
VIEWER_MODES = ("none", "platform", "both", "door", "product")
"""`door`: we let readers in one by one, and decide again for each
(`issuance.preview_for_viewer`)."""


class PlaceProbe(BaseModel):
    """Something that must be seen at the platform before anything above a rating goes to a
    place."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    see: str
    otherwise: Reason = Reason.PLATFORM_FORBIDS
    """What is wrong where somebody looked, and it was not so."""
    above: Rating = Rating.G
    assures: bool = False
    """It proves that everybody who reads there is of age."""
    when: Literal["always", "generated"] = "always"
    """It is asked of what a machine made alone."""

    def __str__(self) -> str:
        more = [str(self.otherwise)] if self.otherwise is not Reason.PLATFORM_FORBIDS else []
        more += [f"above {self.above}"] if self.above is not Rating.G else []
        more += [f"when {self.when}"] if self.when != "always" else []
        return "; ".join([self.see, *more, *(["assures"] if self.assures else [])])


def _normalize_probe(written: object) -> object:
    return {"see": written} if isinstance(written, str) else written


class AiDisclosureRule(BaseModel):
    """How a place is told that a machine made something."""

    model_config = ConfigDict(extra="allow")
    flag: str
    text: str = "required"


class _Verified(BaseModel):
    model_config = ConfigDict(extra="forbid")
    verdicts: str
    flags: str
    ai: str


Verdicts = dict[Rating, Verdict]


class MatrixRow(BaseModel):
    """A row as it is written; one that borrows (`same_as`) states the rest nowhere."""

    model_config = ConfigDict(extra="allow")
    id: str
    platform: str
    surface: str
    place: PlaceKind = "post"
    people: PersonKind | None = None
    same_as: list[str] = []
    verdicts: Verdicts = {}
    flags: dict[Rating, list[str]] | None = None
    ai: AiDisclosureRule | None = None
    viewer: str = ""
    adult_link: Verdict | None = None
    probe: list[Annotated[PlaceProbe, BeforeValidator(_normalize_probe)]] | None = None
    ages: bool = True
    review_by: date | None = None
    verified: _Verified | None = None
    test_network: bool = False
    source_url: list[str] = []
    checked_on: date | None = None
    rule: str = ""
    """The row that a borrowed one is written in."""

    @property
    def creator_verified(self) -> bool:
        """Whether the platform itself verifies who holds an account, and moderates; absent is
        no."""
        return self._extra_fields.get("creator_verified") is True

    @property
    def _extra_fields(self) -> Mapping[str, Any]:
        return self.model_extra or {}

    def digest(self) -> str:
        """Of the rule as it is written."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class _Jurisdiction(BaseModel):
    model_config = ConfigDict(extra="allow")
    id: str
    level: Literal["L1", "L2", "L3", "L4"]
    credit_card_check: StrictBool = False
    """Whether a check of a credit card at its issuer counts there as if it had that level."""
    review_by: date | None = None


class _Production(BaseModel):
    """Where an agency produces. `own_likeness` lets somebody publish their own picture without a
    second look: it takes the name of the counsel who opened it, where that is written, and the last
    day it holds."""

    model_config = ConfigDict(extra="allow")
    id: str
    own_likeness: StrictBool
    before_production: bool = True
    counsel: str = ""
    source_url: str = ""
    review_by: date | None = None

    @model_validator(mode="after")
    def _check_counsel(self) -> "_Production":
        if self.own_likeness and not (
            self.counsel.strip() and self.source_url.strip() and self.review_by
        ):
            raise ValueError(f"{self.id}: own_likeness requires counsel, source_url and review_by")
        return self


class MatrixDefaults(BaseModel):
    """What holds where no row does."""

    model_config = ConfigDict(extra="allow")
    unknown_platform: Verdicts
    unknown_surface: Verdicts
    unverified_cap: Verdicts
    link_unregistered: Verdict


class Matrix(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")
    schema_version: int
    bundle_version: str
    checked_on: date
    review_by: date
    defaults: MatrixDefaults
    rows: list[MatrixRow]
    jurisdictions: list[_Jurisdiction]
    production: list[_Production]
    duties: list[dict[str, Any]]


_RULE = (
    "verdicts",
    "flags",
    "ai",
    "viewer",
    "adult_link",
    "review_by",
    "verified",
    "place",
    "people",
)
_LENT = (*_RULE, "source_url", "checked_on")


def merge_rows(own: MatrixRow, lender: MatrixRow) -> MatrixRow:
    """A row that borrows: the lender's fields, but for those it states itself."""
    lent = {name: getattr(lender, name) for name in _LENT if name not in own.model_fields_set}
    if "creator_verified" not in (own.model_extra or {}):
        lent["creator_verified"] = lender.creator_verified
    return own.model_copy(update={**lent, "rule": lender.id})


def check_rows(listed: Iterable[MatrixRow], rows: Mapping[str, MatrixRow]) -> None:
    """Raise ValueError for a row that is not whole, points nowhere, or allows more of what is rated
    higher."""
    whole = {Rating.G, Rating.S, Rating.N, Rating.E}
    for row in listed:
        if row.same_as:
            missing = [name for name in row.same_as if name not in rows or rows[name].same_as]
            if missing:
                raise ValueError(
                    f"{row.id} refers to {missing}, which are missing or refer to other rows"
                )
        elif row.verdicts.keys() != whole or row.viewer not in VIEWER_MODES:
            raise ValueError(f"{row.id} has no complete verdicts or no valid viewer mode")
        elif any(
            row.verdicts[low].rank > row.verdicts[high].rank
            for low, high in pairwise(Rating)
            if high in whole
        ):
            raise ValueError(f"{row.id} allows higher ratings more than lower ones")
        if row.creator_verified and not row.same_as and not _verified_by_others(row):
            raise ValueError(
                f"{row.id} has creator_verified without a source, or on a destination of the "
                "installation"
            )
        if row.ages and not row.same_as and row.review_by is None:
            raise ValueError(f"{row.id} can expire but has no review_by date")


VERIFIED_ELSEWHERE = ("platform", "both")
"""Who looks after the viewers of a place that is not ours."""


def _verified_by_others(row: MatrixRow) -> bool:
    source = (row.model_extra or {}).get("creator_verified_source")
    return (
        row.viewer in VERIFIED_ELSEWHERE
        and isinstance(source, Mapping)
        and bool(source.get("source_url"))
    )
