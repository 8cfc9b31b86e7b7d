"""The request's transaction: what is kept, what is taken back, and what never leaves its scope."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections, connection, connections
from django.http import HttpResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import Client
from django.urls import get_resolver, path
from django.utils.translation import gettext, override

from clinic.access import MANAGERS, clinic_view
from clinic.models import Service
from clinic.tenancy import EVERYWHERE, Hat, Scope, current_scope, wear
from tests.factories import ClinicFactory, MembershipFactory, ServiceFactory


def page(view, *roles):
    return path("c/<slug:clinic_slug>/page/", clinic_view(*roles)(view), name="page")


@pytest.fixture
def site(settings):
    """The site with one page more, at /c/<clinic>/page/."""

    def with_page(view, *roles):
        conf = ModuleType("site_with_a_page")
        conf.urlpatterns = [page(view, *roles), *get_resolver("config.urls").url_patterns]
        conf.handler403 = conf.handler404 = conf.handler500 = None
        for handler in ("handler403", "handler404", "handler500"):
            delattr(conf, handler)
        settings.ROOT_URLCONF = conf

    return with_page


def get(person, clinic):
    client = Client(raise_request_exception=False)
    with wear(Hat.OWNER):  # for the web session; the request itself puts on its own
        client.force_login(person)
    return client.get(f"/c/{clinic.slug}/page/")


def write(answer):
    """A view that writes a row and then answers, or raises, as it is told."""

    def view(request):
        Service.objects.create(name="نوشته")
        if isinstance(answer, Exception):
            raise answer
        return answer

    return view


def names():
    return list(Service.objects.values_list("name", flat=True))


# What is kept and what is taken back


@pytest.mark.parametrize("answer", [HttpResponse(), HttpResponse(status=422)], ids=["200", "422"])
def test_what_a_view_wrote_is_kept(site, clinic, manager, answer):
    site(write(answer))
    assert get(manager, clinic).status_code == answer.status_code
    assert names() == ["نوشته"]


@pytest.mark.parametrize(
    "answer",
    [ValueError(), HttpResponse(status=500), HttpResponse(status=503)],
    ids=["raised", "500", "503"],
)
def test_half_of_the_work_of_a_failing_view_is_taken_back(site, clinic, manager, answer):
    site(write(answer))
    assert get(manager, clinic).status_code >= 500
    assert names() == []


def test_the_work_is_taken_back_when_its_page_cannot_be_rendered(site, clinic, manager):
    broken = engines["django"].from_string("{% include 'no/such/template.html' %}")
    site(lambda request: write(TemplateResponse(request, broken))(request))
    assert get(manager, clinic).status_code == 500
    assert names() == []


def test_the_outer_scope_is_back_after_a_request(site, clinic, manager):
    for answer in (HttpResponse(), ValueError(), HttpResponse(status=503)):
        site(write(answer))
        get(manager, clinic)
        assert current_scope() == Scope(Hat.OWNER, EVERYWHERE)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user, current_setting('app.clinic_id')")
            assert cursor.fetchone() == ("app_owner", "")


# Rendering and streaming


def test_a_page_is_rendered_inside_the_scope(site, clinic, other_clinic, manager):
    ServiceFactory(clinic=clinic, name="خانواده")
    ServiceFactory(clinic=other_clinic, name="کودک")
    late = engines["django"].from_string("{% for each in services %}{{ each.name }}{% endfor %}")
    site(lambda request: TemplateResponse(request, late, {"services": Service.objects.all}))
    assert get(manager, clinic).content.decode() == "خانواده"


@pytest.fixture
def one_connection():
    """The end of a request must not close the connection that the test itself is in."""
    request_finished.disconnect(close_old_connections)
    yield
    request_finished.connect(close_old_connections)


def test_a_stream_outside_the_scope_is_refused(site, clinic, manager, one_connection):
    closed = []

    class Body:
        def __iter__(self):
            yield from (name.encode() for name in names())

        def close(self):
            closed.append(True)

    def view(request):
        Service.objects.create(name="نوشته")
        return StreamingHttpResponse(Body())

    site(view)
    response = get(manager, clinic)
    assert response.status_code == 500
    assert not response.streaming
    assert closed == [True]
    assert names() == []


def test_a_stream_that_opens_a_scope_of_its_own_passes(site, clinic, manager):
    def body():
        with wear(Hat.WEB, clinic_id=clinic.pk):
            yield ServiceFactory(clinic=clinic, name="خانواده").name

    def view(request):
        response = StreamingHttpResponse(body())
        response.opens_own_scope = True
        return response

    site(view)
    assert b"".join(get(manager, clinic).streaming_content).decode() == "خانواده"


# Who may not


def in_persian(text):
    with override("fa"):
        translated = gettext(text)
    assert translated != text
    return translated


def test_a_role_that_may_not_gets_a_page_that_says_so(site, clinic, receptionist):
    site(lambda request: HttpResponse("نه"), *MANAGERS)
    response = get(receptionist, clinic)
    assert response.status_code == 403
    body = response.content.decode()
    assert '<html lang="fa" dir="rtl">' in body
    assert in_persian("Your role does not open this page") in body


def test_an_outsider_gets_a_page_that_knows_nothing(site, clinic, outsider):
    site(lambda request: HttpResponse("نه"))
    response = get(outsider, clinic)
    assert response.status_code == 404
    body = response.content.decode()
    assert '<html lang="fa" dir="rtl">' in body
    assert in_persian("This page is not here") in body
    assert clinic.name not in body


def test_a_clinic_that_is_not_there_looks_like_one_that_is_not_theirs(clinic, outsider):
    client = Client()
    client.force_login(outsider)
    theirs = client.get(f"/c/{clinic.slug}/settings/")
    nobodys = client.get("/c/nobodys/settings/")
    assert theirs.status_code == nobodys.status_code == 404
    assert blank(theirs) == blank(nobodys)


def blank(response):
    """The page without what differs from one answer to the next."""
    token = response.context["csrf_token"] if response.context else ""
    return response.content.decode().replace(str(token), "")


def test_a_dead_database_is_a_page_and_not_a_traceback(db):
    ours = connections["default"]
    nowhere = {**ours.settings_dict, "HOST": "127.0.0.1", "PORT": 1}
    connections["default"] = type(ours)(nowhere, "default")
    try:
        response = Client(raise_request_exception=False).get("/")
    finally:
        connections["default"] = ours
    assert response.status_code == 500
    assert '<html lang="fa" dir="rtl">' in response.content.decode()
    assert "Traceback" not in response.content.decode()


# Real transactions, one after another and side by side


@pytest.fixture
def two_clinics(transactional_db):
    """Committed: (clinic, person) twice, each clinic with one service of its own."""
    made = []
    with wear(Hat.OWNER, clinic_id=EVERYWHERE):
        for slug, name in (("aramesh", "خانواده"), ("omid", "کودک")):
            clinic = ClinicFactory(slug=slug)
            ServiceFactory(clinic=clinic, name=name)
            made.append((clinic, MembershipFactory(clinic=clinic).user))
    return made


def test_a_refused_stream_leaves_the_connection_in_order(site, two_clinics):
    (ours, we), (theirs, they) = two_clinics
    site(lambda request: StreamingHttpResponse(name.encode() for name in names()))
    connection.close()  # a new one: Django itself drops one that has reached CONN_MAX_AGE
    with connection.cursor():
        before = connection.connection
    assert get(we, ours).status_code == 500
    assert connection.connection is before
    site(lambda request: HttpResponse(",".join(names())))
    assert get(they, theirs).content.decode() == "کودک"


def test_nothing_of_a_request_reaches_the_next(site, two_clinics):
    """On one connection and in one thread; after each transaction the settings are '', not NULL."""
    site(lambda request: HttpResponse(",".join(names())))
    (ours, we), (theirs, they) = two_clinics
    assert get(we, ours).content.decode() == "خانواده"
    assert current_scope() is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_setting('app.clinic_id', true)")
        assert cursor.fetchone() == ("peygir_login", "")
    assert get(they, theirs).content.decode() == "کودک"
    assert get(we, theirs).status_code == 404
    assert Client().get("/accounts/login/").status_code == 200

    # Threads are used again for other people, and work side by side.
    meeting = threading.Barrier(2, timeout=10)

    def view(request):
        before = names()
        meeting.wait()
        return HttpResponse(",".join(before + names()))

    site(view)

    def ask(each):
        try:
            response = get(each[1], each[0])
            return response.content.decode(), current_scope()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ask, two_clinics * 2))
    assert answers == [("خانواده,خانواده", None), ("کودک,کودک", None)] * 2
