"""Every address, called by a person of one clinic with the ids of another: see docs/tenancy.md."""

import itertools
import logging
from functools import partial
from types import ModuleType

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseNotFound
from django.urls import clear_url_caches, get_resolver, path

from clinic.access import clinic_view
from clinic.models import Therapist
from clinic.tenancy import each_tenant_model
from patients.models import Client
from tests.clinic.forms_of import Form, forms_of
from tests.clinic.halves import APPLICATION, BOTH, DATABASE, HALVES, only
from tests.clinic.walk import METHODS, TABLE, addresses, afresh, panel, signed_in, text_of, unlisted
from tests.clinic.world import check_keys, fingerprint, publish_pages
from tests.factories import UserFactory

pytestmark = pytest.mark.slow

each_half = pytest.mark.parametrize("half", HALVES)
HIDDEN = {403, 404, 405}
REFUSED_FORM = {400}  # an empty one, before its row was looked for


@pytest.fixture(autouse=True)
def quiet():
    """Thousands of refused requests are not news."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_every_address_is_listed():
    assert unlisted(TABLE) == []


def listed(*kinds):
    return [(a, TABLE[a.name]) for a in addresses() if TABLE[a.name].kind in kinds]


class Visit:
    """One person's calls of one address; nothing of them stays, and the faults are collected."""

    def __init__(self, world, browser, faults):
        self.world, self.browser, self.faults = world, browser, faults
        self.cookies = browser.cookies

    def __enter__(self):
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.before = self.world.theirs_untouched
        self.paths = []
        return self

    def __exit__(self, *problem):
        changed = {
            table
            for table, rows in fingerprint(self.world.theirs).items()
            if rows != self.before[table]
        }
        if changed:
            self.faults.append(f"{self.paths} changed {sorted(changed)}")
        transaction.set_rollback(True)
        self.atomic.__exit__(*problem)
        self.browser.cookies = self.cookies

    def call(self, method, path, data=None, **headers):
        """Call it, and note what no answer may ever do."""
        self.paths.append(f"{method} {path}")
        form = {"data": data} if method in ("GET", "POST") else {}
        response = getattr(afresh(self.browser, self.cookies), method.lower())(
            path, **form, headers=headers
        )
        if found := self.world.theirs.shows_in(text_of(response)):
            self.note(response, f"shows {found}")
        if response.status_code >= 500:
            self.note(response, "failed")
        return response

    def check_keys(self, response):
        try:
            with transaction.atomic():
                check_keys()
        except IntegrityError as error:
            self.note(response, f"points at another clinic: {error}")

    def expect(self, statuses, method, path, data=None):
        response = self.call(method, path, data)
        if response.status_code not in statuses:
            self.note(response, f"should be one of {sorted(statuses)}")

    def note(self, response, what):
        self.faults.append(f"{self.paths[-1]} → {response.status_code}: {what}")


def names_of_rows(half):
    """What forms and addresses may call a row: client, clients, client_id …"""
    for model in each_tenant_model():
        name = model._meta.model_name
        for field in (name, f"{name}s", f"{name}_id"):
            yield field, half.pk(model)


# Another clinic's slug, or another clinic's ids


def foreign_paths(address, way, world):
    """With their name before their rows, and, where there are ids, with each of the two alone."""
    if any(isinstance(value, type) for value in way.values.values()):
        yield address.path(world.theirs, way, slug=world.ours.slug)
        yield address.path(world.ours, way, slug=world.theirs.slug)
    yield address.path(world.theirs, way)


def walk_foreign_addresses(world, pairs, methods=METHODS):
    browser, faults = signed_in(world.ours.person), []
    for address, way in pairs:
        with Visit(world, browser, faults) as visit:
            for path, method in itertools.product(foreign_paths(address, way, world), methods):
                refused = HIDDEN | (REFUSED_FORM if method == "POST" else set())
                visit.expect(refused, method, path)
    return faults


@each_half
def test_another_clinics_addresses_are_not_found(world, half):
    methods = METHODS if half == BOTH else ("GET", "POST")
    with only(half):
        assert walk_foreign_addresses(world, listed("panel"), methods) == []


# One's own pages


def walk_own_pages(world, pairs):
    """Read every page of one's own, then send its forms with the other clinic's ids in them."""
    browser, faults, sent = signed_in(world.ours.person), [], set()
    ours, theirs = dict(names_of_rows(world.ours)), dict(names_of_rows(world.theirs))
    for address, way in pairs:
        here = address.path(world.ours, way)
        with Visit(world, browser, faults) as visit:
            page = visit.call("GET", here, ours)
            visit.call("GET", here, theirs | {"q": world.theirs.canary[:-1]}, HX_Request="true")
        forms = forms_of(page.content.decode(errors="replace")) or [Form("post", here)]
        for form in forms:
            target = (form.action or here).split("#")[0]
            if _is_known(form, target, sent):
                continue
            with Visit(world, browser, faults) as visit:
                visit.check_keys(visit.call("POST", target, swapped(ours | form.values, world)))
            if swapped(target, world) != target:
                with Visit(world, browser, faults) as visit:
                    refused = HIDDEN | (set() if form.values else REFUSED_FORM)
                    visit.expect(refused, "POST", swapped(target, world), form.values)
    return faults


def _is_known(form, target, sent):
    """Whether the very same was sent from another page: many stand at the head of every page."""
    said = {name: value for name, value in form.values.items() if name != "csrfmiddlewaretoken"}
    known = (target, repr(said)) in sent
    sent.add((target, repr(said)))
    return known


def swapped(sent, world):
    """The same address or form with every id of ours replaced by theirs of the same table."""
    if isinstance(sent, dict):
        return {name: swapped(value, world) for name, value in sent.items()}
    if isinstance(sent, list):
        return [swapped(each, world) for each in sent]
    for model in each_tenant_model():
        sent = str(sent).replace(str(world.ours.pk(model)), str(world.theirs.pk(model)))
    return sent


@pytest.mark.parametrize("half", [APPLICATION, DATABASE])  # with both it is every other test
def test_ones_own_pages_and_forms_know_nothing_of_another_clinic(world, half):
    with only(half):
        assert walk_own_pages(world, listed("panel")) == []


def test_ones_own_pages_answer(world):
    """Without this a walk would also be content with pages that are never found."""
    browser, refused = signed_in(world.ours.person), []
    shown = set()
    for address, way in listed("panel"):
        with Visit(world, browser, refused) as visit:
            here = address.path(world.ours, way)
            response = visit.call("GET", here)
            if response.status_code == 405:
                response = visit.call("POST", here)
            if response.status_code in (403, 404, 405):
                visit.note(response, "is our own")
            if world.ours.canary in text_of(response):
                shown.add(address.name)
    assert refused == []
    assert {"panel:client", "panel:session", "panel:messages", "settings:members"} <= shown


# Addresses outside a clinic


@each_half
def test_addresses_outside_a_clinic_show_and_change_nothing(world, half):
    kinds, methods = (("door", "operator"), METHODS) if half == BOTH else (("door",), METHODS[:2])
    browser, faults = signed_in(world.ours.person), []
    with only(half):
        publish_pages(world.ours)
        for address, way in listed(*kinds):
            with Visit(world, browser, faults) as visit:
                for method in methods:
                    visit.call(method, address.path(world.theirs, way))
    assert faults == []


# Who is let in


def test_strangers_are_led_to_sign_in(world):
    browser, faults = signed_in(None), []
    for address, way in listed("panel"):
        with Visit(world, browser, faults) as visit:
            here = address.path(world.ours, way)
            for method in ("GET", "POST"):
                response = visit.call(method, here)
                led = response.status_code == 302 and response.url.startswith("/accounts/login/")
                if not led and response.status_code != 405:
                    visit.note(response, "is open")
    assert faults == []


def test_a_member_of_no_clinic_finds_nothing(world):
    browser, faults = signed_in(UserFactory()), []
    for address, way in listed("panel"):
        with Visit(world, browser, faults) as visit:
            for method in ("GET", "POST"):
                visit.expect({404}, method, address.path(world.ours, way))
    assert faults == []


#: Gateways, and clients who have no session: there the unguessable address is the key.
WITHOUT_CSRF_TOKEN = {
    "hooks:callback",
    "hooks:receipts",
    "hooks:inbound",
    "client:session",
    "client:calendar",
    "feedback:form",
    "choices:page",
    "booking:page",
    "booking:calendar",
    "preferences:page",
    "digest:stop",
}


def test_every_post_without_its_token_is_refused(world):
    browser, faults = signed_in(world.ours.person, enforce_csrf_checks=True), []
    for address, way in listed("panel", "door", "operator"):
        if address.name not in WITHOUT_CSRF_TOKEN:
            with Visit(world, browser, faults) as visit:
                visit.expect({403}, "POST", address.path(world.ours, way))
    assert faults == []


def test_gateways_and_clients_alone_need_no_token(world):
    exempt = {a.name for a in addresses() if getattr(a.view, "csrf_exempt", False)}
    assert exempt == WITHOUT_CSRF_TOKEN


# Planted leaks: without these nobody knows that the walk bites


def _raw_list(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_name FROM patients_client")
        return HttpResponse(str(cursor.fetchall()))


def _raw_detail(request, pk):
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_name FROM patients_client WHERE id = %s", [pk])
        return HttpResponse(str(cursor.fetchall()))


def _unscoped_list(request):
    return HttpResponse(str(QuerySet(Client).values_list("last_name")))


def _unscoped_change(request, pk):
    QuerySet(Client).filter(pk=pk).update(first_name="x")
    return HttpResponseNotFound()


def _unchecked_choice(request):
    if request.method == "POST":
        Client.objects.update(therapist_id=request.POST["therapist"])
    chosen = Therapist.objects.first().pk
    return HttpResponse(f'<form method="post"><input name="therapist" value="{chosen}"></form>')


PLANTS = {
    "raw list": ("list/", _raw_list, {}),
    "raw detail": ("list/<int:pk>/", _raw_detail, {"pk": Client}),
    "unscoped list": ("list/", _unscoped_list, {}),
    "unscoped change": ("list/<int:pk>/", _unscoped_change, {"pk": Client}),
}


def plant(patch, route, view, values):
    """The site with one page more, and that page's line."""
    page = path(f"c/<slug:clinic_slug>/planted/{route}", clinic_view()(view), name="planted")
    conf = ModuleType("planted_urls")
    conf.urlpatterns = [*get_resolver().url_patterns, page]
    patch.ROOT_URLCONF = conf
    clear_url_caches()
    (address,) = [a for a in addresses() if a.name == "planted"]
    return [(address, panel(**values))]


@pytest.fixture
def planted(settings):
    yield partial(plant, settings)
    clear_url_caches()


def walk_both(world, pairs):
    return walk_foreign_addresses(world, pairs, ["GET", "POST"]) + walk_own_pages(world, pairs)


def test_a_planted_page_is_missed_in_the_list(world, planted):
    planted("list/", _raw_list, {})
    assert unlisted(TABLE) == ["planted is not listed"]


@pytest.mark.parametrize("leak", PLANTS.values(), ids=PLANTS)
def test_a_planted_leak_is_found_where_the_application_stands_alone(world, planted, leak):
    pairs = planted(*leak)
    with only(APPLICATION):
        assert any("shows" in f or "changed" in f for f in walk_both(world, pairs))


@pytest.mark.parametrize("leak", PLANTS.values(), ids=PLANTS)
@pytest.mark.parametrize("half", [BOTH, DATABASE])
def test_a_planted_leak_is_stopped_by_the_database(world, planted, leak, half):
    pairs = planted(*leak)
    with only(half):
        assert not any("shows" in f or "changed" in f for f in walk_both(world, pairs))


@each_half
def test_a_planted_choice_of_a_foreign_row_is_found(world, planted, half):
    pairs = planted("choice/", _unchecked_choice, {})
    with only(half):
        assert any("points at another clinic" in fault for fault in walk_both(world, pairs))
