"""What a request says of its letters cannot break the reading of its address."""

import io

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory

from config.charsets import as_utf8

BODY = "text=%D8%B3%D9%84%D8%A7%D9%85"


def served(content_type):
    """What an application behind it reads."""
    seen = []

    def app(environ, start_response):
        request = WSGIRequest(environ)
        seen.append((request.GET.get("q"), request.POST.get("text"), request.content_type))
        return []

    environ = RequestFactory().post("/?q=%D8%B3").environ
    length = str(len(BODY))
    environ |= {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": length}
    environ["wsgi.input"] = io.BytesIO(BODY.encode())
    as_utf8(app)(environ, None)
    return seen[0]


@pytest.mark.parametrize(
    "charset",
    [
        "utf-8",
        "UTF-8",
        '"utf-8"',
        "hex",
        "undefined",
        "idna",
        "rot13",
        "windows-1256",
        "",
        "؟",
        "a b",
    ],
)
@pytest.mark.parametrize("ending", ["", "; x=y"])
def test_every_charset_is_read_as_utf8(charset, ending):
    kind = f"application/x-www-form-urlencoded; charset={charset}{ending}"

    assert served(kind) == ("س", "سلام", "application/x-www-form-urlencoded")


def test_what_else_a_content_type_says_is_kept():
    environ = {"CONTENT_TYPE": "multipart/form-data; Charset=hex; boundary=x"}
    as_utf8(lambda environ, start: [])(environ, None)

    assert environ["CONTENT_TYPE"] == "multipart/form-data; boundary=x"


def test_the_web_process_reads_so(db):
    from config import wsgi

    assert wsgi.application.__qualname__ == "as_utf8.<locals>.serve"
