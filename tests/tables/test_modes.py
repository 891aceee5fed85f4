"""Tables of modes and of their efficiencies: what cannot be is one line that names file and row."""

import pytest

from hnlstat.errors import DataError
from hnlstat.tables.modes import load_modes

CHANNELS = ("mupi", "ee")
MODES = [
    "mode,lepton,decay,flavours,numbers", "0,mu,muminus_piplus,mu,1", "1,e,ee,mu tau,2",
]  # fmt: skip
EFFICIENCY = [
    "mass_gev,mode,horn,channel,efficiency,own,common_1", "0.2,0,fhc,mupi,0.1,0.01,0.02",
    "0.3,1,fhc,ee,0.2,0.01,-0.02",
]  # fmt: skip


def read(folder, modes, efficiency):
    files = folder / "modes.csv", folder / "efficiency.csv"
    for file, rows in zip(files, (modes, efficiency), strict=True):
        file.write_text("\n".join([*rows, ""]))
    return load_modes(*map(str, files), CHANNELS, ["fhc"])


def test_what_is_read(tmp_path):
    found = read(tmp_path, MODES, EFFICIENCY)
    assert found.modes[1].flavours == ("mu", "tau")
    assert found.value["fhc"].shape == (2, 2, 2)
    assert found.value["fhc"].sum() == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,tau,ee,mu,2", "lepton = 'tau' must be e or mu, of K -> l N"),
        ("1,e,foo,mu,2", "decay = 'foo' is no decay of N; they are ee, mumu, emu"),
        ("1,e,nununu,mu,2", "decay = 'nununu' is no decay of N"),
        ("1,e,ee,x,2", "flavours = 'x' must be of e mu tau"),
        ("1,e,ee,,2", "flavours = '' must be of e mu tau"),
        ("1,e,ee,mu mu,2", "flavours = 'mu mu' has one twice"),
        ("1,e,eminus_piplus,mu,1", "flavours = 'mu' must be of e,"),
        ("1,e,ee,mu,3", "numbers = '3' must be 1 or 2"),
        ("2,e,ee,mu,2", "mode = '2' must be 1"),
    ],
)
def test_other_modes(tmp_path, row, message):
    with pytest.raises(DataError, match=f"^efficiency by mode .*modes.csv, line 3: {message}"):
        read(tmp_path, [*MODES[:2], row], EFFICIENCY)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (EFFICIENCY[:2], "has no row of the channel ee"),
        ([*EFFICIENCY, "0.3,2,fhc,ee,0.2,0,0"], "line 4: mode = '2' is no mode; .* has 2"),
        ([*EFFICIENCY, EFFICIENCY[1]], "line 4: mode = '0' is there twice"),
        ([*EFFICIENCY, "0.4,1,fhc,ee,1.2,0,0"], "line 4: efficiency = '1.2' must be at most 1"),
        ([*EFFICIENCY, "0.4,1,fhc,ee,-1,0,0"], "line 4: efficiency = '-1' must be at least 0"),
        ([*EFFICIENCY, "0.3,1,fhc"], "line 4: 3 entries, expected 7"),
        ([r.replace("0.3,", "0.2,") for r in EFFICIENCY], "has one mass; needed are two or more"),
        ([r.replace("fhc", "rhc") for r in EFFICIENCY], "has no row of the horn fhc; it has rhc"),
    ],
)
def test_other_efficiencies(tmp_path, rows, message):
    with pytest.raises(DataError, match=f"^efficiency by mode .*efficiency.csv[,:].*{message}"):
        read(tmp_path, MODES, rows)


def test_shipped_ones_are_read():
    files = (f"t2k_2019/{name}" for name in ("modes", "efficiency_by_mode"))
    found = load_modes(*files, CHANNELS, ["fhc", "rhc"])
    assert len(found.modes) == 24
    assert found.common["rhc"].shape == (36, 24, 2, 5)
