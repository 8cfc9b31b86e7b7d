"""The one browser of the tests: real, or a loud failure."""

import contextlib
import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tools import chromium


@contextlib.contextmanager
def launched() -> Iterator[Browser]:
    """A headless Chromium; without one these tests fail, unless somebody says to skip them."""
    if os.environ.get("PEYGIR_NO_BROWSER") == "1":
        pytest.skip("PEYGIR_NO_BROWSER=1: NOT TESTED in a browser")
    with contextlib.ExitStack() as stack:
        try:
            browser = stack.enter_context(chromium.launched())
        except chromium.NoBrowserError as problem:
            pytest.fail(f"{problem}; PEYGIR_NO_BROWSER=1 skips these tests", pytrace=False)
        yield browser
