"""The forms of a page, as a browser would send them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

NOT_SENT = {"submit", "button", "reset", "image", "file"}


@dataclass
class Form:
    method: str
    action: str
    values: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name, value):
        self.values.setdefault(name, []).append(value)


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms, self.select, self.area = [], None, None
        self.options = []

    def handle_starttag(self, tag, pairs):
        given = {name: value or "" for name, value in pairs}
        if tag == "form":
            self.forms.append(Form(given.get("method", "get").lower(), given.get("action", "")))
        elif tag == "option" and self.select:
            self.options.append((given.get("value", ""), "selected" in given))
        elif self.forms and given.get("name"):
            self._field(tag, given)

    def _field(self, tag, given):
        if tag == "input" and given.get("type", "text") not in NOT_SENT:
            self._input(given)
        elif tag == "select":
            self.select, self.options = given["name"], []
        elif tag in ("textarea", "button"):
            self.area = given["name"] if tag == "textarea" else None
            self.forms[-1].add(given["name"], given.get("value", ""))

    def _input(self, given):
        chosen = given.get("type") not in ("checkbox", "radio") or "checked" in given
        if chosen or given["name"] not in self.forms[-1].values:
            self.forms[-1].add(given["name"], given.get("value", ""))

    def handle_data(self, data):
        if self.area:
            self.forms[-1].values[self.area][-1] += data

    def handle_endtag(self, tag):
        if tag == "select" and self.select:
            self.forms[-1].add(self.select, _chosen(self.options))
            self.select = None
        if tag == "textarea":
            self.area = None


def _chosen(options):
    """What is selected, or the first that says anything: an empty choice is often refused."""
    marked = [value for value, selected in options if selected and value]
    return (marked + [value for value, _ in options if value] + [""])[0]


def forms_of(body):
    """Every form that posts, in order."""
    reader = _Reader()
    reader.feed(body)
    return [form for form in reader.forms if form.method == "post"]
