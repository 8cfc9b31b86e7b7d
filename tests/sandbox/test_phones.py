import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
import requests

from sandbox.testing import running_gateway

NOW = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)


@pytest.fixture
def gateway():
    with running_gateway(title="کلینیک <مهر>") as running:
        running.set_clock(NOW)
        yield running


def send(gateway, receptor="09121234567", message="سلام"):
    url = f"{gateway.base_url}/v1/key/sms/send.json"
    data = {"receptor": receptor, "message": message}
    assert requests.post(url, data=data, timeout=5).status_code == 200


def page(gateway, path="/", **query):
    response = requests.get(gateway.base_url + path, params=query, timeout=5)
    assert response.status_code == 200
    return response.content.decode()


def numbers(html):
    return re.findall(r'data-phone="(\d+)"', html)


def words(html):
    """What a reader sees, without the mark-up."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_an_empty_page_says_what_will_come(gateway):
    assert "هنوز پیامکی نرسیده است" in page(gateway)


def test_each_phone_shows_its_texts_newest_last(gateway):
    send(gateway, message="اول")
    gateway.advance(timedelta(days=1))
    send(gateway, message="دوم")
    gateway.advance(timedelta(seconds=1))
    send(gateway, receptor="09350000011", message="به دیگری")
    gateway.advance(timedelta(minutes=1))

    html = page(gateway)

    assert numbers(html) == ["09350000011", "09121234567"]
    assert "۰۹۱۲ ۱۲۳ ۴۵۶۷" in html
    read = words(html)
    assert re.search(r"دیروز اول ۱۰:۰۰ رسید · ۱ پیامک امروز دوم ۱۰:۰۰ رسید", read)
    assert re.search(r"به دیگری ۱۰:۰۰ نرسید", read)


@pytest.mark.parametrize("wanted", ["4567", "۴۵۶۷", "0912 123", "+98912", "۰۹۱۲-۱۲۳", "98 912"])
def test_a_phone_is_found_by_any_part_of_its_number(gateway, wanted):
    send(gateway)
    send(gateway, receptor="09350000000")

    assert numbers(page(gateway, q=wanted)) == ["09121234567"]


def test_a_number_nobody_has_is_said_so(gateway):
    send(gateway)

    html = page(gateway, q="<777>")

    assert "گوشی‌ای با این شماره پیدا نشد" in html
    assert "&lt;777&gt;" in html


def test_many_phones_are_counted_but_not_all_drawn(gateway):
    for n in range(30):
        send(gateway, receptor=f"091200000{n:02}")

    html = page(gateway)

    assert len(numbers(html)) == 24
    assert "۲۴ گوشیِ تازه‌تر از ۳۰" in html


def test_a_text_is_only_text(gateway):
    send(gateway, message="<script>alert(1)</script> & \"x\" <b>'y'</b>")

    html = page(gateway)

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in html
    assert "کلینیک &lt;مهر&gt;" in html


@pytest.mark.parametrize(
    ("message", "link"),
    [
        ("https://peygir.ir/s/abc", "https://peygir.ir/s/abc"),
        ("برای تایید: https://peygir.ir/s/abc. سپاس", "https://peygir.ir/s/abc"),
        ("(http://127.0.0.1:8000/s/a-b_c?x=1&y=2)", "http://127.0.0.1:8000/s/a-b_c?x=1&amp;y=2"),
        ("«https://peygir.ir/س»،", "https://peygir.ir/س"),
        ('https://x.ir/"onmouseover="alert(1)', "https://x.ir/"),
    ],
)
def test_an_address_in_a_text_is_a_link(gateway, message, link):
    send(gateway, message=message)

    found = re.findall(r"<a href='([^']*)' target", page(gateway))

    assert found == [link]


@pytest.mark.parametrize("message", ["javascript:alert(1)", "ftp://x.ir", "peygir.ir"])
def test_anything_else_is_no_link(gateway, message):
    send(gateway, message=message)

    assert "target=" not in page(gateway)


def test_a_reply_is_shown_and_kept_in_the_inbox(gateway):
    send(gateway)
    form = {"phone": "09121234567", "line": "10004346", "text": " می‌آیم ", "q": "4567"}

    response = requests.post(
        f"{gateway.base_url}/reply", data=form, timeout=5, allow_redirects=False
    )

    assert (response.status_code, response.headers["Location"]) == (303, "/?q=4567")
    assert [m.body for m in gateway.inbound] == ["می‌آیم"]
    assert "می‌آیم ۱۰:۰۰ در صندوق ورودی" in words(page(gateway))


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"phone": "5", "line": "10004346", "text": "x"}, 400),
        ({"phone": "09121234567", "line": "me", "text": "x"}, 400),
        ({"text": "x"}, 400),
        ({"phone": "09121234567", "line": "10004346", "text": "  "}, 303),
    ],
)
def test_a_reply_that_is_none_changes_nothing(gateway, form, status):
    response = requests.post(
        f"{gateway.base_url}/reply", data=form, timeout=5, allow_redirects=False
    )

    assert response.status_code == status
    assert gateway.inbound == []


def test_a_reply_from_another_site_is_refused(gateway):
    response = requests.post(
        f"{gateway.base_url}/reply",
        data={"phone": "09121234567", "line": "10004346", "text": "x"},
        headers={"Sec-Fetch-Site": "cross-site"},
        timeout=5,
    )

    assert response.status_code == 403
    assert gateway.inbound == []


def test_the_row_alone_is_the_same_row(gateway):
    send(gateway)

    assert page(gateway, "/phones") in page(gateway)


def test_the_page_needs_nothing_but_its_own_files(gateway):
    send(gateway)
    response = requests.get(gateway.base_url, timeout=5)
    html = response.content.decode()

    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    addresses = re.findall(r'(?:src|href)="([^"#]+)"', html)
    assert addresses
    for address in addresses:
        assert requests.get(gateway.base_url + address, timeout=5).status_code == 200
    assert "<style" not in html
    assert " style=" not in html
    assert re.findall(r"<script(?![^>]*src=)", html) == []


@pytest.mark.parametrize("path", ["/static/../phones.py", "/static/x", "/favicon.ico", "/reply"])
def test_there_is_nothing_else(gateway, path):
    assert requests.get(gateway.base_url + path, timeout=5).status_code == 404


def test_every_field_has_a_name(gateway):
    send(gateway)

    class Fields(HTMLParser):
        nameless = 0

        def handle_starttag(self, tag, attrs):
            given = dict(attrs)
            labelled = "aria-label" in given or given.get("id") == "q"
            hidden = given.get("type") == "hidden"
            self.nameless += tag in ("input", "button") and not labelled and not hidden

    fields = Fields()
    fields.feed(page(gateway))
    assert fields.nameless == 0
