"""Reading the answers of the screens."""

import re
from html import unescape

CLINIC = "/c/aramesh/"


def text_of(response):
    """What a person reads, without marks and with single spaces."""
    html = unescape(response.content.decode())
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html)).strip()


def html_of(response):
    return unescape(response.content.decode())


def notices_of(response):
    """What the messages over the page say."""
    line = re.search(r'<div id="messages".*', html_of(response))[0]
    words = re.findall(r'<div class="notice [^>]*>.*?<div>(.*?)</div>', line)
    return [re.sub(r"<[^>]*>", "", word).strip() for word in words]


def errors_of(response):
    """What stands beside the fields, by field."""
    found = re.findall(r'id="id_(\w+)_error">(.*?)</div></div>', html_of(response), re.DOTALL)
    return {name: re.sub(r"<[^>]*>", "", words).strip() for name, words in found}


def undo_of(response):
    """The address behind the undo button of the message."""
    found = re.search(r'<form action="([^"]*/undo/[^"]*)" method="post">', html_of(response))
    return found[1] if found else None


def buttons_of(response, session):
    """The outcomes offered on a session's line of the day."""
    line = line_of(response, session)
    return re.findall(r'name="outcome" value="(\w+)"', line)


def line_of(response, session):
    pattern = rf'<li class="line[^"]*" id="session-{session.pk}".*?</li>'
    found = re.search(pattern, html_of(response), re.DOTALL)
    return found[0] if found else ""
