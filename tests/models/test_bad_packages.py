"""Packages of models that are not right: one line that names the kind, and what is wrong."""

import re
from pathlib import Path

import numpy as np
import pytest

from hnlstat.app import main
from hnlstat.errors import ConfigError
from hnlstat.search.yields import Plan
from hnlstat.studies import load

SOURCE = (Path(__file__).parent / "example_package" / "contact_hnl.py").read_text()
ENTRY = "contact = contact_hnl:ContactModel"
GRID = "scan.coupling={min: 1e-3, max: 1, points: 8, spacing: log, values: null}"
MASSES = np.array([0.1])
DECAY = """
from hnlstat.physics.processes import Decay, Product
@dataclass(frozen=True)
class Pair(Decay):
    products: ClassVar = (Product("eminus", 11, -1, 0.000511), Product("eplus", -11, 1, 0.000511))
    dimensions: ClassVar = 2
    def sample(self, points, momentum, mass, polarisation):
        unit = np.sqrt(0.25 - 0.000511**2)
        vector = np.array([[0.5, 0, 0, unit]] * len(points))
        return RESULT
ContactModel.decay = lambda self, final_state: Pair()
"""


def refused(tmp_path, capsys, *arguments):
    """The only line, with the exit status 2 and no folder of a run."""
    runs = tmp_path / "runs"
    given = ["model=contact", GRID, "task=yields", "executor=serial", "simulation.precision=0.5"]
    assert main([*given, f"runs={runs}", *arguments]) == 2
    captured = capsys.readouterr()
    assert not captured.out
    (line,) = captured.err.splitlines()
    assert not list(runs.glob("*/*"))
    return line


def simulate():
    study = load(["model=contact", GRID, "simulation.precision=0.5"])
    return [job.run() for job in Plan.of(study, MASSES, study.scan.coupling.array()).jobs()]


def changed(old, new):
    assert old in SOURCE
    return SOURCE.replace(old, new)


def method(name, body):
    """The source with another body for a method of one line."""
    found = re.search(rf"(    def {name}\(.*\n)(?:        \"\"\".*\n)?(?:        .*\n)+", SOURCE)
    return SOURCE.replace(found[0], f"{found[1]}        {body}\n")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise RuntimeError('no\\nlibrary')", "does not load: no library"),
        ("raise SystemExit(3)", "does not load: 3"),
        ("import no_such_library", "does not load: No module named 'no_such_library'"),
        ("def broken(:\n", "does not load: invalid syntax"),
        ("", "does not load: module 'contact_hnl' has no attribute 'ContactModel'"),
        ("ContactModel = 3", "int is no subclass of hnlstat.config.model.Model"),
        ("class ContactModel: pass", "ContactModel is no subclass of hnlstat.config.model.Model"),
        (changed("def strength", "def strenght"), "ContactModel lacks strength"),
        (changed("def source", "def sauce"), "ContactModel lacks source"),
        (changed("def branching", "def width_of"), "ContactModel lacks branching"),
        (changed('("ee",)', "()"), "final_states is (), not names such as ('ee',)"),
        (changed('("ee",)', '"ee"'), "final_states is 'ee', not names such as ('ee',)"),
        (changed('("ee",)', '("ee", 3)'), "final_states is ('ee', 3), not names"),
        (changed("coupling_axis:", "axes:"), "ContactModel.coupling_axis is no CouplingAxis"),
        (changed('"", "coupling_u2"', '"GeW", "coupling_u2"'), "has no unit that is known here"),
        (changed('"coupling_u2"', '"U 2"'), "column 'U 2' is not like coupling or coupling_inv_"),
        (changed("1e-14, 1)", "1, 1e-14)"), "couplings from 1 to 1e-14 are no range"),
        (changed('["contact"]', '["other"]'), "model.kind: contact is not one of 'other'"),
        (changed('("ee",)', '("mupi",)'),
         "ee is no final state of the model contact; choose from mupi"),
        (method("strength", "return couplings[:-1]"),
         "model.kind: contact: strength has the shape (7,), where (8,) is asked for"),
        (method("strength", "return couplings * np.nan"), "strength has numbers that are not fin"),
        (method("strength", "return -couplings"), "strength has -1, which is not above 0"),
        (method("strength", "return couplings * 0"), "strength has 0, which is not above 0"),
        (method("strength", "return 'strong'"), "strength gives a str, not numbers"),
        (method("strength", "return couplings / self.size"),
         "strength fails: AttributeError: 'ContactModel' object has no attribute 'size'"),
        (changed("1e-12  #", "-1e-12  #"), "inverse_decay_length has -"),
        (changed("1e-12  #", "0.0  #"), "inverse_decay_length has 0, which is not above 0"),
        (method("inverse_decay_length", "return masses"), "inverse_decay_length has the shape (2"),
        (method("branching", "return 50.0 * np.ones(np.shape(masses))"),
         "branching to ee has 50, which is not between 0 and 1"),
        (method("branching", "return 0.5"), "branching to ee has the shape (), where (20,) is"),
        (method("flavour_weights", "return {'muon': 1.0}"), "not weights of e, mu, tau"),
        (method("flavour_weights", "return {'mu': -1.0}"), "where numbers from 0 on belong"),
        (method("flavour_weights", "return {'tau': 1.0}"), "no flux that the model contact coup"),
        (method("flavour_weights", "return None"), "flavour_weights gives None, not weights"),
        (method("source", "return None"), "source is a NoneType, not a dataclass derived from Up"),
        (changed("Contact(Upscattering)", "Contact"), "source is a Contact, not a dataclass"),
        (changed("(-1, 0)", "(-1, 1)"),
         "source.polarisation on C12 has the size 1.41421, above 1"),
        (method("polarisation", "return -1"),
         "source.polarisation on C12 has the shape (), where (2, 5, 4) is asked for"),
        (changed("def polarisation", "def helicity"), "source fails: TypeError: Can't instantiate"),
        (method("cross_section", "return np.nan * q2 * energy * mass"),
         "source.cross_section on C12 has numbers that are not finite"),
        (method("cross_section", "return -q2 * energy * mass"), "source.cross_section on C12 has "),
        (method("cross_section", "return q2"), "cross_section on C12 has the shape (4,), where"),
        (method("cross_section", "return np.where(q2 * energy < 1e-5, -1.0, 1e-36)"),
         "model.kind: Contact has cross sections that are negative or not finite"),
        (SOURCE + DECAY.replace("RESULT", "(vector,)"), "gives 1 particles for 2 products"),
        (SOURCE + DECAY.replace("RESULT", "(vector, vector[:, :3])"), "of eplus has the shape"),
        (SOURCE + DECAY.replace("RESULT", "(vector, 2 * vector)"), "of eplus is not of its mass"),
        (SOURCE + DECAY.replace("RESULT", "(9 * vector, vector)").replace("0.000511", "0.0"),
         "decay.sample gives more energy than N has"),
        (SOURCE + DECAY.replace('"eplus"', '"eminus"').replace("RESULT", "(vector, vector)"),
         "products of the names ['eminus', 'eminus']"),
        (SOURCE + "ContactModel.decay = lambda self, state: 3\n", "decay gives a int, not a data"),
        (SOURCE + DECAY.replace("= 2\n", "= 0\n"), "decay.dimensions is 0, not a whole number"),
    ],
)  # fmt: skip
def test_one_line_for_what_is_wrong(install, source, message):
    install("contact_hnl", source, ENTRY)
    with pytest.raises(ConfigError) as error:
        simulate()
    line = str(error.value)
    assert len(line.splitlines()) == 1
    assert "contact" in line.lower()
    assert message in line


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["dipole = contact_hnl:ContactModel", ENTRY],
         "entry point dipole = contact_hnl:ContactModel of contact_hnl: dipole is a kind that com"),
        ([ENTRY, "contact = other:Model"], "contact is also contact_hnl:ContactModel of contact_h"),
        (["contact = contact_hnl"], "module is no subclass of hnlstat.config.model.Model"),
        (["contact = no_such_module:Model"], "does not load: No module named 'no_such_module'"),
        (["contact = contact hnl : x y"], "does not load: "),
    ],
)  # fmt: skip
def test_entry_points_that_are_not_right(install, tmp_path, capsys, entries, message):
    install("contact_hnl", SOURCE, *entries)
    assert message in refused(tmp_path, capsys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["model.kind=contakt"], "model.kind: contakt is no kind of model; did you mean contact?"),
        (["model=contakt"], "model=contakt: no such model; did you mean contact?"),
        (["model=dipole_mu", "model.kind=contact"], "model.flavours: unknown key; choose from kin"),
        (["scan.coupling.min='1e-9 GeV^-1'"], "is an inverse energy, expected a coupling without"),
        (["scan.coupling.max=2"], "scan.coupling.max: 2 is above 1, the most here"),
        (["model.coupling=1e-20"], "model.coupling: 1e-20 is below 1e-14, the least here"),
        (["model.widht=3"], "model.widht: unknown key; did you mean model.width?"),
        (["bounds.curves=[lep]", "task=contour"],
         "bounds.curves: lep is on another coupling than that of the model, U2 (coupling_u2)"),
        (["task=events", "model.mass=0.1", "model.coupling=0.1"],
         "model.kind: contact: decays to ee are not sampled, which is needed here"),
        (["task=efficiency", "task.coupling='1e-7 GeV^-1'"],
         "task.coupling: 1e-7 GeV^-1 is an inverse energy, expected a coupl"),
        (["task=compare"],
         "compare.from: its model is dipole, whose coupling (coupling_inv_gev) is not that of con"),
    ],
)  # fmt: skip
def test_settings_that_do_not_go_with_the_model(install, tmp_path, capsys, arguments, message):
    install("contact_hnl", SOURCE, ENTRY)
    assert message in refused(tmp_path, capsys, *arguments)


def test_a_table_of_yields_of_another_model(install, tmp_path, capsys):
    install("contact_hnl", SOURCE, ENTRY)
    table = tmp_path / "y.csv"
    table.write_text("channel,mass_gev,coupling_inv_gev,events\nnd280_fhc,0.1,1e-6,1\n")
    line = refused(tmp_path, capsys, f"yields_from={table}")
    assert "line 1: lacks the column 'coupling_u2'; it has channel, mass_gev, coupling_inv" in line
