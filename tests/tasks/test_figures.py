"""task=figures and report.html, from a finished run to what a browser shows."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from axes import ANY

from hnlstat.app import main
from hnlstat.config.finished import FIGURES
from hnlstat.report.album import DRAW
from hnlstat.report.gallery import GALLERY
from hnlstat.run.files.point_reader import read_points
from hnlstat.studies import load
from hnlstat.studies.saved import to_yaml

SMALL = (
    "scan.mass.points=4", "scan.mass.min=60 MeV", "scan.mass.max=400 MeV",
    "scan.coupling.points=12", "simulation.precision=0.05", "executor=serial",
)  # fmt: skip
QUICK = ("task=figures", "task.masses=3", "task.number=500", "executor=serial")
VOID = {"meta", "link", "img", "br", "input", "hr"}
CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run with its figures drawn."""
    runs = tmp_path_factory.mktemp("runs")
    assert main([*SMALL, f"runs={runs}", "name=escape.me+too"]) == 0
    (folder,) = runs.glob("*/*")
    assert main([*QUICK, f"task.folder='{folder}'"]) == 0
    return folder


class Page(HTMLParser):
    """Tags that are opened and closed, what they load, and the script's data."""

    def __init__(self, text):
        super().__init__()
        self.open, self.loads, self.ids, self.alts, self.data = [], [], [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag not in VOID:
            self.open.append((tag, found.get("id")))
        self.loads += [found[key] for key in ("src", "href", "data", "action") if key in found]
        self.ids += [found["id"]] if "id" in found else []
        self.alts += [found.get("alt")] if tag == "img" else []

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == ("script", "data"):
            self.data += data


def test_every_figure_is_drawn_in_both_formats(run):
    stems = ["brazil", "contours", "decay_length", "production", "vertices_nd280", "yields"]
    found = sorted(path.name for path in (run / "figures").iterdir())
    assert found == sorted(f"{stem}.{kind}" for stem in stems for kind in ("pdf", "png"))


def test_the_report_is_well_formed_and_loads_nothing(run):
    text = (run / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not page.open
    assert len(page.ids) == len(set(page.ids))
    assert all(part.startswith("data:") for part in page.loads)
    assert not re.search(r"url\((?!#)|@import|fetch\(|XMLHttpRequest|<base", text)
    assert len(page.alts) == 6
    assert all(page.alts)
    assert {f"figure-{stem}" for stem in ("contours", "yields", "brazil", "vertices_nd280")} <= set(
        page.ids
    )


def test_the_report_says_nothing_about_the_machine(run):
    text = (run / "report.html").read_text(encoding="utf-8")
    assert str(run.parent.parent) not in text
    assert str(Path.home()) + "/" not in text


def test_its_data_are_those_of_the_tables(run):
    data = json.loads(Page((run / "report.html").read_text(encoding="utf-8")).data)
    points = read_points(run / "points.csv", ANY)
    assert data["masses"] == pytest.approx(points.masses)
    assert data["grid"]["channels"] == list(points.channels)
    assert data["grid"]["observed"] == pytest.approx(points.cls_observed.ravel(), rel=1e-4)
    signal = np.array(data["grid"]["signal"]).reshape(2, 4, 12)
    assert signal == pytest.approx(points.signal.transpose(2, 0, 1), rel=1e-4)


def test_every_task_leaves_a_report(tmp_path):
    point = ("model.mass=0.1", "model.coupling=4e-7")
    for task in (("yields",), ("point", *point), ("inject", *point)):
        assert main([*SMALL, f"runs={tmp_path}", f"task={task[0]}", *task[1:]]) == 0
    texts = [path.read_text(encoding="utf-8") for path in sorted(tmp_path.glob("*/*/report.html"))]
    assert len(texts) == 3
    for text in texts:
        assert not Page(text).open
        assert Page(text).data == ""


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("summary.json", None, "the run did not finish: it has no summary.json"),
        ("config.yaml", None, "is not the folder of a run: it has no config.yaml"),
        ("yields.csv", lambda text: text[:-40], "yields.csv, line 289: "),
        ("points.csv", lambda text: "\n".join(text.splitlines()[:-1]), "points.csv: is incomplete"),
        ("contours.json", lambda text: text[: len(text) // 2], "contours.json: is not JSON"),
    ],
)
def test_an_incomplete_run_is_one_clear_line(run, tmp_path, capsys, file, change, words):
    folder = tmp_path / "run"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("units", "workspace"))
    if change is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(change((folder / file).read_text()))
    before = (folder / "report.html").read_bytes()
    figures = "task.figures=[brazil, yields, contours]"
    assert main([*QUICK, f"task.folder={folder}", figures]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert (folder / "report.html").read_bytes() == before


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("task.figures=[brazils]", "has brazils; did you mean brazil?"),
        ("task.mass=2", "task.mass: 2 GeV is not within the run's 0.06 to 0.4 GeV"),
        ("task.folder=null", "task.folder: None is no folder"),
    ],
)
def test_settings_that_cannot_be_are_one_clear_line(run, capsys, override, words):
    assert main([*QUICK, f"task.folder={run}", "task.figures=[brazil]", override]) == 2
    assert words in capsys.readouterr().err


def browse(address, *options):
    """What a headless Chromium prints."""
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu",
        "--allow-file-access-from-files", "--virtual-time-budget=2000", *options, address,
    ]  # fmt: skip
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return answer.stdout


DRIVE = """
onload = () => {
  const w = frames[0], plane = w.document.getElementById("plane");
  const box = plane.firstChild.getBoundingClientRect(), out = document.body.dataset;
  const at = (x, y, pointerId = 1) => ({
    clientX: box.left + 58 + x * (box.width - 70), clientY: box.top + 10 + y * (box.height - 54),
    bubbles: true, cancelable: true, pointerId,
  });
  const send = (type, x, y, id) =>
    plane.dispatchEvent(new w.PointerEvent(`pointer${type}`, at(x, y, id)));
  plane.dispatchEvent(new w.WheelEvent("wheel", { ...at(0.3, 0.6), deltaY: -200 }));
  out.wheel = plane.dataset.shown;
  send("down", 0.4, 0.4); send("move", 0.5, 0.6); send("up", 0.5, 0.6);
  out.drag = plane.dataset.shown;
  plane.dispatchEvent(new w.KeyboardEvent("keydown", { key: "+" }));
  out.keys = plane.dataset.shown;
  plane.dispatchEvent(new w.MouseEvent("dblclick", at(0.5, 0.5)));
  out.back = plane.dataset.shown;
  send("down", 0.4, 0.5, 1); send("down", 0.6, 0.5, 2);
  send("move", 0.3, 0.5, 1); send("move", 0.7, 0.5, 2);
  out.pinch = plane.dataset.shown;
};
"""


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
class TestInABrowser:
    def test_the_point_under_the_pointer_is_that_of_the_table(self, run):
        points = read_points(run / "points.csv", ANY)
        i, j = 1, 7
        at = f"#at={1.01 * points.masses[i]},{0.98 * points.couplings[j]}"
        page = browse(f"file://{run}/report.html{at}", "--dump-dom")
        shown = dict(re.findall(r'<td data-name="([^"]*)">([^<]*)</td>', page))
        assert float(shown["mass [MeV]"]) == pytest.approx(1e3 * points.masses[i], rel=1e-3)
        assert float(shown["d_mu [GeV⁻¹]"]) == pytest.approx(points.couplings[j], rel=1e-3)
        for k, name in enumerate(points.channels):
            assert float(shown[f"events {name}"]) == pytest.approx(points.signal[i, j, k], rel=6e-3)
        assert float(shown["CLs observed"]) == pytest.approx(points.cls_observed[i, j], rel=6e-3)
        assert shown["method"] == points.method[i, j]
        assert 'class="bound"' in page

    def test_it_fits_a_phone(self, run):
        frame = run / "phone.html"
        frame.write_text(
            '<iframe src="report.html" width="390" height="800" style="border:0"></iframe>'
            "<script>onload = () => { const page = frames[0].document.documentElement;"
            "document.body.dataset.beyond = page.scrollWidth - page.clientWidth; };</script>"
        )
        assert 'data-beyond="0"' in browse(f"file://{frame}", "--dump-dom")
        frame.unlink()

    def test_it_zooms_moves_and_goes_back(self, run):
        frame = run / "driven.html"
        frame.write_text(
            '<iframe src="report.html" width="900" height="800" style="border:0"></iframe>'
            f"<script>{DRIVE}</script>"
        )
        page = browse(f"file://{frame}", "--dump-dom")
        frame.unlink()
        steps = {
            name: [float(x) for x in values.split()]
            for name, values in re.findall(r'data-(\w+)="([-+.e\d ]+)"', page)
        }
        points = read_points(run / "points.csv", ANY)
        ends = [*(1e3 * points.masses[[0, -1]]), *points.couplings[[0, -1]]]
        span = {name: np.diff(np.log(at))[[0, 2]] for name, at in steps.items()}
        assert span["wheel"] == pytest.approx(np.exp(-0.5) * span["back"], rel=1e-2)
        at_pointer = np.log(steps["wheel"]) @ [[0.7, 0], [0.3, 0], [0, 0.6], [0, 0.4]]
        assert at_pointer == pytest.approx(np.log(ends) @ [[0.7, 0], [0.3, 0], [0, 0.6], [0, 0.4]],
                                           rel=1e-3)  # fmt: skip
        assert span["drag"] == pytest.approx(span["wheel"], rel=1e-2)
        moved = np.log(steps["drag"]) - np.log(steps["wheel"])
        assert moved[0] == pytest.approx(-0.1 * span["wheel"][0], rel=0.05)
        assert moved[2] == pytest.approx(0.2 * span["wheel"][1], rel=0.05)
        assert span["keys"] == pytest.approx(span["drag"] / 1.5, rel=1e-2)
        assert span["pinch"] == pytest.approx(span["back"] / 2, rel=1e-2)
        assert steps["back"] == pytest.approx(ends, rel=1e-3)

    def test_it_prints(self, run, tmp_path):
        browse(f"file://{run}/report.html", f"--print-to-pdf={tmp_path / 'report.pdf'}")
        content = (tmp_path / "report.pdf").read_bytes()
        assert content.startswith(b"%PDF")
        assert len(re.findall(rb"/Type\s*/Page\b", content)) >= 4


def files_of(folder):
    """Names of the figures that task=figures has drawn."""
    return sorted(path.name for path in (folder / "figures").glob("*.png"))


def test_a_run_at_a_point_gets_what_can_be_drawn(tmp_path, capsys):
    point = ("model.mass=0.1", "model.coupling=4e-7", "task=point")
    assert main([*SMALL, *point, f"runs={tmp_path}"]) == 0
    (folder,) = tmp_path.glob("*/*")
    assert main([*QUICK, f"task.folder={folder}"]) == 0
    assert files_of(folder) == ["vertices_nd280.png"]
    assert "Not drawn: yields: task.folder:" in capsys.readouterr().out
    for name in ("yields", "decay_length", "production"):
        assert main([*QUICK, f"task.folder={folder}", f"task.figures=[{name}]"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "1 x 1 masses" in line or "a single mass" in line


def test_files_of_others_in_a_run_do_no_harm(run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("units", "workspace", "figures"))
    for name in ("my{plot}", "vertices_{0}", "a % b", "c$d$"):
        shutil.copy(folder / "contours.png", folder / f"{name}.png")
    (folder / "folder.png").mkdir()
    assert main([*QUICK, f"task.folder={folder}", "task.figures=[yields]"]) == 0
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert 'alt="my{plot}"' in text
    assert "on the outline of {0}." in text


def test_an_old_run_is_drawn_in_another_style(run, tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("units", "workspace", "figures"))
    text = (folder / "config.yaml").read_text()
    old = re.sub(r"^report:.*\n(  .*\n)*", "", text, flags=re.MULTILINE)
    assert old != text
    (folder / "config.yaml").write_text(old)  # of a version that had no styles
    asked = [*QUICK, f"task.folder={folder}", "task.figures=[contours, brazil]"]
    assert main([*asked, "report.style=slides", "report.mass_axis=GeV"]) == 0
    assert read_size(folder / "figures" / "contours.png") == pytest.approx([1920, 1080], abs=3)
    data = json.loads(Page((folder / "report.html").read_text(encoding="utf-8")).data)
    assert data["mass"] == {"unit": "GeV", "factor": 1.0}
    assert main(asked) == 0
    assert read_size(folder / "figures" / "contours.png") == read_size(run / "contours.png")
    capsys.readouterr()
    assert main([*asked, "report.style=slide"]) == 2
    assert "report.style: slide is none; did you mean slides?" in capsys.readouterr().err


def read_size(path):
    """Width and height of a PNG [pixels]."""
    return [int.from_bytes(path.read_bytes()[i : i + 4], "big") for i in (16, 20)]


def test_figures_of_other_tasks_and_without_files_are_one_line(run, tmp_path, capsys):
    mixed = ["model=mixed", "search=t2k_2019", "scan.plane=[e,mu]", "model.mass=0.25"]
    (tmp_path / "config.yaml").write_text(to_yaml(load(mixed)))
    (tmp_path / "summary.json").write_text("{}")
    for folder, figures, words in (
        (tmp_path, "all", "has no contours.json or points.csv or yields.csv: nothing to draw"),
        (tmp_path, "[plane]", "plane needs contours.json, which"),
        (tmp_path, "[contours]", "contours is none of plane, which"),
        (run, "[yields, fit]", "fit is none of contour, which"),
    ):
        asked = [*QUICK, f"task.folder={folder}", f"task.figures={figures}"]
        assert main(asked) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert words in line


def test_every_figure_of_a_task_can_be_asked_for():
    assert {*DRAW}.union(*GALLERY.values()) == {*FIGURES}


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("summary.json", "{}", "summary.json: lacks 'reaches'"),
        ("summary.json", '{"remarks": 1}', "summary.json: is not that of a task=contour"),
        ("contours.json", '{"contours": 1}', "contours.json: its schema is not"),
        ("contours.json", '{"schema": "hnlstat contours 2", "contours": 1}', "is not a list"),
        ("contours.json", '{"schema": "hnlstat contours 2", "contours": [1]}', "contours.0: "),
        ("provenance.json", "[]", "provenance.json: is not that of a run"),
        ("points.csv", "", "points.csv"),
        ("yields.csv", "", "yields.csv"),
    ],
)
def test_odd_files_of_a_run_are_one_line(run, tmp_path, capsys, file, content, words):
    folder = tmp_path / "run"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("units", "workspace", "figures"))
    (folder / file).write_text(content)
    assert main([*QUICK, f"task.folder={folder}", "task.figures=[contours]"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_n_of_kaons_have_figures_of_their_own(tmp_path):
    kaons = (
        "model=mixed_mu", "search=t2k_2019", "task=yields", "scan.mass.values=[0.2,0.3]",
        "scan.coupling={min: 1e-9, max: 1e-7, points: 3}", "simulation.precision=0.1",
    )  # fmt: skip
    assert main([*kaons, f"runs={tmp_path}", "executor=serial"]) == 0
    (folder,) = tmp_path.glob("*/*")
    place = ("task.mass=0.25", "task.coupling=1e-8")
    assert main([*QUICK, f"task.folder={folder}", *place]) == 0
    assert files_of(folder) == [
        "decay_length.png", "decays_nd280.png", "momenta.png", "yields.png",
    ]  # fmt: skip
    assert "Momenta of N of kaons" in (folder / "report.html").read_text(encoding="utf-8")
