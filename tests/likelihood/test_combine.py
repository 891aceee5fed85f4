import copy

import numpy as np
import pyhf
import pytest

from hnlstat.errors import DataError
from hnlstat.inference.engines.asymptotic import asymptotic_tests
from hnlstat.likelihood.combine import PublishedLikelihood, combine
from hnlstat.likelihood.model import CountingModel
from hnlstat.likelihood.patchset import SignalGrid, patchset
from hnlstat.likelihood.workspace import background_only, workspace

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
    return PublishedLikelihood(
        name, background_only(part), patchset(part, signals, name, "coupling_inv_gev")
    )


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
    with pytest.raises(
        DataError, match=r"new: patch mass_0p1_coupling_1em07 does not make a workspace"
    ):
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


def sample(rate, poi="mu", name="signal", bins=1):
    strength = {"name": poi, "type": "normfactor", "data": None}
    return {"name": name, "data": [rate] * bins, "modifiers": [strength] if poi else []}


def foreign(name, channels, patch, *, poi="mu", values=(0.1, 1e-6), background=0.6, **more):
    """Return a likelihood of one point as others may have made it."""
    b = {**sample(background, None, "background"), "modifiers": [
        {"name": "flux", "type": "normsys", "data": {"hi": 1.2, "lo": 0.8}},
        {"name": f"own_{name}", "type": "normsys", "data": {"hi": 1.5, "lo": 0.6}},
    ]}  # fmt: skip
    spec = {
        "channels": [{"name": c, "samples": [sample(0.0, poi), b]} for c in channels],
        "observations": [{"name": c, "data": [i + 1]} for i, c in enumerate(channels)],
        "measurements": [{"name": name, "config": {"poi": poi, "parameters": []}}],
        "version": "1.0.0",
        **more,
    }
    metadata = {
        "description": name, "digests": {"sha256": pyhf.utils.digest(spec)},
        "labels": ["x", "y"], "references": {"hepdata": "ins0000000"},
    }  # fmt: skip
    patches = [{"metadata": {"name": "p", "values": list(values)}, "patch": patch}]
    document = {"metadata": metadata, "patches": patches, "version": "1.0.0"}
    return PublishedLikelihood(name, spec, document)


def put(channel, value, op="replace", place=0):
    return {"op": op, "path": f"/channels/{channel}/samples/{place}", "value": value}


def moved(channel, origin, op="copy"):
    path = f"/channels/{channel}/samples/0"
    return {"op": op, "from": f"/channels/{origin}/samples/0", "path": path}


def cls(spec):
    """Return what pyhf makes of a workspace."""
    space = pyhf.Workspace(spec)
    model = space.model()
    return float(pyhf.infer.hypotest(1.0, space.data(model), model, test_stat="qtilde"))


FIRST = ("A", ["a"], [put(0, sample(3.0))])
OPERATIONS = {
    "replace": [put(0, sample(1.0)), put(1, sample(2.0))],
    "copy": [put(0, sample(1.0)), {"op": "remove", "path": "/channels/1/samples/0"}, moved(1, 0)],
    "move": [
        put(0, sample(2.0, name="more"), "add"),
        {"op": "remove", "path": "/channels/1/samples/0"},
        moved(1, 0, "move"),
    ],
    "add": [put(0, sample(2.0, name="more"), "add", "-"), put(1, sample(1.0))],
    "remove and add": [
        {"op": "remove", "path": "/channels/1/samples/0"},
        put(1, sample(2.0), "add"),
        {"op": "test", "path": "/channels/1/name", "value": "c"},
    ],
    "a number": [{"op": "replace", "path": "/channels/1/samples/0/data/0", "value": 2.5}],
    "channels change places": [
        {"op": "move", "from": "/channels/1", "path": "/channels/0"},
        put(0, sample(2.0)),
    ],
    "a whole channel": [
        {"op": "replace", "path": "/channels/1",
         "value": {"name": "c", "samples": [sample(1.0), sample(0.7, None, "background")]}},
    ],
}  # fmt: skip


@pytest.mark.parametrize("patch", OPERATIONS.values(), ids=OPERATIONS.keys())
@pytest.mark.parametrize("first", [True, False])
def test_patches_of_any_operations_are_those_that_pyhf_would_combine(patch, first):
    parts = [foreign(*FIRST), foreign("B", ["b", "c"], patch)]
    parts = parts if first else parts[::-1]
    found = combine(parts, "both")
    patches = pyhf.PatchSet(found.patches)
    mine = patches.apply(pyhf.Workspace(found.workspace), "p")
    applied = []
    for part in parts:
        one = pyhf.PatchSet(part.patches).apply(pyhf.Workspace(part.workspace), "p")
        applied.append(pyhf.Workspace(one).rename(measurements={part.name: "m"}))
    together = pyhf.Workspace.combine(*applied, join="outer")
    assert {c["name"]: c["samples"] for c in mine["channels"]} == {
        c["name"]: c["samples"] for c in together["channels"]
    }
    assert [m["config"]["poi"] for m in mine["measurements"]] == ["mu"]
    assert cls(mine) == pytest.approx(cls(together), rel=1e-6)


def test_all_have_one_signal_strength():
    other = foreign("B", ["c"], [put(0, sample(30.0, "mu_SIG"))], poi="mu_SIG")
    found = combine([foreign(*FIRST), other], "both")
    assert found.remarks == ("B: its signal strength mu_SIG is called mu, as in A",)
    mine = pyhf.PatchSet(found.patches).apply(pyhf.Workspace(found.workspace), "p")
    names = {"modifiers": {"mu_SIG": "mu"}, "measurements": {"B": "A"}}
    one, two = (
        pyhf.PatchSet(part.patches).apply(pyhf.Workspace(part.workspace), "p")
        for part in (foreign(*FIRST), other)
    )
    together = pyhf.Workspace.combine(
        pyhf.Workspace(one), pyhf.Workspace(two).rename(**names), join="outer"
    )
    assert cls(mine) == pytest.approx(cls(together), rel=1e-6)
    assert "mu_SIG" not in str(mine)
    assert found.correlated == ("flux",)


def test_the_first_has_the_settings_of_the_strength():
    def with_bounds(name, poi, upper):
        parameter = {"name": poi, "bounds": [[0.0, upper]], "inits": [1.0]}
        config = {"poi": poi, "parameters": [parameter]}
        return foreign(name, [name.lower()], [put(0, sample(3.0, poi))], poi=poi,
                       measurements=[{"name": name, "config": config}] * 1)  # fmt: skip

    found = combine([with_bounds("A", "mu", 10.0), with_bounds("B", "s", 50.0)], "both")
    (measurement,) = found.workspace["measurements"]
    assert measurement["config"]["parameters"][0]["bounds"] == [[0.0, 10.0]]
    found = combine([foreign(*FIRST), with_bounds("B", "s", 50.0)], "both")
    (measurement,) = found.workspace["measurements"]
    assert measurement["config"]["parameters"] == [
        {"name": "mu", "bounds": [[0.0, 50.0]], "inits": [1.0]}
    ]


def test_points_may_be_words_and_nearly_equal():
    values = (("dirac", 0.1), ("dirac", 0.10000000149))
    parts = [
        foreign(name, [name], [put(0, sample(1.0))], values=point)
        for name, point in zip("AB", values, strict=True)
    ]
    found = combine(parts, "both")
    assert [p["metadata"]["values"] for p in found.patches["patches"]] == [["dirac", 0.1]]
    assert found.left_out == 0
    again = copy.deepcopy(parts[1].patches)
    again["patches"].append(copy.deepcopy(again["patches"][0]))
    again["patches"][1]["metadata"] = {"name": "q", "values": ["dirac", 0.1]}
    twice = PublishedLikelihood("B", parts[1].workspace, again)
    with pytest.raises(DataError, match=r"B: the patches p and q have \(nearly\) the same values"):
        combine([parts[0], twice], "both")


CHANNEL = {"name": "new", "samples": [sample(1.0)]}


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        ([{"op": "remove", "path": "/channels/0"}], "adds, removes or renames channels"),
        ([{"op": "add", "path": "/channels/1", "value": CHANNEL}], "adds, removes or renames"),
        (
            [{"op": "replace", "path": "/channels/0/name", "value": "z"}],
            "adds, removes or renames channels",
        ),
        ([put(0, {"a": 1})], "does not make a workspace"),
        ([put(0, {**sample(1.0), "data": [None]})], "does not make a workspace"),
        ([put(0, {**sample(1.0), "data": ["1.0"]})], "does not make a workspace"),
        ([put(0, {**sample(1.0), "data": []})], "does not make a workspace"),
        ([put(0, "signal")], "does not make a workspace"),
        ([put(0, sample(1.0, bins=2))], "channel b, sample signal: 2 bins, but 1 observations"),
        ([put(0, sample(1.0), "add", "-")], "channel b has two samples of one name"),
        ([put(0, sample(-5.0))], "channel b has a negative rate"),
        ([put(7, sample(1.0))], "cannot be applied"),
        ([{"op": "remove", "path": "/channels/0/samples/9"}], "cannot be applied"),
        ([{"op": "test", "path": "/channels/0/name", "value": "z"}], "cannot be applied"),
        ([moved(0, 5)], "cannot be applied"),
        ([{"op": "replace", "path": "", "value": {}}], "does not make a workspace"),
        (
            [{"op": "replace", "path": "/observations/0/data", "value": [7]}],
            "changes the observations, not only samples",
        ),
        (
            [{"op": "replace", "path": "/measurements/0/config/poi", "value": "flux"}],
            "changes the measurements, not only samples",
        ),
        (
            [put(0, sample(1.0, None)), put(1, sample(1.0, None))],
            "the parameter of interest mu acts on no sample",
        ),
    ],
)
def test_patches_that_change_more_are_refused(patch, reason):
    with pytest.raises(DataError, match=f"B: patch p.*({reason})") as caught:
        combine([foreign(*FIRST), foreign("B", ["b", "c"], patch)], "both")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"background": -5.0}, "channel b has a negative rate"),
        (
            {"observations": [{"name": "b", "data": [1, 2]}]},
            "channel b, sample .* but 2 observations",
        ),
        ({"observations": [{"name": "z", "data": [1]}]}, "not just one observation"),
        ({"observations": [{"name": "b", "data": [1]}] * 2}, "not just one observation"),
        ({"observations": [{"name": "b", "data": [-1]}]}, "channel b has a negative observation"),
        ({"observations": [{"name": "b", "data": [None]}]}, "is not a valid workspace"),
        ({"measurements": []}, "is not a valid workspace"),
        ({"background": None}, "is not a valid workspace"),
        ({"values": (0.1,)}, "is not a valid patchset"),
        ({"values": (0.1, None)}, "is not a valid patchset"),
    ],
)
def test_likelihoods_that_pyhf_would_not_take_are_refused(change, reason):
    with pytest.raises(DataError, match=f"B: .*{reason}") as caught:
        foreign("B", ["b"], [put(0, sample(1.0))], **change)
    assert "\n" not in str(caught.value)


def test_what_pyhf_does_not_make_a_model_of_is_refused():
    def with_shape(name):
        errors = {"name": "shape", "type": "shapesys", "data": [0.3]}
        signal = sample(2.0)
        signal["modifiers"].append(errors)
        return foreign(name, [name.lower()], [put(0, signal)])

    with pytest.raises(DataError, match="pyhf does not accept the combination"):
        combine([with_shape("A"), with_shape("B")], "both")
    for bounds in ([[5.0, 0.0]], [[5.0]]):
        parameters = [{"name": "mu", "bounds": bounds, "inits": [1.0]}]
        measurement = {"name": "A", "config": {"poi": "mu", "parameters": parameters}}
        strange = foreign("B", ["b"], [put(0, sample(1.0))], measurements=[measurement])
        with pytest.raises(DataError, match="bounds of a parameter are not two rising numbers"):
            combine([foreign(*FIRST), strange], "both")
    nuisance = foreign("B", ["b"], [put(0, sample(1.0, "s"))], poi="s")
    nuisance.workspace["channels"][0]["samples"][1]["modifiers"][1]["name"] = "mu"
    digest = pyhf.utils.digest(nuisance.workspace)
    nuisance.patches["metadata"]["digests"]["sha256"] = digest
    clash = PublishedLikelihood("B", nuisance.workspace, nuisance.patches)
    with pytest.raises(DataError, match="B: its modifier mu has the name of the parameter of inte"):
        combine([foreign(*FIRST), clash], "both")
