"""What moves on a page under somebody's hand, as the browser itself counts it."""

import contextlib

#: Sums what moved without an act of the visitor; an answer that takes longer than half a second
#: is none of hers any more, which is why pages are measured on a slow line.
COUNT = """
window.shifts = [];
new PerformanceObserver(list => {
  for (const it of list.getEntries()) {
    if (it.hadRecentInput) continue;
    const moved = it.sources.map(s => s.node && (s.node.outerHTML || s.node.textContent).slice(0, 80));
    window.shifts.push([it.value, moved]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
DRAWN = (
    "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
)
SLOW_MS = 700


@contextlib.contextmanager
def on_a_slow_line(page):
    """Answers take longer than the half second after an act in which browsers count no shift."""
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    speed = {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1}
    line.send("Network.emulateNetworkConditions", {**speed, "latency": SLOW_MS})
    yield
    line.detach()


def moved(page):
    """What has moved since the page was loaded, or since this was asked last."""
    page.evaluate(DRAWN)
    return page.evaluate("window.shifts.splice(0)")


def loaded(page):
    """From here on it counts what moves: the letters are there, and what they moved is forgotten."""
    page.evaluate("document.fonts.ready.then(() => null)")
    moved(page)
