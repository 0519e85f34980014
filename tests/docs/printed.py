"""What a page shows of a command's output, compared with what was printed."""

import re

#: What differs from run to run, and what stands for it on both sides.
VARYING = (
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b[0-9a-f]{8}\b"), "SHORT"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d( UTC)?"), "MOMENT"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b(\d+h)?(\d+m)?\d+(\.\d+)? ?s\b"), "SECONDS"),
    # Columns are as wide as what stands in them.
    (re.compile(r"[ \t]+"), " "),
)
GAP = "…"


def is_as_shown(shown: str, printed: str) -> bool:
    """Whether `printed` is what is `shown`, where `…` is any text within a line, and alone on a line any lines."""
    return _fits(_lines(shown), _lines(printed))


def _fits(shown: list[str], printed: list[str]) -> bool:
    if not shown:
        return not printed
    first, *rest = shown
    if first == GAP:
        return any(_fits(rest, printed[skipped:]) for skipped in range(len(printed) + 1))
    return bool(printed) and _is_line(first, printed[0]) and _fits(rest, printed[1:])


def _is_line(shown: str, printed: str) -> bool:
    pattern = ".*".join(map(re.escape, shown.split(GAP)))
    return re.fullmatch(pattern, printed) is not None


def _lines(text: str) -> list[str]:
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return [line.strip() for line in text.splitlines() if line.strip()]
