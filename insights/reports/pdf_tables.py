"""Text lines and table rows of PDF documents. They use core fonts only, so that a document does not
depend on fonts of the machine."""

from datetime import datetime

from fpdf import FPDF
from fpdf.enums import XPos, YPos

ENCODING = "cp1252"
WIDE = 190.0
"""Width of a text line in millimetres."""
NARROW = 6.0
"""Base height of a line in millimetres."""

_SIGNS = str.maketrans({"\u202f": "\u00a0", "\u2212": "-", "\u2011": "-"})
"""Characters that the core PDF fonts lack, with their replacements."""


def create_document(title: str, dated: datetime) -> FPDF:
    """Return an A4 document with its first page. The same content and `dated` always produce the
    same bytes."""
    paper = FPDF(format="A4")
    paper.core_fonts_encoding = ENCODING
    paper.set_title(title)
    paper.set_creation_date(dated)
    paper.set_auto_page_break(auto=True, margin=18)
    paper.add_page()
    return paper


def write_text_line(paper: FPDF, text: str, *, size: int, bold: bool = False) -> None:
    """Write a line. Characters outside Windows-1252 are printed as question marks."""
    paper.set_font("Helvetica", "B" if bold else "", size)
    paper.cell(
        WIDE, NARROW + size / 4, replace_unprintable(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT
    )


def write_table_row(
    paper: FPDF, widths: tuple[float, ...], cells: tuple[str, ...], *, size: int, bold: bool = False
) -> None:
    """Write the cells of a row, the last one aligned to the right. `widths` are in millimetres."""
    paper.set_font("Helvetica", "B" if bold else "", size)
    for place, (width, cell) in enumerate(zip(widths, cells, strict=True)):
        last = place == len(cells) - 1
        paper.cell(width, NARROW - 1, replace_unprintable(cell)[:60], align="R" if last else "L")
    paper.ln(NARROW - 1)


def replace_unprintable(text: str) -> str:
    """Return the text with the characters that the core fonts lack replaced."""
    return text.translate(_SIGNS).encode(ENCODING, "replace").decode(ENCODING)
