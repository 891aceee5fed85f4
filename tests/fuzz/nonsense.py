# ruff: noqa: E501
"""What the fuzzer makes its cases of."""

VALUES = [
    "0", "1", "-1", "2", "1e300", "-1e300", "1e-300", "1e308", "1e309", "1e-320", "1e9", "1e11", "1e12",
    "0.1", "0.5", "1.5", "0.95", "1e-6", "1e5", "inf", "-inf", "nan", "9" * 30, "9" * 5000, "1_0",
    "true", "false", "null", "'true'", "'null'", "'1'", "'1e3'", "'5 %'", "'5 POT'", "'1 m'", "'1 GeV'",
    "'1e-6 GeV^-1'", "'1 g/cm3'", "'1e400 m'", "'1 m^9'", "'1/0'", "'1/3'", "'2 furlong'", "''", "' '",
    "x", "'../../x'", "/dev/null/x", "'~/x'", "'~no_such/x'", "'a b'", "größe", "'größe'", "'y (1)'",
    "y (1)", "a#b", "'a#b'", "'α'", "'\\n'", "'a\\nb'", "'a\x00b'", "'$x$'", "'$\\frac$'", "'%s'",
    "'{0}'", "'<b>'", "'[red]'", "'" + "x" * 5000 + "'", "all", "auto", "none", "off", "run", "exact",
    "poisson", "dirac", "${name}", "${nowhere}", "${oc.env:HOME}", "${oc.env:NO_SUCH}", "${", "$",
    "${oc.decode:x}", "???", "=", "==", "a=b", "a,b", "1,2", "[", "]", "{", "}", "(", ")", "[[]]", "'",
    '"', "\\", ":", "a:b", "~", "@", "int(x)", "range(1,3)", "choice(a,b)", "glob(*)", "shared:x",
]  # fmt: skip
"""Of settings, as on the command line."""

STRUCTURES = [
    "[]", "{}", "[null]", "[1,1]", "[2,1]", "[0.1,0.2]", "[a]", "[[a]]", "[{}]", "[{1: 2}]", "{1: 2}",
    "{a: 1}", "{a: {b: [c]}}", "[" * 40 + "]" * 40, "[" * 200 + "]" * 200, "{a: " * 60 + "1" + "}" * 60,
    "{fhc: 1}", "{fhc: true}", "{fhc: {events: 1, pot: 1}}", "{min: 1, max: 2, points: 3}",
    "{e: 0, mu: 1, tau: 0}", "[{detector: nd280, exposure: t2k_2019}]", "[{exposure: t2k_2019}]",
    "[{name: x, exposure: {name: y, pot: {fhc: 1e20}}}]", "{kind: fit}",
    "{kind: recast}", "{kind: [a]}", "{kind: null}", "{kind: store, action: list}", "[1,2,3,4]",
    "[0.1,0.10000000000000002]", "[1e-7,1e-6]", "{name: pair_mass, edges: [0, 1], background: [1]}",
]  # fmt: skip

TYPED = [
    None, True, False, 0, 1, -1, 2, 7, 10**9, 10**12, 10**30, 10**400, 0.0, 0.1, 0.5, 1.5, -0.1, 1e-300,
    1e300, 1e308, 1e-320, float("inf"), float("nan"), 1e-6, 1e5, 1e20, "", " ", "x", "1", "1e3", "5 %",
    "5 POT", "1 m", "1 GeV", "1e400 m", "1 g/cm3", "1/0", "1_0", "../../x", "~/x", "~no_such/x", "a b",
    "größe", "a\nb", "a\x00b", "$\\frac$", "<b>", "x" * 5000, "all", "auto", "none", "null", [], {}, [1],
    [1, 1], [2, 1], [0.1, 0.2], ["a"], [["a"]], [None], [{}], [True], {"a": 1}, {"fhc": 1}, [1, 2, 3],
    {"kind": "x"}, {"kind": None}, [[]], ["1 MeV", "2 MeV"], [0.9, 0.9], [10**400], {"fhc": None},
]  # fmt: skip
"""Of settings, as YAML gives them."""

OTHERS = (["model=mixed_mu", "search=t2k_2019"], ["detector=miniboone"], ["search=sfgd_photon",
          "detector=nd280_upgrade"])  # fmt: skip
"""Studies of other models, detectors and kinds of search."""

STUDIES = [
    *OTHERS,
    [], ["detector=nd280_upgrade", "executor=dask_slurm"], ["experiment=published_2019"],
    ["search=tpc_ee_tracks", "search.tpc_ee_tracks.observable={name: pair_mass, edges: [0, 1], background: [1]}"],
]  # fmt: skip
"""What settings are taken from."""

SIZES = (
    r"^scan|^executor|^store|^resume|^runs|^compare|^yields_from|^data_from|points|toys|number|decays|"
    r"repeat|precision|interpolate|^task$|^task\.|^inference$|^simulation$|signals"
)
"""Keys that say how long a task takes, or where it is run."""

BAD_FILES = [
    b"", b"\xff\xfe", b"\xef\xbb\xbf# @package _global_\nname: x\n", "# ä".encode("latin-1"), b"- a\n",
    b"a: &a [*a]\n", b"a: &a {b: *a}\n", b"[" * 3000, b"{a: " * 3000, b"\x00", b"a: b: c\n", b"\t- a",
    b"# @package\n", b"# @package a b c\n", b"# @package _global_\ndefaults: nd280\n", b"5: 6\n",
    b"# @package _global_\ndefaults: [mine]\n", b"# @package _global_\ndefaults: [/config]\n",
    b"# @package _global_\ndefaults: [1, null, [a], {b: c, d: e}]\n", b"defaults: {a: b}\n",
    b"# @package _global_\ndefaults: [override /detector: none]\n", b"name: !!python/name:os.system\n",
    b"# @package _global_\ndefaults: [{override /hydra/launcher: x}]\n", b"!!binary x", b"? [a]\n: b\n",
    b"# @package _global_\nhydra: {callbacks: {x: {_target_: os.getcwd}}}\n", b"%YAML 9\n", b"---\n---\n",
    b"# @package hydra.callbacks\nx: {_target_: os.getcwd}\n", b"# @package _global_\nhydra: x\n",
    b"# @package _global_\nhydra: {job_logging: {handlers: {x: {(): os.getcwd}}}}\n", b"a: 2026-13-45\n",
    b"# @package _global_\nhydra: {sweep: null, run: {dir: null}}\n", b"name: ${name}\n", b"*a\n",
    b"# @package _global_\nname: ${name}\n", b"# @package _global_\n<<: {name: x}\n", b"<<: 1\n",
    b"# @package _global_\nx: &x [1]\nscan: {mass: {values: *x}}\n", b"#" * 100000, b"a: " + b"9" * 5000,
    b"# @package _global_\ndetector: null\n", b"# @package _global_\ndetector: nd280\n", b"key: |\n",
    b"# @package _global_\ndatasets: [{detector: {}, exposure: {}}]\n", b"hydra.callbacks: {}\n",
]  # fmt: skip
"""In place of a preset."""

_POINT = ["task=point", "model.mass=0.1", "model.coupling=4e-7"]
_SINGLE = """
detector=[nd280,nd280_upgrade]
model=[dipole_mu,dipole_e]
exposure=[t2k_2019,t2k_2023]
flux=[1]
scan=[0.1,0.2]
bounds=[[a]]
~flux=1
datasets=[{1: 2}]
scan.coupling.values=[1e300]
scan.coupling.values=[1e-150]
scan.mass.values=[1e-300]
scan.mass.points=1e11
detector.volumes.rock.density=1e300
detector.background_factor=1e-300
model.width_factor=1e-300
model.flavours.tau=1e308
simulation.radius=1e300
simulation.seed=true
events.number=true
events.number=1e12
events.couplings=[1e308]
inference.levels=[1e-300]
inference.levels=[0.9,0.9]
inference.sigmas=[5,5]
search.tpc_ee.background.rhc.pot=1.5
search.tpc_ee.background.fhc.pot='5 %'
datasets=[{name: '../../../ESCAPE', exposure: t2k_2019}]
datasets=[{exposure: {name: x, pot: {'../x': 1e20}}}]
+search.tpc_ee.observed.t2k_2023={fhc: true, rhc: 0}
detector.name='../x'
+detector.fiducial.'../x'={center: [0,0,0], size: [1,1,1]}
yields_from=größe.csv
yields_from='größe.csv'
yields_from=y (1).csv
yields_from=y[1].csv
yields_from=y#1.csv
runs=~/x
name=größe
--shell-completion
--shell-completion=1
--experimental-rerun=x
--config-dir=nowhere
--config-name=nowhere
--info=nonsense
--cfg=nonsense
resume=nowhere
resume=mine
store=shared:
""".strip().splitlines()

SEEDS = [
    *([argument] for argument in _SINGLE),
    ["search=tpc_ee_tracks", "search.tpc_ee_tracks.separation_path=-1"],
    ["search=tpc_ee_tracks", "search.tpc_ee_tracks.decays=1e9"],
    ["task=coverage", "model.mass=0.1", "model.coupling=1e-6", "task.toys=1e9"],
    ["task=fit", "task.points=1e9"],
    ["task=fit", "task.sigmas=[9]"],
    ["detector=nd280_upgrade", "detector.volumes.ecal_upstream.repeat=1e9"],
    ["-m", "detector=nd280,nd28"],
    ["--multirun", "simulation.seed=1,2", "hydra.job.chdir=true"],
    [*_POINT, "data_from=mine/empty"],
    ["--config-dir=mine", "experiment=nothing"],
    ["--cfg", "job", "--resolve"],
    ["--cfg", "hydra", "--package", "nothing"],
    ["hydra.run.dir=''"],
    ["hydra.mode=x"],
    ["hydra.searchpath=[1]"],
    ["hydra.searchpath=[pkg://nothing]"],
    ["hydra/launcher=nothing", "-m"],
]
"""Faults that there were, and their neighbours."""
