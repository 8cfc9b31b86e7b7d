"""Writes the classes that put things in their place in the calendar: `.at-n`, `.of-n` (see panel/grid.py).

The pages' policy lets no style stand in the markup, and 289 rows are not written by hand:
    python tools/calendar_rows.py > panel/static/panel/calendar-rows.css
"""

import sys

ROWS = 24 * 60 // 5


def stylesheet() -> str:
    starts = (f".at-{n}{{grid-row-start:{n + 1}}}" for n in range(ROWS + 1))
    lengths = (f".of-{n}{{grid-row-end:span {n}}}" for n in range(1, ROWS + 1))
    head = "/* Written by tools/calendar_rows.py: a row is five minutes. */"
    return "\n".join([head, *starts, *lengths, ""])


if __name__ == "__main__":
    sys.stdout.write(stylesheet())
