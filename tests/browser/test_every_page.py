"""What holds on every page there is, in production's own dress; a new page is found by itself."""

import pytest

from tests.browser import reception
from tests.browser.conftest import served_as_in_production
from tests.browser.everything import ALL_LOOKS, SECOND_LOOK, WORLD, Half, Visitor, is_page, told
from tests.clinic.walk import TABLE, addresses, door

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PANEL_BYTES, CLIENT_BYTES = 300_000, 40_000
#: The letters of the clients' pages; what is under them has no framework and no font of its own.
OF_CLIENTS = ("/s/", "/f/", "/p/", "/b/", "/u/")
NOBODYS = tuple(f"{letter}nowhere" for letter in OF_CLIENTS)
#: What answers a GET with something else than a page: a form's other half, a file, a way on.
PAGELESS = {200, 302, 400, 405}
#: Gateways call these, and nobody else is told that they are there.
OF_GATEWAYS = {"hooks:callback", "hooks:receipts", "hooks:inbound"}
#: English is looked at where the layout is tight.
IN_ENGLISH = ("", "calendar/", "calendar/week/", "clients/", "messages/", "settings/texts/")
#: The pages of a full day, eight therapists and forty sessions.
BUSY = (
    *("?day=1405-08-30", "clients/", "inbox/", "calls/"),
    *(f"calendar/{page}?day=1405-08-30" for page in ("", "week/", "print/")),
)


@pytest.fixture(scope="module")
def site(django_db_setup, tmp_path_factory):
    with served_as_in_production(tmp_path_factory.mktemp("house")) as house:
        world = house.manage("shell", "--no-imports", "-c", WORLD)
        busy = house.manage("shell", "--no-imports", "-c", reception.WORLD)
        yield {"house": house, "receptionist": busy["cookie"], **world}


@pytest.fixture(scope="module")
def visitors(chrome, site):
    """Who is not signed in, an owner, one with a second factor, and a receptionist."""
    home = site["house"].url
    contexts = {
        who: chrome.new_context(locale="fa-IR", timezone_id="Asia/Tehran")
        for who in ("stranger", "owner", "guarded", "receptionist")
    }
    for who, context in contexts.items():
        if who in site:
            name, value = site[who]
            context.add_cookies([{"name": name, "value": value, "url": home}])
    yield {who: Visitor(context, home) for who, context in contexts.items()}
    for context in contexts.values():
        context.close()


@pytest.fixture(scope="module")
def answers(site, visitors):
    """To a GET of every address: (status, whether it is a page, whose), the first who gets one."""
    half, found = Half(site["rows"]), {}
    for address in addresses():
        way = TABLE[address.name]
        if way.kind == "operator" or address.name in OF_GATEWAYS | {"account_logout"}:
            continue
        if address.name == "digest:stop":
            way = door(token=site["digest"])
        path = address.path(half, way)
        for who in ["owner"] if way.kind == "panel" else ["stranger", "owner", "guarded"]:
            answer = visitors[who].ask(path)
            found[path] = (answer.status, answer.status == 200 and is_page(answer), who)
            if found[path][1]:
                break
    return found


@pytest.fixture(scope="module")
def pages(visitors, answers):
    """Every page, looked at once."""
    # An address with and without its last slash is one page.
    wanted = {
        path: who for path, (_, page, who) in answers.items() if page and f"{path}/" not in answers
    }
    wanted |= dict.fromkeys(NOBODYS, "stranger")
    found = [
        visitors[who].look_at(path, ALL_LOOKS if path.startswith(OF_CLIENTS) else SECOND_LOOK)
        for path, who in wanted.items()
    ]
    busy = [f"/c/reception/{path}" for path in BUSY]
    found += [visitors["receptionist"].look_at(path, ALL_LOOKS) for path in busy]
    visitors["owner"].speak("en")
    found += [visitors["owner"].look_at(f"/c/aramesh/{path}", ALL_LOOKS) for path in IN_ENGLISH]
    return found


def of_clients(pages):
    return [it for it in pages if it.address.startswith(OF_CLIENTS)]


def test_every_address_answers(answers):
    wrong = {path: status for path, (status, _, _) in answers.items() if status not in PAGELESS}
    assert wrong == {}


def test_the_pages_are_all_there(pages):
    """So that nothing below is true of nothing."""
    assert len([it for it in pages if it.address.startswith("/c/")]) > 70
    assert len(of_clients(pages)) == 10


def test_axe_finds_nothing_serious_in_light_and_dark_at_a_desk_and_on_a_phone(pages):
    assert told(pages, "axe") == []


def test_no_page_can_be_scrolled_sideways_on_a_phone(pages):
    assert told(pages, "sideways") == []


def test_no_script_complains(pages):
    # That a stranger's link is unknown the browser says by itself.
    known = [it for it in pages if it.status == 200]
    assert told(known, "console") == []


def test_no_policy_is_broken(pages):
    assert told(pages, "policy") == []


def test_nothing_is_asked_of_anybody_else(pages):
    assert told(pages, "elsewhere") == []


def test_every_page_says_its_language_and_direction(pages):
    said = {(it.language, it.direction) for it in pages}
    assert said == {("fa", "rtl"), ("en", "ltr")}
    assert all(it.title for it in pages)


def test_the_title_of_a_clients_page_tells_nothing(pages):
    """It stands in histories and on shared screens."""
    told = {"صفحه‌ی شما", "قرار شما", "نظر شما", "انتخاب با شماست"}
    assert {it.title for it in of_clients(pages)} == told


def test_a_page_of_the_panel_is_light_with_an_empty_cache(pages):
    heavy = {it.address: it.weight for it in pages if it.weight > PANEL_BYTES}
    assert heavy == {}


def test_a_clients_page_is_light_on_a_slow_line(pages):
    heavy = {it.address: it.weight for it in of_clients(pages) if it.weight > CLIENT_BYTES}
    assert heavy == {}
    assert min(it.weight for it in pages) > 1000
