"""What may not be in the tree. The examples are in pieces: they may not be here either."""

import pytest

from tools import check_tree


@pytest.mark.parametrize(
    ("pieces", "fault"),
    [
        (("/ro", "ot/project/.venv/bin/python"), "somebody's own folder"),
        (("cd /ho", "me/ali/peygir"), "somebody's own folder"),
        (('"reso', 'lved": "https://mirror.example/x.tgz"'), "a download address in a lock file"),
        (("--index", "-url https://mirror.example/simple"), "a choice of package registry"),
        (("https://registry.npm", "js.org/x"), "a package registry"),
        (("https://mirror.exa", "mple/simple"), "this machine's package registry mirror.example"),
    ],
    ids=["root", "home", "resolved", "option", "registry", "configured"],
)
def test_a_line_that_works_on_one_machine_is_found(pieces: tuple[str, str], fault: str) -> None:
    assert fault in check_tree.faults("".join(pieces), {"mirror.example"})


@pytest.mark.parametrize(
    "line",
    [
        "$(COMPILE) --no-emit-index-url --no-emit-find-links",
        "#!/usr/bin/env bash",
        "/etc/systemd/system/peygir-web.service",
        "https://example.ir/home/today",
        "pypi is where packages come from",
    ],
)
def test_an_ordinary_line_is_not(line: str) -> None:
    assert check_tree.faults(line, {"mirror.example"}) == []


def test_pictures_are_not_read_as_text() -> None:
    pictures = [path for path in check_tree.tracked() if path.suffix in {".png", ".woff2"}]
    assert all(check_tree.text(path) == "" for path in pictures)
