import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from config.staticfiles_finder import VENDOR_FILES


def test_the_sign_in_page_asks_for_no_script_of_the_panel(client, db):
    assert "htmx" not in client.get("/accounts/login/").content.decode()


def test_every_page_asks_for_its_font_once_under_one_name(client, db):
    """The style sheet and the preload must mean the same file, or it travels twice."""
    css = Path(finders.find("css/tokens.css")).read_text()
    assert 'url("../vendor/vazirmatn.woff2")' in css
    assert (
        'href="/static/vendor/vazirmatn.woff2"' in client.get("/accounts/login/").content.decode()
    )


@pytest.mark.parametrize("name", sorted(VENDOR_FILES))
def test_every_vendor_file_is_there(name):
    assert Path(finders.find(name)).stat().st_size > 0


def test_nothing_else_of_the_packages_is_served():
    assert not finders.find("vendor/../package.json")
    assert not finders.find("@tabler/core/dist/js/tabler.min.js")


def test_no_style_sheet_or_script_of_ours_asks_for_anything_from_elsewhere():
    ours = [p for p in Path("static").rglob("*") if p.suffix in {".css", ".js"}]
    assert ours
    for path in ours:
        assert not re.search(r"https?://|//[a-z]+\.", path.read_text().replace("// ", ""))
