"""Files of a user's own: searches, a flux and a detector, each in one yaml."""

from pathlib import Path

OWN_SEARCH = """
kind: recast
final_state: ee
fiducial: [tpc1]
min_cos_theta: 0.999
efficiency: {mass: [0.1, 0.5], value: [0.05, 0.10]}
background:
  fhc: {events: 0.2, pot: 1.234e21, error: 30 %}
  rhc: {events: 0.01, pot: 6.29e20, error: 100 %}
observed:
  t2k_2019: {fhc: 0, rhc: 0}
  run1: {fhc: 0}
systematics: {efficiency: 10 %}
"""

OWN_DETECTOR = """
defaults:
  - override /flux: my_beam
  - override /search: front
name: my_detector
datasets: [{exposure: run1}]
materials: {rock: {Si28: 0.467, O16: 0.533}, gas: {Ar40: 1}}
volumes:
  rock:  {material: rock, density: 2 g/cm3, center: [0, 0, -30 m], size: [20 m, 20 m, 50 m]}
  tank:  {material: gas, density: 1.8e-3 g/cm3, center: [0, 0, 0], size: [3 m, 3 m, 3 m]}
fiducial:
  tpc1:  {center: [0, 0, -0.5 m], size: [2 m, 2 m, 0.5 m]}
  tpc2:  {center: [0, 0, 0.5 m], size: [2 m, 2 m, 0.5 m]}
  tpc3:  {center: [0, 0, 1.2 m], size: [2 m, 2 m, 0.5 m]}
background_factor: 1
"""

OWN_FLUX = """
name: my_beam
table: {table}
flavours: [numu]
uncertainty: {{edges: [0, 10], size: [0.1]}}
"""

TABLE = "e_low_gev,e_high_gev,fhc_numu,rhc_numu\n0,1,1e11,1e11\n1,3,5e11,5e11\n3,8,1e11,1e11\n"


def own_folder(path: Path) -> Path:
    """A folder for `--config-dir`: searches front and back, flux my_beam, my_detector."""
    (path / "beam.csv").write_text(TABLE)
    back = OWN_SEARCH.replace("[tpc1]", "[tpc2, tpc3]").replace("events: 0.2", "events: 0.4")
    files = {
        "search/front": OWN_SEARCH,
        "search/back": back,
        "flux/my_beam": OWN_FLUX.format(table=path / "beam.csv"),
        "detector/my_detector": OWN_DETECTOR,
        "exposure/run1": "name: run1\npot: {fhc: 1e21}\n",
    }
    for name, text in files.items():
        file = path / "mine" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return path / "mine"
