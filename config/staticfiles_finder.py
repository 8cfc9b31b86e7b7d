"""Serves the few files the panel needs out of the pinned npm packages, under `vendor/`.

Listing them by name keeps what a deployment publishes small and reviewable: no demos, no
unminified twins, no font weights nobody asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core import checks
from django.core.files.storage import FileSystemStorage, Storage

from config.env import PROJECT_ROOT

#: Public name → place inside node_modules.
VENDOR_FILES = {
    "vendor/tabler.rtl.min.css": "@tabler/core/dist/css/tabler.rtl.min.css",
    # The style sheet names its map, and hashing static files insists on finding it.
    "vendor/tabler.rtl.min.css.map": "@tabler/core/dist/css/tabler.rtl.min.css.map",
    "vendor/tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "vendor/tabler.min.css.map": "@tabler/core/dist/css/tabler.min.css.map",
    # The variable font without its Latin half: 48 KB instead of 111.
    "vendor/vazirmatn.woff2": "vazirmatn/misc/Non-Latin/fonts/webfonts/Vazirmatn-NL[wght].woff2",
    "vendor/jalalidatepicker.min.css": "@majidh1/jalalidatepicker/dist/jalalidatepicker.min.css",
    "vendor/jalalidatepicker.min.js": "@majidh1/jalalidatepicker/dist/jalalidatepicker.min.js",
    "vendor/htmx.min.js": "htmx.org/dist/htmx.min.js",
}


class VendorStorage(FileSystemStorage):
    """node_modules seen through `VENDOR_FILES`; nothing else in it has a name here."""

    def __init__(self) -> None:
        super().__init__(location=PROJECT_ROOT / "node_modules")

    def path(self, name: str) -> str:
        return super().path(VENDOR_FILES[name])


class NpmFinder(BaseFinder):
    """Finds the files of `VENDOR_FILES`. `npm ci` must have run."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.storage = VendorStorage()

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        if settings.PRODUCTION:
            return []  # collected once, when the image was made; the packages are gone since
        missing = [name for name in VENDOR_FILES if not self.storage.exists(name)]
        if not missing:
            return []
        hint = "Run `npm ci` (or `make setup`)."
        return [checks.Warning(f"front-end files are missing: {', '.join(missing)}", hint=hint)]

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        if path not in VENDOR_FILES or not self.storage.exists(path):
            return []  # as Django's own finders say it
        return [self.storage.path(path)] if find_all else self.storage.path(path)

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, Storage]]:
        for name in VENDOR_FILES:
            if self.storage.exists(name):
                yield name, self.storage
