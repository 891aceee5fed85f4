"""Volumes and fiducial volumes that are no boxes, as the configuration has them."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from hnlstat.app import main
from hnlstat.config import Detector
from hnlstat.config.base import validate
from hnlstat.detector.round_shapes import Cylinder, Sphere
from hnlstat.detector.shapes import HexagonalPrism
from hnlstat.errors import ConfigError
from hnlstat.studies import load

OIL = {"material": "oil", "density": 1}
THERE = {"center": [0, 0, 0]}
LAYER = {"material": "oil", "density": 1, "thickness": 0.1}
GONE = object()
MINE = Path(__file__).parents[1] / "mine"
HERE = f"hydra.searchpath=['file://{MINE}']"


@pytest.fixture
def cave() -> dict[str, Any]:
    """A cylinder in a sphere, and a prism beside it."""
    return {
        "name": "cave",
        "materials": {"rock": {"O16": 1}, "oil": {"C12": 1}},
        "volumes": {
            "earth": {"material": "rock", "density": 2, **THERE, "size": [40, 40, 60]},
            "vault": {"material": "rock", "density": 1, **THERE, "radius": 8},
            "tank": {"shape": "cylinder", **OIL, **THERE, "radius": "4 m", "length": 6,
                     "axis": "y"},
            "hexagon": {**OIL, "center": [0, 0, 20], "apothem": "811 mm", "length": 2,
                        "axis": [0, 0, 2], "flat": [1, 0, 1]},
        },
        "fiducial": {
            "tank": {**THERE, "radius": 2},
            "hexagon": {"center": [0, 0, 20], "apothem": 0.5, "length": 1, "axis": "z",
                        "flat": "x"},
        },
        "background_factor": 1,
    }  # fmt: skip


def test_the_shape_is_told_by_the_keys_or_by_its_name(cave: dict[str, Any]) -> None:
    detector = validate(Detector, cave)
    _, vault, tank, hexagon = (volume.solid for volume in detector.volumes.values())
    assert vault == Sphere((0, 0, 0), 8)
    assert tank == Cylinder((0, 0, 0), 4, 6, (0, 1, 0))
    # the part of `flat` across the axis counts
    assert hexagon == HexagonalPrism((0, 0, 20), 0.811, 2, (0, 0, 1), (1, 0, 0))
    assert detector.volumes["tank"].extent == ((-4, 4), (-3, 3), (-4, 4))
    corner = 0.811 * 2 / 3**0.5
    assert hexagon.extent[1] == pytest.approx((-corner, corner))
    assert detector.fiducial["tank"].solid == Sphere((0, 0, 0), 2)
    again = validate(Detector, detector.model_dump())
    assert again == detector
    assert again.volumes["tank"].replace(radius=2).solid == Cylinder((0, 0, 0), 2, 6, (0, 1, 0))


BAD = [
    (("volumes", "vault", "radius"), -1, "d.volumes.vault.radius: -1 is not positive"),
    (("volumes", "vault", "radius"), "8 kg", "d.volumes.vault.radius: 8 kg is a .* a length in m"),
    (("volumes", "vault", "radius"), [1, 2], "d.volumes.vault.radius: .* is not a length in m"),
    (("volumes", "vault"), {**OIL, **THERE, "raduis": 3}, "vault.raduis: .* did you mean .*radius"),
    (("volumes", "vault", "shape"), "spher", "vault.shape: spher is no shape here; .* sphere?"),
    (("volumes", "vault", "shape"), ["a"], r"vault.shape: \['a'\] is no shape here; choose from b"),
    (("volumes", "vault", "shape"), "box", "volumes.vault.radius: unknown key; choose"),
    (("volumes", "vault", "size"), [1, 1, 1], "volumes.vault.radius: unknown key; choose from c"),
    (("volumes", "vault", "center"), 3, "volumes.vault.center: 3 is not a list"),
    (("volumes", "vault", "material"), "oyl", "vault.material: oyl is not in .* did you mean oil"),
    (("volumes", "tank", "axis"), "w", "tank.axis: w is no direction; write x, y, z or a vector"),
    (("volumes", "tank", "axis"), [0, 0, 0], r"tank.axis: \[0, 0, 0\] is no direction; write a v"),
    (("volumes", "tank", "axis"), [0, 1], r"tank.axis: \[0, 1\] is no direction; write x, y, z"),
    (("volumes", "tank", "axis"), [0, "1 m", 1], "tank.axis: .* one of its numbers is a length"),
    (("volumes", "tank", "axis"), [0, float("nan"), 1], "tank.axis: .* numbers is not a finite"),
    (("volumes", "tank", "axis"), GONE, "volumes.tank.axis: is missing"),
    (("volumes", "tank", "lenght"), 3, "tank.lenght: unknown key; did you mean .*tank.length"),
    (("volumes", "hexagon", "flat"), "z", "hexagon.flat: lies along the axis; give a direction"),
    (("volumes", "hexagon", "flat"), GONE, "volumes.hexagon.flat: is missing"),
    (("volumes", "hexagon", "apothem"), 0, "volumes.hexagon.apothem: 0 is not positive"),
    (("volumes", "tank", "radius"), 7.5, "d.volumes.tank: overlaps vault partly; only boxes may"),
    (("volumes", "vault", "center"), [0, 0, 24], "d.volumes.vault: overlaps earth partly; only"),
    (("volumes", "hexagon", "center"), [0, 0, 8], "d.volumes.hexagon: overlaps vault partly"),
    (("volumes", "wall"), {**OIL, **THERE, "size": [12, 1, 1]}, "volumes.wall: overlaps tank part"),
    (
        ("volumes", "stack"),
        {"start": -1, "center": [0, 0], "size": [9, 9], "repeat": 3, "layers": [LAYER]},
        "d.volumes.stack: overlaps tank partly; only boxes may",
    ),
    (("fiducial", "tank", "radius"), 40, "d.fiducial.tank: reaches from -40 to 40 m in x, outside"),
    (("fiducial", "two"), {"center": [0, 0, 3], "radius": 1.5}, "d.fiducial.two: overlaps tank: d"),
    (
        ("fiducial", "two"),
        {"center": [0, 0, 20], "size": [1, 1, 1]},
        "fiducial.two: overlaps hexag",
    ),
    (("fiducial", "two"), {**THERE, "shape": "stack"}, "two.shape: stack is no shape here; choose"),
    (("fiducial", "two"), {"layers": [LAYER]}, "two.shape: it has the keys of a stack; choose"),
    (("fiducial", "two"), {**THERE, "shape": "cone"}, "two.shape: cone is no shape here; choose"),
    (("fiducial", "tank", "material"), "oil", "d.fiducial.tank.material: unknown key; choose from"),
]


@pytest.mark.parametrize(("path", "value", "message"), BAD)
def test_bad_shapes(
    cave: dict[str, Any], path: tuple[str, ...], value: object, message: str
) -> None:
    data = deepcopy(cave)
    node: Any = data
    for step in path[:-1]:
        node = node[step]
    if value is GONE:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    with pytest.raises(ConfigError, match=message) as error:
        validate(Detector, data, "d")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ({**THERE, "size": [12, 12, 12]}, r"lies outside the volumes with 8\.\d+%"),
        ({"center": [4, 4, 4], "radius": 1.2}, r"lies outside the volumes with 0\.\d+%"),
        ({"center": [0, 0, 7], "radius": 1.01}, "reaches from 5.99 to 8.01 m in z"),
    ],
)
def test_what_lies_partly_outside_a_sphere_is_refused(
    cave: dict[str, Any], region: dict[str, Any], message: str
) -> None:
    """Edges along the axes do not tell it."""
    del cave["volumes"]["earth"], cave["volumes"]["hexagon"]
    cave["fiducial"] = {"one": region}
    with pytest.raises(ConfigError, match=rf"^fiducial.one: {message}"):
        validate(Detector, cave)


def test_touching_fiducial_volumes_are_apart_but_for_rounding(cave: dict[str, Any]) -> None:
    edge = 0.1 + 0.2  # above 0.3 by rounding
    cave["fiducial"] = {
        "one": {"center": [0, 0, edge / 2], "size": [1, 1, edge]},
        "two": {"center": [0, 0, 0.45], "size": [1, 1, 0.3]},
        "three": {"center": [0, 0, 1.6], "radius": 1},
    }
    assert [*validate(Detector, cave).fiducial] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["search=tpc_ee_tracks"], "fiducial.tank: is not a box; search tpc_ee_tracks needs one"),
        (["detector.volumes.tank.center=[0, 0, 1 m]"], "volumes.tank: overlaps vault partly; only"),
        (["detector.fiducial.tank.radius=90 m"], "detector.fiducial.tank: reaches from -90 to 90"),
        (["detector.volumes.vault.material=rock", "~detector.volumes.earth"],
         "systematics.rock_length: vault of the detector, where the rock begins, has no flat face"),
        (["+detector.volumes.pillar={material: oil, density: 1, center: [0, 0, -57], radius: 1 m}",
          "detector.volumes.earth.size=[24, 24, 72]"],
         "detector.volumes.pillar: overlaps earth partly"),
        (["+detector.volumes.pillar={material: oil, density: 1, center: [0, 0, -78], radius: 2 m}"],
         "systematics.rock_length: oil_sphere.volumes.pillar overlaps the rock that is added"),
    ],
)  # fmt: skip
def test_one_line_for_what_cannot_be_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, overrides: list[str], message: str
) -> None:
    common = ["task=yields", "experiment=quick", "executor=serial", f"runs={tmp_path}"]
    assert main([HERE, "detector=oil_sphere", *common, *overrides]) == 2
    error = capsys.readouterr().err.strip()
    assert "\n" not in error
    assert re.search(message, error)


def test_a_shape_is_one_key_on_the_command_line() -> None:
    ball = "+detector.volumes.ball={material: oil, density: 1, center: [0, 0, -20], radius: 1 m}"
    study = load([HERE, "detector=oil_sphere", ball, "detector.volumes.tank.radius=6 m",
                  "detector.fiducial.tank.radius=5.9 m"])  # fmt: skip
    detector = study.datasets[0].detector
    assert detector.volumes["ball"].solid == Sphere((0, 0, -20), 1)
    assert detector.volumes["tank"].solid == Sphere((0, 0, 0), 6)


def test_the_shapes_of_the_readme_are_such(cave: dict[str, Any]) -> None:
    readme = (MINE.parents[1] / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(name: mydetector\n.*?)```", readme, re.DOTALL)
    detector = validate(
        Detector, cave | {key: yaml.safe_load(block)[key] for key in ("volumes", "fiducial")}
    )
    assert list(detector.volumes) == ["box", "sphere", "cylinder", "hexagonal_prism"]
    for name, volume in detector.volumes.items():
        assert volume.shape == name
