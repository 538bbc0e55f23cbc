"""The distance between a generated text and the text that a member sent instead. Pure."""

MEASURED_PERCENT = 15
"""Edits up to this percentage are measured; a larger one counts as 100 %. The limit bounds the work
for two long, different texts."""


def edit_percent(before: str, after: str) -> int:
    """Return the percentage of characters that differ, rounded up, of the longer text.

    It is the Levenshtein distance: insertions, deletions and substitutions count one each.
    """
    longest = max(len(before), len(after))
    if before == after:
        return 0
    most = longest * MEASURED_PERCENT // 100
    distance = _bounded_distance(*_trim_common_ends(before, after), most)
    return 100 if distance > most else -(-distance * 100 // longest)


def _trim_common_ends(before: str, after: str) -> tuple[str, str]:
    shortest = min(len(before), len(after))
    start = 0
    while start < shortest and before[start] == after[start]:
        start += 1
    end = 0
    while end < shortest - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return before[start : len(before) - end], after[start : len(after) - end]


def _bounded_distance(before: str, after: str, most: int) -> int:
    """Return the distance, or a number above `most` if it is larger. Only the cells that a distance
    of at most `most` can reach are computed."""
    beyond = most + 1
    if abs(len(before) - len(after)) > most:
        return beyond
    above = [min(column, beyond) for column in range(len(after) + 1)]
    for row, sign in enumerate(before, start=1):
        line = [beyond] * (len(after) + 1)
        if row <= most:
            line[0] = row
        for column in range(max(1, row - most), min(len(after), row + most) + 1):
            line[column] = min(
                above[column] + 1,
                line[column - 1] + 1,
                above[column - 1] + (sign != after[column - 1]),
                beyond,
            )
        above = line
    return above[-1]
