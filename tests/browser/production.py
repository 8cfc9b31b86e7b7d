"""The settings of production, with the collected files in the house's own folder."""

import os
from pathlib import Path

from config.settings import *  # noqa: F403

STATIC_ROOT = Path(os.environ["PEYGIR_VAR"]) / "static"
