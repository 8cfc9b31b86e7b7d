"""`python -m prove [PART …]`: what the engine promises, proven by real processes.

Prints a line for each proof and one at the end; writes `var/prove.json`, and the processes' logs
beside it when something failed. Exit code 1 then.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import traceback
from collections.abc import Callable

from config.env import PROJECT_ROOT
from prove.place import Place, place
from prove.report import Report

PARTS = ("matrix", "bites", "live", "simulation")
_VAR = PROJECT_ROOT / "var"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m prove", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    wanted = parser.parse_args().parts or PARTS
    if strange := set(wanted) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(strange))}")
    report = Report()
    with place() as here:
        _prove(wanted, here, report)
        if report.failed:
            logs = here.servers.folder / "log"
            shutil.copytree(logs, _VAR / "prove-log", dirs_exist_ok=True)
    return report.close(_VAR / "prove.json")


def _prove(wanted: tuple[str, ...], here: Place, report: Report) -> None:
    # Django is set up by now, and models can be imported.
    from prove import bites, live, matrix, simulation, stage

    stage.make_scenes(here)
    parts: dict[str, Callable[[Place, Report], None]] = {
        "matrix": matrix.prove,
        "bites": bites.prove,
        "live": live.prove,
        "simulation": simulation.prove,
    }
    for name in wanted:
        try:
            parts[name](here, report)
        except Exception as error:  # noqa: BLE001  (the other parts are to be seen as well)
            traceback.print_exc(file=sys.stderr)
            report.add("the part comes to its end", type(error).__name__, passed=False)


if __name__ == "__main__":
    raise SystemExit(main())
