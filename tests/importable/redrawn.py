"""A finished run drawn again, for tests of what leaves figures."""

import numpy as np
import pytest
from matplotlib.image import imread

from hnlstat.app import main
from hnlstat.run.work import Work

QUICK = ("task=figures", "task.masses=3", "task.number=500", "executor=serial")


def check_redrawn(folder, *names):
    """Draw figures of a run as they are and in another style, from its files alone."""
    asked = (*QUICK, f"task.folder={folder}", f"task.figures=[{', '.join(names)}]")
    before = {p: p.read_bytes() for p in folder.iterdir() if p.suffix in (".csv", ".json", ".png")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Work, "_work", lambda *_: pytest.fail("computes anew"))
        assert main([*asked]) == 0
        same = {name: imread(folder / "figures" / f"{name}.png") for name in names}
        assert main([*asked, "report.style=double_column", "report.mass_axis=GeV"]) == 0
    for name in names:
        own = imread(folder / f"{name}.png")
        assert same[name].shape == own.shape
        # contours.json has seven digits
        assert np.abs(same[name] - own).mean() < 1e-4
        other = imread(folder / "figures" / f"{name}.png")
        assert other.shape[1] == 2100
        assert (folder / "figures" / f"{name}.pdf").stat().st_size > 0
    assert {p: p.read_bytes() for p in before} == before
