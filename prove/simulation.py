"""Clinics lived through in simulated time, with faults, over several seeds: `manage.py simulate`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from config.env import PROJECT_ROOT
from prove.place import Place
from prove.report import Report

#: Each about as long as a minute and a half of one core.
SEEDS = (1, 2, 3, 104)
AT_ONCE = 2
CLINICS, DAYS = 3, 14
#: Only a simulation that hangs takes so long.
_PATIENCE_SECONDS = 1500.0


def prove(place: Place, report: Report) -> None:
    report.part(
        "Simulation",
        f"{CLINICS} clinics over {DAYS} days with faults, seeds {', '.join(map(str, SEEDS))}",
    )
    checked, broken, meanings = Counter[str](), Counter[str](), dict[str, str]()
    for seed, told in _live_through(SEEDS):
        passed = told.get("holds", False)
        report.add(f"seed {seed}", _in_short(told, seed), passed=passed)
        for invariant in told.get("invariants", ()):
            meanings[invariant["name"]] = invariant["meaning"]
            checked[invariant["name"]] += invariant["checked"]
            broken[invariant["name"]] += invariant["violations"]
    for name, meaning in meanings.items():
        if not checked[name]:
            report.say(f"  --   {meaning}: did not come up")
            continue
        found = f"looked at {checked[name]} times, broken {broken[name]}"
        report.add(meaning, found, passed=not broken[name])


def _live_through(seeds: Sequence[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """In their order, a few at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from zip(seeds, pool.map(lambda seed: _told(_start(seed)), seeds), strict=True)


def _start(seed: int) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  (our own command)
        [sys.executable, "-W", "ignore", "manage.py", "simulate", *_wanted(seed)],
        cwd=PROJECT_ROOT,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wanted(seed: int) -> list[str]:
    return [f"--clinics={CLINICS}", f"--days={DAYS}", f"--seed={seed}", "--faults"]


def _told(simulation: subprocess.Popen[str]) -> dict[str, Any]:
    try:
        document, errors = simulation.communicate(timeout=_PATIENCE_SECONDS)
        told: dict[str, Any] = json.loads(document)
    except subprocess.TimeoutExpired:
        simulation.kill()
        simulation.communicate()
        return {"problem": f"not ready after {_PATIENCE_SECONDS:.0f} seconds"}
    except ValueError:
        return {"problem": f"it ended with {simulation.returncode}: {errors[-300:]}"}
    return told


def _in_short(told: dict[str, Any], seed: int) -> str:
    if "problem" in told:
        return str(told["problem"])
    lived = f"{told['steps']} steps, {told['texts_taken']} texts"
    if told["holds"]:
        return lived
    command = " ".join(("manage.py simulate", *_wanted(seed)))
    return f"{lived}; broken, see `{command} --narrate`: {told['violations'][:1]}"
