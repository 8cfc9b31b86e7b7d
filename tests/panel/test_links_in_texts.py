"""The address in a client's text is the client's key: staff read that it was there, and no more.

With it reception would read an answer that is not for them, and a therapist could write their own.
"""

import re

import pytest

from panel.templatetags.panel import keyless
from sessions_app.links import Purpose, without_keys
from tests import factories
from tests.sessions_app.client_links import attended, published

NOW = factories.NOW
TOKEN = re.compile(r"/[sfpbu]/[a-z2-7]{16}")


@pytest.fixture
def message(clinic, people):
    session = attended(clinic, people["my_client"], days_ago=1, therapist=people["mine"])
    path = published(Purpose.FEEDBACK, session, people["my_client"])
    return factories.MessageFactory(
        clinic=clinic,
        client=people["my_client"],
        session=session,
        state="sent",
        sent_at=NOW,
        text=f"از دیدارتان خوشحال شدیم. نظر شما: https://peygir.example{path}",
    )


def pages_with(message):
    here = f"/c/{message.clinic.slug}"
    return [
        f"{here}/messages/",
        f"{here}/messages/{message.pk}/",
        f"{here}/clients/{message.client_id}/",
        f"{here}/sessions/{message.session_id}/",
    ]


@pytest.mark.parametrize("who", ["as_reception", "as_therapist"])
def test_no_page_of_staff_shows_a_clients_address(request, message, who):
    browser = request.getfixturevalue(who)
    for address in pages_with(message):
        body = browser.get(address).content.decode()
        assert not TOKEN.search(body), address
    shown = browser.get(pages_with(message)[1]).content.decode()
    assert "https://peygir.example/f/…" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("بیا https://a.ir/s/abcdefgh234567ab", "بیا https://a.ir/s/…"),
        ("https://a.ir/f/abcdefgh234567ab، https://a.ir/p/zzzzzzzzzzzzzzzz.", "https://a.ir/f/…، https://a.ir/p/…."),
        ("https://a.ir/about/s/x و ۱/۲", "https://a.ir/about/s/x و ۱/۲"),
        ("", ""),
    ],
)  # fmt: skip
def test_only_keys_are_left_out(text, shown):
    assert without_keys(text) == shown


def test_what_is_left_of_an_address_is_read_from_left_to_right():
    text = keyless("لغو: https://peygir.ir/s/abcdefgh23456723 کلینیک")
    assert text == "لغو: https://peygir.ir/s/…\u200e کلینیک"
