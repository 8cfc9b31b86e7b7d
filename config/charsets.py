"""Requests are read as UTF-8, whatever they say they are."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

_CHARSET: Final = re.compile(r";\s*charset\s*=\s*(\"[^\"]*\"|[^;]*)", re.IGNORECASE)

App = Callable[[dict[str, Any], Any], Iterable[bytes]]


def as_utf8(app: App) -> App:
    """Serve `app` without the charset that a request's Content-Type names.

    Django reads the address by it while it builds the request, where no view can catch what
    follows: "charset=hex" names a codec that makes no text, and would be a 500 for any address.
    """

    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if kind := environ.get("CONTENT_TYPE"):
            environ["CONTENT_TYPE"] = _CHARSET.sub("", kind)
        return app(environ, start_response)

    return serve
