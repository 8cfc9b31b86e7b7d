"""The icons of the interface: Tabler's outline paths (MIT licence), by Tabler's own names."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from django.utils.html import format_html
from django.utils.safestring import SafeString

_PATHS: dict[str, str] = json.loads(Path(__file__).with_name("icons.json").read_text())

# What points along the line of reading: drawn for Persian, mirrored by CSS for English.
_TURNING = frozenset({"chevron-left", "chevron-right", "arrow-left", "arrow-right", "logout"})


@cache  # a page has hundreds of them, of few kinds
def svg(name: str, css: str = "") -> SafeString:
    """An icon as inline SVG, hidden from screen readers: the word beside it carries the meaning.

    Raises KeyError for a name that `icons.json` does not have.
    """
    turning = " icon-turns" if name in _TURNING else ""
    return format_html(
        '<svg class="icon{}{}" viewBox="0 0 24 24" fill="none" stroke="currentColor"'
        ' stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">'
        '<path d="{}"/></svg>',
        turning,
        f" {css}" if css else "",
        _PATHS[name],
    )
