"""How many examples a property is tried on, where each of them asks the database or a page."""

import os

THOROUGH = os.environ.get("PEYGIR_THOROUGH") == "1"


def examples(thorough):
    """So many with `PEYGIR_THOROUGH=1`, and else a third of them.

    One such example takes as long as an ordinary test. Chance draws others in every run, so that
    many runs see what one does not; what has failed once is kept and tried first.
    """
    return thorough if THOROUGH else thorough // 3
