import re
from html import unescape

import pytest
from django.core.cache import cache
from django.template.loader import get_template
from django.test import Client as Browser


@pytest.fixture(autouse=True)
def _attempts_are_forgotten():
    cache.clear()
    yield
    cache.clear()


def text_of(response):
    return unescape(response.content.decode())


def test_an_address_that_is_not_there_is_answered_in_persian(client, db):
    response = client.get("/nowhere/")
    assert (response.status_code, "چنین صفحه‌ای نیست" in text_of(response)) == (404, True)


def test_a_form_that_waited_too_long_is_answered_in_persian(receptionist):
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(receptionist)
    response = browser.post("/accounts/logout/")
    assert (response.status_code, "صفحه بیش از حد باز مانده بود" in text_of(response)) == (
        403,
        True,
    )
    assert browser.get("/clinics/").status_code == 200


def test_too_many_attempts_are_answered_in_persian(client, db):
    for _ in range(21):
        response = client.post("/accounts/password/reset/", {"email": "a@example.ir"})
        if response.status_code == 429:
            break
    assert (response.status_code, "تلاش بیش از حد" in text_of(response)) == (429, True)


@pytest.mark.parametrize("name", ["404.html", "403.html", "403_csrf.html", "429.html", "500.html"])
def test_error_pages_need_nothing_from_the_request(name):
    """The page for a failure is rendered without a request; the others must not need one either."""
    page = get_template(name).render({})
    assert 'dir="rtl"' in page
    assert not re.search(r"<script(?![^>]* src=)|\sstyle=", page)
