"""Words that are lost lose no result: readers that go, full disks, encodings, closed streams."""

import io
import json
import os
import subprocess
import sys

import pytest

from hnlstat.app import main
from hnlstat.system.streams import Stream, readable

WORDS = "5σ ±1 d ≤ 4.92e-07 GeV⁻¹, 4.9 × 10⁻⁷, 1 – 2 µm … ─━│ größe"
ASCII = "5 sigma +-1 d <= 4.92e-07 GeV^-1, 4.9 x 10^-7, 1 - 2 um ... --| gr\\xf6\\xdfe"


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", WORDS),
        ("ascii", ASCII),
        ("latin-1",
         "5 sigma ±1 d <= 4.92e-07 GeV^-1, 4.9 × 10^-7, 1 - 2 µm ... --| größe"),
        ("no such encoding", WORDS),
    ],
)  # fmt: skip
def test_words_fall_back_to_what_an_encoding_has(encoding, expected):
    assert readable(WORDS, encoding) == expected


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437", "koi8-r", "gbk"])
def test_any_letter_can_be_written(encoding):
    letters = "".join(map(chr, [*range(32, 0x2700), 0x65E5, 0xDCFF, 0x1F600]))
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    stream = Stream(file)
    assert stream.write(letters) == len(letters)
    stream.flush()
    assert stream.error is None
    assert len(file.buffer.getvalue().decode(encoding)) >= len(letters)


@pytest.mark.parametrize("closed", [None, io.StringIO()])
def test_a_closed_stream_takes_words(closed):
    if closed is not None:
        closed.close()
    stream = Stream(closed)
    print("words", file=stream, flush=True)
    assert stream.error is None
    assert not stream.isatty()


class Failing(io.StringIO):
    """A stream that fails as the system makes it fail."""

    def __init__(self, error):
        super().__init__()
        self.failure = error

    def write(self, _):
        raise self.failure


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (BrokenPipeError(32, "Broken pipe"), 0, ""),
        (OSError(28, "No space left on device"), 1,
         "hnlstat: stdout: No space left on device: words are lost, no file is\n"),
    ],
)  # fmt: skip
def test_a_run_is_complete_whatever_becomes_of_its_words(
    tmp_path, monkeypatch, capsys, error, status, words
):
    monkeypatch.setattr(sys, "stdout", Failing(error))
    point = ("task=point", "model.mass=0.1", "model.coupling=1e-6", "simulation.precision=0.3")
    assert main([*point, "executor=serial", f"runs={tmp_path}"]) == status
    assert capsys.readouterr().err == words
    (folder,) = tmp_path.glob("*/*")
    for name in ("summary.json", "report.html", "provenance.json"):
        assert (folder / name).stat().st_size > 0


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of the shell")
def test_a_process_with_a_hostile_environment(tmp_path):
    """Everything at once, in one process: no reader, ascii, a notebook's backend, no columns."""
    (tmp_path / "y.csv").write_text(
        "channel,mass_gev,coupling_inv_gev,events\n"
        + "".join(
            f"nd280_{mode},{mass},{d:g},{30 * (d / 1e-6) ** 4:.8g}\n"
            for mode in ("fhc", "rhc")
            for mass in (0.1, 0.2)
            for d in (1e-8, 1e-7, 1e-6, 1e-5)
        )
    )
    reader, writer = os.pipe()
    os.close(reader)
    environment = os.environ | {
        "PYTHONIOENCODING": "ascii", "COLUMNS": "0",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "hnlstat", "yields_from=y.csv", "executor=serial", "runs=r"],
        cwd=tmp_path, env=environment, stdout=writer, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
    (folder,) = tmp_path.glob("r/*/*")
    assert json.loads((folder / "summary.json").read_text(encoding="utf-8"))["reaches"]
    assert (folder / "contours.pdf").is_file()


def test_a_figure_that_cannot_be_drawn_costs_nothing_else(tmp_path, monkeypatch, capsys):
    import hnlstat.report.figures

    def fail(*_, **__):
        raise RuntimeError("no ink\nleft")

    monkeypatch.setattr(hnlstat.report.figures, "contour_figure", fail)
    grid = ("scan.mass.values=[0.1,0.2]", "scan.coupling.points=6", "simulation.precision=0.3")
    assert main([*grid, "executor=serial", "bounds.curves=[]", f"runs={tmp_path}"]) == 1
    (folder,) = tmp_path.glob("*/*")
    out, err = capsys.readouterr()
    assert "Note: the figure contours could not be made: no ink left" in out
    assert "contours.pdf" not in out
    assert err == (
        f"hnlstat: the figure contours could not be made, see run.log; all else is in {folder}/\n"
    )
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["reaches"]
    assert any("no ink left" in remark for remark in summary["remarks"])
    assert "no ink left" in (folder / "report.html").read_text(encoding="utf-8")
    assert not list(folder.glob("contours.p*"))
