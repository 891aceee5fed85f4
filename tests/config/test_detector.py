"""The shipped detectors against the figures of their sources, and bad detectors."""

from copy import deepcopy
from itertools import pairwise
from typing import Any

import pytest

from hnlstat.config import Box, Detector, Stack, Study
from hnlstat.config.base import validate
from hnlstat.errors import ConfigError


@pytest.fixture
def small() -> dict[str, Any]:
    return {
        "name": "small",
        "materials": {"rock": {"Si28": 0.467, "O16": 0.533}, "gas": {"Ar40": 1}},
        "volumes": {
            "rock": {
                "material": "rock",
                "density": "2.9 g/cm3",
                "center": [0, 0, 0],
                "size": ["4 m", "4 m", "10 m"],
            },
            "stack": {
                "start": -1,
                "center": [0, 0],
                "size": [1, 1],
                "repeat": 3,
                "layers": [
                    {"material": "rock", "density": 2, "thickness": "1 cm"},
                    {"material": "gas", "density": 0.1, "thickness": "20 mm"},
                ],
            },
        },
        "fiducial": {"gas": {"center": [0, 0, 2], "size": [1, 1, 1]}},
        "background_factor": 1,
    }


def test_a_small_detector(small: dict[str, Any]) -> None:
    detector = validate(Detector, small)
    assert isinstance(detector.volumes["stack"], Stack)
    assert detector.world == ((-2, 2), (-2, 2), (-5, 5))
    assert detector.volumes["stack"].extent[2] == (-1, pytest.approx(-0.91, abs=1e-12))
    with pytest.raises(ValueError, match="frozen"):
        detector.name = "other"  # type: ignore[misc]


def test_the_p0d_ends_at_the_first_tpc(nd280: Study) -> None:
    volumes = nd280.datasets[0].detector.volumes
    stacks = [v for v in volumes.values() if isinstance(v, Stack)]
    assert [s.repeat for s in stacks] == [7, 25, 7]
    for first, second in pairwise(stacks):
        assert first.extent[2][1] == pytest.approx(second.start, abs=1e-9)
    assert stacks[0].start == -3.181
    assert stacks[-1].extent[2][1] == pytest.approx(-0.875, abs=3e-4)  # source is in millimetres
    lead = sum(
        stack.repeat * layer.thickness * layer.density
        for stack in stacks
        for layer in stack.layers
        if layer.material == "lead"
    )
    assert lead == pytest.approx(14 * 0.0045 * 10.6, rel=1e-12)


def test_both_detectors_begin_with_the_surroundings(nd280: Study, upgrade: Study) -> None:
    around = ["rock", "hall", "yoke", "yoke_inside", "coil", "coil_inside"]
    for study, volumes, fiducial in ((nd280, 28, 5), (upgrade, 34, 8)):
        detector = study.datasets[0].detector
        assert list(detector.volumes)[:6] == around
        assert list(detector.volumes)[-1] == "ecal_bottom"
        assert (len(detector.volumes), len(detector.fiducial)) == (volumes, fiducial)
        assert detector.world == ((-24, 24), (-24, 24), (-162, 18.5))


def test_gas_and_targets_are_painted_after_what_holds_them(upgrade: Study) -> None:
    volumes = upgrade.datasets[0].detector.volumes
    order = list(volumes)
    for inner, outer in (("tpc1_gas", "tpc1"), ("fgd2", "fgd2_frame"), ("sfgd", "sfgd_box")):
        assert order.index(inner) > order.index(outer)
        for (low, high), (first, last) in zip(
            volumes[inner].extent, volumes[outer].extent, strict=True
        ):
            assert first <= low < high <= last


def test_what_all_searches_use_is_gas_only(nd280: Study, upgrade: Study) -> None:
    for dataset in (nd280.datasets[0], upgrade.datasets[0]):
        detector = dataset.detector
        gas = [v for v in detector.volumes.values() if isinstance(v, Box) and v.material == "gas"]
        assert dataset.used_volumes == tuple(n for n in detector.fiducial if "tpc" in n)
        for box in (detector.fiducial[name] for name in dataset.used_volumes):
            assert any(
                all(
                    a[0] <= b[0] and b[1] <= a[1] for a, b in zip(g.extent, box.extent, strict=True)
                )
                for g in gas
            )


def test_volumes_for_some_searches_are_the_targets_as_they_are_painted(upgrade: Study) -> None:
    detector = upgrade.datasets[0].detector
    named = {name: one for name, one in detector.fiducial.items() if one.by_name}
    assert [*named] == ["sfgd", "fgd1", "fgd2"]
    for name, box in named.items():
        assert box.extent == detector.volumes[name].extent


def test_five_tpcs_have_five_thirds_of_the_background(upgrade: Study) -> None:
    assert [d.detector.background_factor for d in upgrade.datasets] == [5 / 3, 1]


BAD = [
    (("volumes", "rock", "density"), "-2.9 g/cm3", "volumes.rock.density: -2.9 g/cm3 is not pos"),
    (("volumes", "rock", "density"), "2 m", "volumes.rock.density: 2 m is a length, expected a de"),
    (("volumes", "rock", "size"), [1, 0, 1], "volumes.rock.size.1: 0 is not positive"),
    (("volumes", "rock", "size"), [1, 1], "volumes.rock.size.2: is missing"),
    (("volumes", "rock", "colour"), 1, "volumes.rock.colour: unknown key"),
    (("volumes", "rock", "densty"), 1, "volumes.rock.densty: unknown key; did you mean d.volumes."),
    (("volumes", "rock", "material"), "rok", "material: rok is not in detector.materials; did you"),
    (("volumes", "rock"), None, "volumes.rock: None is not a mapping"),
    (("volumes", "rok"), {"density": 3}, "is missing; did you mean rock in place of rok?"),
    (("volumes",), {}, r"volumes: {} is empty"),
    (("volumes", "stack", "repeat"), 0, "volumes.stack.repeat: 0 is below 1, the least"),
    (
        ("volumes", "stack", "repeat"),
        1e9,
        "volumes.stack.repeat: .* is too much; 10000 is the most",
    ),
    (("volumes", "rock", "density"), 1e300, "density: 1e.300 is above 100 g/cm3, the most here"),
    (("volumes", "rock", "size"), [1, 1e300, 1], "size.1: 1e.300 is above 1e.06 m"),
    (("volumes", "../x"), {}, "volumes.*../x is not a name"),
    (("name",), "../../../ESCAPE", "d.name: ../../../ESCAPE is not a name for a folder"),
    (("background_factor",), 1e-300, "background_factor: 1e-300 is below 1e-06"),
    (("volumes", "stack", "layers"), [], r"volumes.stack.layers: \[\] is empty"),
    (("volumes", "stack", "layers", 1, "thickness"), -1, "layers.1.thickness: -1 is not positive"),
    (("volumes", "stack", "layers", 1, "material"), "x", "layers.1.material: x is not in"),
    (("materials", "rock", "O16"), 0.6, "materials.rock: mass fractions sum to 1.067, not 1"),
    (("materials", "rock", "O16"), -0.5, "materials.rock.O16: -0.5 is not positive"),
    (("fiducial", "gas", "center"), [0, 0, 4.6], "fiducial.gas: reaches from 4.1 to 5.1 m in z"),
    (("fiducial", "two"), {"center": [0, 0, 2.5], "size": [1, 1, 1]}, "fiducial.two: overlaps gas"),
    (("fiducial",), {}, "fiducial: {} is empty"),
    (("background_factor",), 0, "background_factor: 0 is not positive"),
]


@pytest.mark.parametrize(("path", "value", "message"), BAD)
def test_bad_detectors(
    small: dict[str, Any], path: tuple[str | int, ...], value: object, message: str
) -> None:
    data = deepcopy(small)
    node: Any = data
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    with pytest.raises(ConfigError, match=message) as error:
        validate(Detector, data, "d")
    assert "\n" not in str(error.value)


def test_mass_fractions_may_be_rounded(small: dict[str, Any]) -> None:
    small["materials"]["rock"]["O16"] = 0.53
    assert validate(Detector, small).materials["rock"]["O16"] == 0.53
