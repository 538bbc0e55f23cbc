"""Names of uploaded files, as members see them."""

from pathlib import PurePath

MAX_FILE_NAME = 120


def display_file_name(name: str) -> str:
    """Return the base name of a file without unprintable characters, of at most `MAX_FILE_NAME`
    characters; "photo" if nothing is left. The end is kept, because it has the file type."""
    base = PurePath(name.replace("\\", "/")).name
    return "".join(letter for letter in base if letter.isprintable())[-MAX_FILE_NAME:] or "photo"
