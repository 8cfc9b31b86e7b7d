"""The phones page in a real browser."""

from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect

from sandbox.testing import running_gateway
from tests import chrome
from tests.sandbox.helpers import product

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def browser():
    with chrome.launched() as launched:
        yield launched


@pytest.fixture
def gateway():
    with running_gateway(title="کلینیک مهر") as running:
        yield running


@pytest.fixture
def page(browser, gateway):
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    complaints = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(gateway.base_url)
    yield tab
    tab.close()
    assert complaints == []


def send(gateway, receptor="09121234567", message="سلام"):
    url = f"{gateway.base_url}/v1/key/sms/send.json"
    requests.post(url, data={"receptor": receptor, "message": message}, timeout=5)


def test_a_text_appears_without_reloading(gateway, page):
    expect(page.get_by_text("هنوز پیامکی نرسیده است")).to_be_visible()
    send(gateway, message="اول")
    expect(page.get_by_text("اول", exact=True)).to_be_visible()
    send(gateway, message="دوم")
    expect(page.get_by_text("دوم", exact=True)).to_be_visible()
    expect(page.get_by_text("رسید · ۱ پیامک")).to_have_count(2, timeout=15_000)


def test_a_reply_being_written_is_left_alone_and_travels(gateway, page):
    send(gateway)
    with product() as there:
        gateway.world.callbacks.options.inbound_url = there.url
        field = page.get_by_label("پاسخ از ۰۹۱۲ ۱۲۳ ۴۵۶۷")
        field.fill("می‌آیم")
        send(gateway, receptor="09350000000", message="تازه")
        expect(page.get_by_text("تازه")).to_be_visible()
        expect(field).to_be_focused()
        expect(field).to_have_value("می‌آیم")

        field.press("Enter")
        expect(page.get_by_text("تحویل پیگیر شد")).to_be_visible()
        expect(field).to_have_value("")
        assert [fields["message"] for fields in there.received] == ["می‌آیم"]


@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_fits_and_is_accessible(gateway, page, width):
    page.set_viewport_size({"width": width, "height": 900})
    send(gateway, message="نشانی: https://peygir.ir/" + "a" * 200)
    send(gateway, receptor="09350000011")
    gateway.reply("09121234567", "10004346", "بله")
    page.reload()
    page.get_by_text("سرنوشت پیامک").click()

    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run().then(result => result.violations.map(v => v.id))")
    assert found == []
