"""The pages of reports and descriptions in a real browser: every sample, every interaction, light and dark, wide and narrow, on paper and
without its script.

    python3 tests/browser/check.py FOLDER [PICTURES]

FOLDER holds a report or a description a folder, as the tests of `report` write them to $SWEEP_REPORT_SAMPLES. PICTURES is where pictures
of the pages go, for people to look at. Ends with 1 and every fault found.
"""

import json
import os
import re
import sys

import chromium

HERE = os.path.dirname(os.path.abspath(__file__))
WIDE, NARROW = 1280, 360
# What must be there in the description of an ordinary table.
DESCRIBED = "description"
DESCRIBED_PARTS = ("target", "columns", "association", "correlation", "distributions", "boxes", "duplicates", "files")
# What must be there in a report of an ordinary sweep.
ORDINARY = "genres"
PARTS = (
    "leaderboard", "best", "cost", "curves", "parallel", "importance", "effects", "interactions", "features", "confusion",
    "calibration", "conformal", "failures", "slowest", "timeline", "data", "reproduce", "files",
)


class Checks:
    def __init__(self, browser):
        self.browser = browser
        self.faults = []
        self.done = 0

    def that(self, holds, what):
        self.done += 1
        if not holds:
            self.faults.append(what)
            print(f"FAULT {what}", file=sys.stderr)

    def quiet(self, where):
        errors, self.browser.errors = self.browser.errors, []
        self.that(not errors, f"{where}: {'; '.join(errors)}")

    def js(self, expression):
        return self.browser.js(expression)

    def text(self, selector):
        return self.js(f"document.querySelector({json.dumps(selector)})?.textContent ?? ''")

    def number(self, selector):
        return self.js(f"document.querySelectorAll({json.dumps(selector)}).length")


def laid_out(checks, name, path, width, dark):
    """Opens a page and looks for what no page may have."""
    browser = checks.browser
    where = f"{name}, {width} wide, {'dark' if dark else 'light'}"
    browser.open(path, width=width, dark=dark)
    checks.quiet(where)
    overflow = checks.js("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    checks.that(overflow <= 0, f"{where}: {overflow} pixels wider than the screen")
    empty = checks.js(
        "[...document.querySelectorAll('section')].filter((s) => getComputedStyle(s).display !== 'none'"
        " && s.innerText.trim().split('\\n').length < 2 && !s.querySelector('svg, img')).map((s) => s.id)"
    )
    checks.that(not empty, f"{where}: nothing in {empty}")
    broken = checks.js(
        r"[...document.querySelectorAll('svg [d], svg [x], svg [x1], svg [cx]')].filter((e) =>"
        r" [...e.attributes].some((a) => /NaN|Infinity|undefined/.test(a.value))).length"
    )
    checks.that(broken == 0, f"{where}: {broken} shapes at places that are no numbers")
    odd = checks.js(r"(document.body.innerText.match(/\b(NaN|undefined|null|\[object \w+\])/g) ?? []).length")
    checks.that(odd == 0 or name in ("odd", "nan"), f"{where}: {odd} words that only a program says")
    outside = checks.js(
        "[...document.querySelectorAll('.interactive > svg text, .panels svg text')].filter((t) => { const b = t.getBoundingClientRect(),"
        " s = t.ownerSVGElement.getBoundingClientRect(); return b.width && (b.left < s.left - 2 || b.right > s.right + 2); })"
        ".map((t) => t.textContent)"
    )
    checks.that(not outside, f"{where}: cut off: {outside[:5]}")
    overlaps = checks.js(
        "[...document.querySelectorAll('.interactive > svg .axes, .panels svg .axes')].flatMap((g) => {"
        " const boxes = [...g.querySelectorAll('text')].map((t) => [t.textContent, t.getBoundingClientRect()]).filter(([, b]) => b.width);"
        " return boxes.flatMap(([text, a], i) => boxes.slice(i + 1).filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1"
        " && a.top < b.bottom - 2 && b.top < a.bottom - 2).map(([other]) => text + ' / ' + other)); })"
    )
    checks.that(not overlaps, f"{where}: one over another: {overlaps[:5]}")
    names = checks.js(
        "[...document.querySelectorAll('input, select, button, [role=slider], [role=checkbox], svg[role=img]')].filter((e) =>"
        " !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim())).map((e) => e.outerHTML.slice(0, 80))"
    )
    checks.that(not names, f"{where}: without a name: {names[:3]}")


def queries(checks):
    """The script answers every example as the program does."""
    with open(os.path.join(HERE, "queries.json"), encoding="utf-8") as file:
        suite = json.load(file)
    answers = checks.js(
        "((suite) => { const cell = (raw) => ({ raw, isWhole: Number.isInteger(raw), shown: Array.isArray(raw) ? '[' + raw.join(', ') + ']'"
        " : typeof raw === 'number' ? String(Number(raw.toPrecision(4))) : String(raw) });"
        " const row = (r) => ({ text: () => r.text, values: (key) => r[key] === undefined ? [] : [r[key]].flat().map(cell) });"
        " return suite.examples.map(({ query }) => { try { const q = parseQuery(query); checkQuery(q, suite.columns);"
        " return { rows: suite.rows.flatMap((r, i) => queryHolds(q, row(r)) ? [i] : []) }; }"
        " catch (e) { if (!(e instanceof QueryError)) throw e; return { error: [e.at, e.length, e.message] }; } }); })"
        f"({json.dumps(suite)})"
    )
    for example, answer in zip(suite["examples"], answers, strict=True):
        wanted = {key: example[key] for key in ("rows", "error") if key in example}
        checks.that(answer == wanted, f"query {example['query']!r}: {answer}, not {wanted}")


def zero_line(checks):
    """What a model scores that ignores its input stands in the ranking and in the figure of configurations."""
    row = "#leaderboard .board tbody tr.zero"
    place = f"[...document.querySelector({row!r}).parentNode.children].indexOf(document.querySelector({row!r}))"
    total = checks.number("#leaderboard .board tbody tr")
    checks.that(checks.js(place) == 1, "the zero line stands below the one configuration that is better")
    checks.browser.click('#leaderboard [data-key="rank"]')
    checks.that(checks.js(place) == total - 2, "and above it where the order is turned")
    checks.browser.click('#leaderboard [data-key="seconds"]')
    checks.that(checks.js(place) == total - 1, "and last in any other order")
    checks.that("0.8500" in checks.text(row), "with its score")
    checks.that(checks.number("#best line.zero") == 1, "a line in the figure")
    checks.that("majority class: 0.8500" in checks.text("#best .legend"), "which the legend names")
    checks.that("not clearly better" in checks.text(".unfinished"), "a winner near it is warned about")


def leaderboard(checks):
    browser = checks.browser
    rows = "#leaderboard .board tbody tr"
    total = checks.number(rows)
    browser.type("#query", "kind=xgboost")
    checks.that(checks.number(rows) == 2, "the filter leaves two XGBoost configurations")
    checks.that("2 of " in checks.text("#leaderboard .told"), "the number of them is told")
    faded = checks.number("#cost .faded")
    checks.that(faded > 0, "what is filtered out fades beside time")
    browser.type("#query", "drpout=0.3")
    checks.that("did you mean `dropout`?" in checks.text("#query-error"), "a wrong column is told")
    checks.that(checks.text("#query-error mark") == "drpout", "and pointed at")
    checks.that(checks.number(rows) == 2, "a query that is not understood changes nothing")
    browser.type("#query", "tag=to_keep")
    checks.that(checks.number(rows) == 1, "tags can be asked for")
    browser.type("#query", "rank<3 STATUS=finished best>0")
    checks.that(checks.number(rows) == 2, "places, statuses and results of trials can be asked for")
    browser.type("#query", "kind=network in_plan=true")
    checks.that(0 < checks.number(rows) < total, "kinds can be asked for as tables call them")
    for key in ("config", "name"):
        browser.type("#query", f"{key}={checks.js('D.configs.id[1]')}")
        checks.that(checks.number(rows) == 1, f"a {key} can be asked for")
    browser.type("#query", f"trial={checks.js('D.runs.trial[0]')[:8]}")
    checks.that(checks.number(rows) == 1, "the first digits of a trial are enough")
    browser.type("#query", f"{checks.js('D.objective.name')}>0 steps>0 last>=0 best_step>0")
    checks.that(checks.number(rows) > 0, "the objective can be asked for by its name")
    browser.type("#query", "mean>99")
    checks.that("No configuration matches the filter." in checks.text(rows), "an empty answer says so")
    browser.type("#query", "")
    checks.that(checks.number(rows) == total, "without a query all are back")
    heads = "#leaderboard th[aria-sort]"
    browser.click('#leaderboard button[data-key="lr"]')
    cells = checks.js(
        "[...document.querySelectorAll('#leaderboard .board tbody tr')].map((r) => r.cells[[...document.querySelectorAll('#leaderboard .board thead th')]"
        ".findIndex((h) => h.querySelector('[data-key=lr]'))].textContent)"
    )
    numbers = [float(cell) for cell in cells if cell != "–"]
    checks.that(numbers == sorted(numbers) and len(set(numbers)) > 1, f"sorted by lr: {cells}")
    checks.that("–" in cells and set(cells[cells.index("–"):]) == {"–"}, "those without lr come last")
    browser.key("Enter")
    checks.that(checks.js(f"[...document.querySelectorAll('{heads}')].some((h) => h.ariaSort === 'descending')"),
                "Enter on a heading turns the order round")
    browser.click('#leaderboard button[data-key="rank"]')
    browser.click("#leaderboard .columns summary")
    browser.js("[...document.querySelectorAll('.columns label')].find((l) => l.textContent.trim() === 'valid/loss').id = 'loss-box'")
    browser.click("#loss-box")
    checks.that(checks.number('#leaderboard th button[data-key="valid/loss"]') == 1, "a column can be added")
    browser.click("#loss-box")
    checks.that(checks.number('#leaderboard th button[data-key="valid/loss"]') == 0, "and taken away")
    browser.click("#leaderboard .columns summary")


def curves(checks):
    browser = checks.browser
    legends = "#curves .legend li"
    before = checks.number(legends)
    browser.js("[...document.querySelectorAll('#leaderboard .board tbody tr')].find((r) => !r.querySelector('input').checked"
               " && r.textContent.includes('network')).querySelector('input').id = 'tick'")
    browser.click("#tick")
    checks.that(checks.number(legends) == before + 1, "a ticked configuration shows its curve")
    choose(checks, "#curves", "Metric", "train/loss")
    checks.that(checks.text("#curves svg .axes").endswith("train/loss (cross-entropy, nats)"), "another metric can be chosen")
    choose(checks, "#curves", "Kind", "1")
    checks.that("Boosting round" in checks.text("#curves svg"), "trees have rounds")
    choose(checks, "#curves", "Kind", "0")
    browser.js("[...document.querySelectorAll('#curves button')].at(-1).id = 'best-again'")
    browser.click("#best-again")
    checks.that(checks.number(legends) == before, "the best are back")
    hovered(checks, "#curves svg", "epoch")


def choose(checks, part, name, value):
    """Chooses an option as a reader does, less the popup, which is no part of the page."""
    found = checks.js(
        f"(() => {{ const l = [...document.querySelectorAll('{part} .choice')].find((l) => l.textContent.startsWith({json.dumps(name)}));"
        f" if (!l) return false; const s = l.querySelector('select'); s.value = {json.dumps(value)};"
        f" s.dispatchEvent(new Event('change', {{ bubbles: true }})); return s.isConnected ? s.value === {json.dumps(value)} : true; }})()"
    )
    checks.browser.settle()
    checks.that(found, f"{part} offers {name} {value}")


def hovered(checks, selector, word):
    """Pointing at a figure, and stepping through it with the keyboard, tells of its points."""
    browser = checks.browser
    browser.js(f"document.querySelector({json.dumps(selector)}).focus()")
    browser.key("ArrowRight")
    said = checks.text("#tip")
    checks.that(word in said and not checks.js("document.getElementById('tip').hidden"), f"{selector} tells by keyboard: {said!r}")
    spot = checks.js(
        f"(() => {{ const e = document.querySelector({json.dumps(selector)} + ' .ring'); e.scrollIntoView({{ block: 'center' }});"
        " const b = e.getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2]; })()"
    )
    browser.key("Escape")
    checks.that(checks.js("document.getElementById('tip').hidden"), f"{selector} is silent after Escape")
    browser.point(*spot)
    checks.that(checks.text("#tip") == said and not checks.js("document.getElementById('tip').hidden"), f"{selector} tells by mouse")
    browser.point(2, 2)


def parallel(checks):
    browser = checks.browser
    told = "#parallel .told"
    value = "#parallel [role=checkbox]"
    label = checks.js(f"document.querySelector('{value}').getAttribute('aria-label')")
    browser.click(f"{value} text")
    checks.that(checks.js(f"document.querySelector('{value}').getAttribute('aria-checked')") == "true", "a value is brushed by a click")
    checks.that(checks.text("#parallel .brushed") == label, f"the brush is a query: {checks.text('#parallel .brushed')!r}, not {label!r}")
    browser.js(f"document.querySelector('{value}').focus()")
    browser.key("Enter")
    checks.that(checks.text("#parallel .brushed") == "none", "and let go by the keyboard")
    browser.js("document.querySelector('#parallel [role=slider]').focus()")
    for _ in range(8):
        browser.key("ArrowUp")
    checks.that("mean>=" in checks.text("#parallel .brushed"), "the arrow keys move an end of an axis of numbers")
    few = checks.text(told)
    browser.key("Escape")
    checks.that(checks.text(told) != few, "Escape lets go")
    x, y = browser.place("#parallel .axis:last-of-type .strip")
    browser.drag((x, y - 140), (x, y - 20))
    query = checks.text("#parallel .brushed")
    checks.that(re.fullmatch(r"mean>=[\d.]+ mean<=[\d.]+", query), f"a drag brushes: {query!r}")
    number = int(checks.text(told).split(" ")[0])
    checks.that(0 < number < 12, f"the drag leaves some: {checks.text(told)!r}")
    browser.js("[...document.querySelectorAll('#parallel button')].find((b) => b.textContent === 'Apply as filter').id = 'by-it'")
    browser.click("#by-it")
    checks.that(checks.js("document.getElementById('query').value") == query, "the brush becomes the filter")
    rows = checks.js("[...document.querySelectorAll('#leaderboard .board tbody tr')].filter((r) => r.textContent.includes('network')).length")
    checks.that(abs(rows - number) <= 1, f"the filter leaves what was brushed: {rows} for {number}")
    browser.js("[...document.querySelectorAll('#parallel button')].find((b) => b.textContent === 'Clear').id = 'clear'")
    browser.click("#clear")
    browser.type("#query", "")
    checks.that(checks.text("#parallel .brushed") == "none", "Clear lets go")


def others(checks):
    browser = checks.browser
    hovered(checks, "#best svg", "seed")
    choose(checks, "#cost", "X axis", "parameters")
    checks.that("Parameters" in checks.text("#cost svg"), "quality stands against parameters too")
    choose(checks, "#cost", "X axis", "seconds")
    hovered(checks, "#cost svg", "parameters")
    hovered(checks, "#importance svg", "variance")
    hovered(checks, "#features svg", "gain")
    hovered(checks, "#effects svg", "mean")
    hovered(checks, "#calibration svg", "confidence")
    hovered(checks, "#timeline svg", "trial")
    checks.that(checks.number("#effects .panels svg") == 3, "three settings have a panel each")
    choose(checks, "#effects", "Kind", "1")
    checks.that(checks.number("#effects .panels svg") == 1, "XGBoost has one")
    choose(checks, "#effects", "Kind", "0")
    choose(checks, "#interactions", "Columns", "dropout")
    checks.that("dropout" in checks.text("#interactions thead"), "another pair can be chosen")
    choose(checks, "#interactions", "Rows", "dropout")
    checks.that("dropout ↓" in checks.text("#interactions thead"), "a pair is turned round")
    percent = checks.text("#confusion .heat")
    browser.js("document.querySelector('#confusion input').id = 'share'")
    browser.click("#share")
    checks.that("%" in percent and "%" not in checks.text("#confusion .heat"), "confusion in rows and in shares")
    last = checks.js("document.querySelector('#confusion select').options[1].value")
    choose(checks, "#confusion", "Configuration", last)
    checks.that(checks.number("#confusion .measures tbody tr") == 7, "six classes and their macro average")
    browser.click('nav a[href="#data"]')
    browser.js("new Promise((done) => setTimeout(done, 100))")
    top = checks.js("document.getElementById('data').getBoundingClientRect().top")
    checks.that(0 <= top < 400, f"the way to a part leads there ({top})")
    browser.click("#reproduce summary")
    checks.that(checks.js("document.querySelector('#reproduce details').open"), "the experiment file opens")


def plain(checks, path):
    """Without the script the page shows the same figures as static images."""
    browser = checks.browser
    browser.open(path, script=False)
    shown = checks.js("[...document.images].filter((i) => i.complete && i.naturalWidth > 0 && i.offsetParent).length")
    checks.that(shown >= 5, f"without the script {shown} plots are shown")
    pending = checks.js("[...document.querySelectorAll('.needs-script')].filter((e) => getComputedStyle(e).display !== 'none').length")
    checks.that(pending == 0, "without the script no section that needs it is shown")
    checks.that(checks.number("#leaderboard .static tr") > 10, "without the script there is a leaderboard")
    checks.quiet("without the script")


def main():
    folder = sys.argv[1]
    pictures = sys.argv[2] if len(sys.argv) > 2 else None
    path = chromium.find()
    if path is None:
        sys.exit("the page is tested in Chromium, which is not here: install it (Debian, Ubuntu: apt install chromium), or set SWEEP_CHROMIUM to it")
    names = sorted(name for name in os.listdir(folder) if os.path.isfile(os.path.join(folder, name, "index.html")))
    for wanted in (ORDINARY, DESCRIBED):
        if wanted not in names:
            sys.exit(f"{folder} holds no page called {wanted}")
    if pictures:
        os.makedirs(pictures, exist_ok=True)
    with chromium.Browser(path) as browser:
        checks = Checks(browser)
        page = lambda name: os.path.join(folder, name, "index.html")
        only = os.environ.get("SWEEP_PAGES", "").split() or names
        for name in only:
            for width, dark in ((WIDE, False), (NARROW, True)):
                laid_out(checks, name, page(name), width, dark)
                if pictures:
                    browser.picture(os.path.join(pictures, f"{name}-{width}.png"))
        browser.open(page(DESCRIBED))
        for part in DESCRIBED_PARTS:
            checks.that(checks.number(f"#{part}") == 1, f"the description of an ordinary table has {part}")
        browser.open(page(ORDINARY))
        for part in PARTS:
            checks.that(checks.number(f"#{part}") == 1, f"an ordinary report has {part}")
        for what in (queries, leaderboard, curves, parallel, others):
            what(checks)
            checks.quiet(what.__name__)
        browser.open(page("imbalanced"))
        zero_line(checks)
        checks.quiet("zero_line")
        browser.open(page(ORDINARY), width=NARROW)
        for what in (leaderboard, curves, others):
            what(checks)
            checks.quiet(f"{what.__name__}, narrow")
        browser.open(page(ORDINARY), dark=True)
        browser.page("Emulation.setEmulatedMedia", media="print", features=[])
        paper = checks.js("getComputedStyle(document.body).backgroundColor")
        checks.that(paper == "rgb(255, 255, 255)", f"printed on white, also from the dark: {paper}")
        if pictures:
            browser.print(os.path.join(pictures, "printed.pdf"))
        plain(checks, page(ORDINARY))
    print(f"{checks.done} checks of {len(names)} pages in {os.path.basename(path)}: {len(checks.faults)} faults")
    sys.exit(1 if checks.faults else 0)


if __name__ == "__main__":
    main()
