"""Run what has just failed once more, alone and one after the other.

On a busy machine a test of races or of a browser can fail for want of time. Whatever passes here is
named as unsteady: a defect of the test, or of the code, that somebody has to look at. More than a few
failures are never that, and nothing is run again.
"""

import json
import subprocess
import sys
from pathlib import Path

MOST = 5
FAILED = Path(".pytest_cache/v/cache/lastfailed")


def main() -> int:
    """0 when everything passes alone."""
    failed = sorted(json.loads(FAILED.read_text())) if FAILED.exists() else []
    if not 0 < len(failed) <= MOST:
        return 1
    sys.stdout.write(f"\n{len(failed)} failed; once more, alone:\n")
    sys.stdout.flush()
    command = [sys.executable, "-m", "pytest", "--last-failed", "--last-failed-no-failures=none"]
    result = subprocess.run(command, check=False).returncode  # noqa: S603 - our own interpreter
    if result == 0:
        names = "\n".join(f"  {name}" for name in failed)
        sys.stdout.write(f"\nUNSTEADY, failed beside the others and passed alone:\n{names}\n")
    return result


if __name__ == "__main__":
    sys.exit(main())
