"""Every page of the site, found by itself, as one browser meets it with an empty cache."""

from dataclasses import dataclass, field

from tests.browser.conftest import DESKTOP, PHONE, ROOT
from tests.browser.test_demo import _overflow

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"

#: The clinic of the walk, with one row in every table; its people have names that are no canary.
#: Prints the rows' ids by model, the address that stops the daily letter, and the cookies of two
#: owners: the second one has a second factor.
WORLD = """
import json, time
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.test import Client as Browser
from clinic.models import Clinic, Therapist
from clinic.tenancy import EVERYWHERE, Hat, wear
from panel import digest
from panel.digest import Digest
from patients.models import Client
from tests import factories
from tests.clinic import world

def cookie(person):
    browser = Browser()
    with wear(Hat.WEB):
        browser.force_login(person)
        session = browser.session
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time()}]
        session.save()
    return [settings.SESSION_COOKIE_NAME, browser.cookies[settings.SESSION_COOKIE_NAME].value]

with wear(Hat.OWNER, clinic_id=EVERYWHERE):
    half = world._half("aramesh", "qxalfa", "+989121110001", 710_000_000)
    world.publish_pages(half)
    guarded = factories.MembershipFactory(clinic=half.clinic, role="owner").user
    TOTP.activate(guarded, generate_totp_secret())
    RecoveryCodes.activate(guarded)
    Clinic.objects.update(name="Aramesh", live_since="2026-01-01T00:00Z")
    Therapist.objects.update(name="Nooshin Radmanesh", title="Dr. Radmanesh")
    Client.objects.update(honorific="", first_name="Mehrnaz", last_name="Vaziri")
with wear(Hat.OWNER, clinic_id=half.clinic.pk):
    stop = digest.stop_url(half.rows[Digest])
print(json.dumps({
    "rows": {model._meta.label: row.pk for model, row in half.rows.items()},
    "digest": stop.split("/")[-2],
    "owner": cookie(half.person),
    "guarded": cookie(guarded),
}))
"""

#: Before anything of the page runs: what the policy of the page refuses is remembered.
WATCH = """
window.refused = [];
document.addEventListener("securitypolicyviolation", it => {
  window.refused.push(`${it.violatedDirective}: ${it.blockedURI}`);
});
"""
SERIOUS = """options => axe.run(document, options).then(found => found.violations
    .filter(it => ["serious", "critical"].includes(it.impact))
    .flatMap(it => it.nodes.map(node => `${it.id}: ${it.help}: ${node.target}`)))"""
#: The sheets are not fetched once more; no rule that is run asks for that.
ALL_RULES = {"resultTypes": ["violations"], "preload": False}
#: What another width or another scheme can change; the rest of a page is the same in each.
LOOKS = [
    *("color-contrast", "link-in-text-block", "scrollable-region-focusable"),
    *("button-name", "link-name", "label", "aria-hidden-focus"),
]
OF_LOOKS = {**ALL_RULES, "runOnly": {"type": "rule", "values": LOOKS}}
#: Every page is looked at by desk in the light and by phone in the dark; the densest ones, the
#: frame with them, and the clients' pages in all four ways.
SECOND_LOOK = (("phone, dark", PHONE, "dark"),)
ALL_LOOKS = (*SECOND_LOOK, ("desk, dark", DESKTOP, "dark"), ("phone, light", PHONE, "light"))


@dataclass
class Found:
    """What one page turned out to be."""

    address: str
    status: int
    language: str
    direction: str
    title: str
    #: Bytes of the page and of all it asked for, as they travelled.
    weight: int
    #: By kind: `axe`, `sideways`, `console`, `policy`, `elsewhere`.
    faults: dict[str, list[str]] = field(default_factory=dict)


class Visitor:
    """One tab, looked at by desk and phone, in the light and in the dark, without loading twice."""

    def __init__(self, context, home):
        self.page, self.home, self._context = context.new_page(), home, context
        self._said, self._asked, self._sizes = [], [], {}
        self.page.add_init_script(WATCH)
        self.page.add_init_script(path=AXE)
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self._said.append(str(error)))
        self.page.on("request", lambda request: self._asked.append(request.url))
        self.page.on("requestfinished", self._weigh)

    def ask(self, address):
        """The answer to a GET, without a page; where it leads on to is not followed."""
        return self._context.request.get(self.home + address, max_redirects=0)

    def speak(self, language):
        self._context.add_cookies(
            [{"name": "django_language", "value": language, "url": self.home}]
        )

    def look_at(self, address, looks=SECOND_LOOK):
        self._said, self._asked = [], []
        self._wear(DESKTOP, "light")
        answer = self.page.goto(self.home + address, wait_until="load")
        self.page.evaluate("document.fonts.ready.then(() => null)")
        root = self.page.locator("html")
        return Found(
            address,
            answer.status,
            root.get_attribute("lang"),
            root.get_attribute("dir"),
            self.page.title(),
            # With an empty cache: what was asked for once before has the weight of that time.
            sum(self._sizes.get(url, 0) for url in set(self._asked)),
            self._faults(looks),
        )

    def _faults(self, looks):
        axe = [f"desk, light: {fault}" for fault in self._axe(ALL_RULES)]
        for name, size, scheme in looks:
            self._wear(size, scheme)
            axe += [f"{name}: {fault}" for fault in self._axe(OF_LOOKS)]
        self._wear(PHONE, "light")
        return {
            "axe": axe,
            "sideways": _overflow(self.page),
            "console": self._said,
            "policy": self.page.evaluate("window.refused"),
            "elsewhere": [url for url in self._asked if not url.startswith(self.home)],
        }

    def _axe(self, options):
        return self.page.evaluate(SERIOUS, options)

    def _wear(self, size, scheme):
        self.page.set_viewport_size(size)
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")

    def _note(self, message):
        if message.type in {"error", "warning"}:
            self._said.append(message.text)

    def _weigh(self, request):
        sizes = request.sizes()
        travelled = sizes["responseBodySize"] + sizes["responseHeadersSize"]
        self._sizes[request.url] = max(self._sizes.get(request.url, 0), travelled)


def is_page(answer):
    """Neither a file nor a piece that HTMX puts into a page."""
    is_file = "attachment" in answer.headers.get("content-disposition", "")
    is_html = answer.headers.get("content-type", "").startswith("text/html")
    return is_html and not is_file and "<!doctype" in answer.text()[:200].lower()


class Half:
    """Our clinic of `tests.clinic.world`, as far as addresses need it."""

    slug = "aramesh"

    def __init__(self, rows):
        self._rows = rows

    def pk(self, model):
        return self._rows[model._meta.label]


def told(found, kind):
    """The faults of a kind, with the pages they are on."""
    return [f"{it.address}: {fault}" for it in found for fault in it.faults[kind]]
