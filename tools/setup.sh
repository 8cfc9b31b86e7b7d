#!/bin/sh
# Finds a Python 3.11 or newer, makes .venv with the newest, and lets tools/setup.py do the rest.
# PYTHON=/path/to/python chooses one. Arguments: the parts to set up (see tools/setup.py).
set -eu
cd "$(dirname "$0")/.."

# A shim may exist for a version that does not, and Debian's python3 may come without venv.
suits() {
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3 python}; do
        if suits "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "peygir: no Python 3.11 or newer with its venv module was found." >&2
    echo "Install one (on Debian or Ubuntu: apt-get install python3 python3-venv)," >&2
    echo "or name it: make setup PYTHON=/path/to/python3" >&2
    exit 1
}

# A Python that was upgraded or moved away leaves an environment that cannot start.
if ! .venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
then
    python=$(find_python)
    echo "Making .venv with $("$python" --version) …" >&2
    "$python" -m venv --clear .venv
fi
exec .venv/bin/python tools/setup.py "$@"
