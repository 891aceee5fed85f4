import copy

import numpy as np
import pyhf
import pytest

from hnlstat.errors import DataError
from hnlstat.inference.asymptotic import asymptotic_tests
from hnlstat.inference.combine import PublishedLikelihood, combine
from hnlstat.inference.model import CountingModel
from hnlstat.inference.workspace import SignalGrid, background_only, patchset, workspace

BOTH = CountingModel(
    ("old_fhc", "old_rhc", "new_fhc"),
    np.array([2.0, 1.0, 5.0]),
    np.array([0.9, 0.1, 6.0]),
    np.array([1.0, 0.0, 7.0]),
    {"flux_fhc": np.array([0.12, 0.0, 0.12]), "efficiency": np.full(3, 0.2)},
    np.array([0.3, 1.0, 0.3]),
    0.02,
)
GRID = [(0.1, 1e-7), (0.1, 1e-6), (0.2, 1e-6)]


def likelihood(name, chosen, grid=GRID):
    """Return the published likelihood of some of the channels, signal growing along the grid."""
    part = BOTH.select(np.array(chosen))
    signals = SignalGrid(
        *np.array(grid).T,
        np.array([(1.0 + GRID.index(point)) * part.signal for point in grid]),
        {name: np.tile(delta, (len(grid), 1)) for name, delta in part.signal_modifiers.items()},
        np.tile(part.mc_error, (len(grid), 1)),
    )
    return PublishedLikelihood(name, background_only(part), patchset(part, signals, name))


def test_the_combination_is_the_likelihood_of_all_channels():
    found = combine([likelihood("old", [0, 1]), likelihood("new", [2])], "both")
    assert found.correlated == ("efficiency", "flux_fhc")
    assert found.left_out == 0
    background, patches = pyhf.Workspace(found.workspace), pyhf.PatchSet(found.patches)
    patches.verify(background)
    assert [patch.values for patch in patches] == GRID
    combined = [dict(patch.apply(background)) for patch in patches]
    together = [workspace(BOTH.with_signal((1.0 + i) * BOTH.signal)) for i in range(len(GRID))]
    one, other = asymptotic_tests(combined), asymptotic_tests(together)
    assert one.cls == pytest.approx(other.cls, rel=1e-6)
    assert one.cls_expected == pytest.approx(other.cls_expected, rel=1e-6)


def as_others_have_it(part, signal):
    """Return a likelihood whose parameter of interest is a factor of a signal of that size."""
    spec, patches = copy.deepcopy((part.workspace, part.patches))
    for channel in spec["channels"]:
        sample = channel["samples"][0]
        sample["data"] = [signal] * len(sample["data"])
        sample["modifiers"] = [{"name": "mu", "type": "normfactor", "data": None}]
    patches["metadata"]["digests"]["sha256"] = pyhf.utils.digest(spec, algorithm="sha256")
    return PublishedLikelihood(part.name, spec, patches)


@pytest.mark.parametrize(("signal", "kind"), [(0.0, "normsys"), (2.0, "normfactor")])
def test_the_parameter_of_interest_is_one_thing_in_all_parts(signal, kind):
    other = as_others_have_it(likelihood("old", [0, 1]), signal)
    background = pyhf.Workspace(combine([other, likelihood("new", [2])], "both").workspace)
    assert [t for n, t in background.modifiers if n == "mu"] == [kind]
    model = background.model()
    backend, before = pyhf.get_backend()
    pyhf.set_backend(backend, "minuit")
    try:
        pyhf.infer.mle.fit(background.data(model), model)
    finally:
        pyhf.set_backend(backend, before)


def test_order_does_not_matter_and_three_can_be_combined():
    parts = [likelihood("a", [0]), likelihood("b", [1]), likelihood("c", [2])]
    results = []
    for order in (parts, parts[::-1]):
        found = combine(order, "three")
        patch = list(pyhf.PatchSet(found.patches))[1]
        results.append(asymptotic_tests([dict(patch.apply(pyhf.Workspace(found.workspace)))]).cls)
    assert results[0] == pytest.approx(results[1], rel=1e-6)


def test_only_common_points_are_kept():
    found = combine([likelihood("old", [0, 1]), likelihood("new", [2], GRID[1:])], "both")
    assert found.left_out == 1
    assert [p["metadata"]["values"] for p in found.patches["patches"]] == [
        list(p) for p in GRID[1:]
    ]
    with pytest.raises(DataError, match=r"no grid point \(mass, coupling\) in common"):
        combine([likelihood("old", [0], GRID[:1]), likelihood("new", [2], GRID[1:])], "both")


def test_what_does_not_go_together_is_named():
    old, new = likelihood("old", [0, 1]), likelihood("new", [2])
    with pytest.raises(DataError, match="again: has the channel old_fhc, which old has as well"):
        combine([old, PublishedLikelihood("again", old.workspace, old.patches)], "twice")
    other = copy.deepcopy(new.workspace)
    other["measurements"][0]["config"]["parameters"][0]["bounds"] = [[0.0, 5.0]]
    patches = copy.deepcopy(new.patches)
    patches["metadata"]["digests"]["sha256"] = pyhf.utils.digest(other, algorithm="sha256")
    with pytest.raises(DataError, match="the workspaces do not go together"):
        combine([old, PublishedLikelihood("other", other, patches)], "both")
    patches = copy.deepcopy(new.patches)
    patches["metadata"]["labels"] = ["m", "d"]
    with pytest.raises(DataError, match="new: its patches have other labels than old"):
        combine([old, PublishedLikelihood("new", new.workspace, patches)], "both")
    patches = copy.deepcopy(new.patches)
    patches["patches"][0]["patch"][0]["path"] = "/version"
    with pytest.raises(DataError, match="new: a patch changes /version, not a channel"):
        combine([old, PublishedLikelihood("new", new.workspace, patches)], "both")


def test_invalid_files_are_named():
    good = likelihood("old", [0, 1])
    changed = copy.deepcopy(good.workspace)
    changed["observations"][0]["data"] = [3.0]
    with pytest.raises(DataError, match=r"old: patchset\.json does not belong to BkgOnly\.json"):
        PublishedLikelihood("old", changed, good.patches)
    with pytest.raises(DataError, match="old: is not a valid workspace"):
        PublishedLikelihood("old", {"channels": []}, good.patches)
    with pytest.raises(DataError, match="old: is not a valid patchset"):
        PublishedLikelihood("old", good.workspace, {"patches": []})
