import dataclasses

import numpy as np
import pytest
from axes import ANY

from hnlstat.errors import DataError
from hnlstat.run.files.yields import read_yields, write_yields
from hnlstat.search.table import YieldTable
from hnlstat.tables.csv_table import read_csv

LABELS = ("dataset", "mode", "volume", "channel", "bin")


def make_table():
    generator = np.random.default_rng(3)
    masses, couplings = np.geomspace(0.01, 1.2, 4), np.geomspace(1e-8, 1e-3, 5)
    decays, events, mc_error = generator.exponential(size=(3, 4, 5, 3)) * 10.0 ** generator.uniform(
        -300, 5, size=(3, 4, 5, 3)
    )
    return YieldTable(
        masses,
        couplings,
        dataset=("nd280",) * 3,
        mode=("fhc", "fhc", "rhc"),
        volume=("tpc1", "tpc2", "tpc1"),
        channel=("nd280_fhc", "nd280_fhc", "nd280_rhc"),
        bin=(0, 0, 0),
        decays=decays,
        events=events,
        mc_error=mc_error,
        modifiers={
            "flux": generator.normal(0, 0.1, (4, 5, 3)),
            "rock_density": np.zeros((4, 5, 3)),
        },
    )


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "yields.csv"
    write_yields(path, make_table(), ANY)
    return path


def rewrite(path, change):
    lines = path.read_text().splitlines()
    path.write_text("\n".join(change(lines)) + "\n")
    return path


def test_yields_survive_the_file(written):
    table, back = make_table(), read_yields(written, ANY, channels=("nd280_fhc", "nd280_rhc"))
    # ten digits for the axes, eight for the values
    np.testing.assert_allclose(back.masses, table.masses, rtol=1e-9)
    np.testing.assert_allclose(back.couplings, table.couplings, rtol=1e-9)
    for name in ("decays", "events", "mc_error"):
        np.testing.assert_allclose(getattr(back, name), getattr(table, name), rtol=1e-7)
    np.testing.assert_allclose(back.modifiers["flux"], table.modifiers["flux"], rtol=1e-7)
    assert set(back.modifiers) == {"flux", "rock_density"}
    assert all(getattr(back, name) == getattr(table, name) for name in LABELS)


def test_lines_may_come_in_any_order(written):
    before = read_yields(written, ANY)
    rewrite(written, lambda lines: ["# a comment", lines[0], *lines[:0:-1]])
    after = read_yields(written, ANY)
    np.testing.assert_array_equal(after.events[..., ::-1], before.events)
    assert after.volume == before.volume[::-1]


def test_unknown_decays_stay_unknown(tmp_path):
    table = make_table()
    path = tmp_path / "yields.csv"
    write_yields(path, dataclasses.replace(table, decays=np.full_like(table.decays, np.nan)), ANY)
    assert "nan" not in path.read_text()
    assert np.isnan(read_yields(path, ANY).decays).all()


def test_another_generators_table_needs_four_columns(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text(
        "channel,mass_gev,coupling_inv_gev,events\n"
        "nd280_upgrade_fhc,0.1,1e-7,2.5\nnd280_upgrade_fhc,0.1,1e-6,3.5\n"
    )
    table = read_yields(path, ANY)
    assert (table.dataset, table.mode, table.volume) == (("nd280_upgrade",), ("fhc",), ("all",))
    np.testing.assert_array_equal(table.events, [[[2.5], [3.5]]])
    np.testing.assert_array_equal(table.mc_error, 0)
    assert table.modifiers == {}


def test_dataset_and_mode_name_the_channel(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("dataset,mode,mass_gev,coupling_inv_gev,events\nnd280,rhc,0.1,1e-7,2.5\n")
    assert read_yields(path, ANY).channel == ("nd280_rhc",)


def set_entry(line, column, value):
    def change(lines):
        entries = lines[line - 1].split(",")
        entries[lines[0].split(",").index(column)] = value
        return [*lines[: line - 1], ",".join(entries), *lines[line:]]

    return change


def other_table(path, head="", columns="", entries="", masses=("0.1", "0.2"), d=("1e-7", "1e-6")):
    lines = [f"channel,mass_gev,coupling_inv_gev,events{columns}"]
    lines += [f"a_fhc,{mass},{coupling},2{entries}" for mass in masses for coupling in d]
    path.write_text(head + "\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"masses": ("100", "200")}, r"line 4: mass_gev = '200' is above 100 GeV; .* not MeV"),
        ({"masses": ("5", "50")}, r"line 2: mass_gev = '5' is the lowest mass of the table"),
        ({"masses": ("1e-4", "3e-4")}, r"line 4: mass_gev = '3e-4' is the highest mass"),
        ({"d": ("1e-7", "10")}, r"line 3: coupling_inv_gev = '10' is not between 1e-12 and 1"),
        ({"columns": ",rel_x", "entries": ",12"}, r"line 2: rel_x = '12' is no relative change"),
        ({"columns": ",rel_x", "entries": ",-12"}, r"line 2: rel_x = '-12' must be above -1"),
        (
            {"columns": ",rel_x", "entries": ",1200", "head": "# rel_unit: %\n"},
            r"line 3: rel_x = '1200' is no relative change",
        ),
        ({"columns": ",mc_error", "entries": ",10"}, r"line 2: mc_error = '10' is several times"),
        (
            {"masses": ("0.1", "0.10000000149")},
            r"lines 2 and 4: mass_gev = 0.1 and 0.10000000149 are nearly equal",
        ),
        (
            {"masses": ("0.30000000000000004", "0.3")},
            r"lines 2 and 4: mass_gev = 0.30000000000000004 and 0.3 are nearly equal",
        ),
        (
            {"d": ("1e-7", "1.000009e-7")},
            r"lines 2 and 3: coupling_inv_gev = 1e-7 and 1.000009e-7 are nearly equal",
        ),
    ],
)
def test_numbers_in_another_unit_or_there_twice_are_seen(tmp_path, change, reason):
    with pytest.raises(DataError, match=reason):
        read_yields(other_table(tmp_path / "y.csv", **change), ANY)


def test_the_head_may_say_the_unit(tmp_path):
    def read(**change):
        return read_yields(other_table(tmp_path / "y.csv", **change), ANY)

    found = read(head="# mass_unit: MeV\n# coupling_unit: MeV^-1\n", masses=("100", "200"),
                 d=("1e-10", "1e-9"))  # fmt: skip
    np.testing.assert_allclose(found.masses, [0.1, 0.2], rtol=1e-12)
    np.testing.assert_allclose(found.couplings, [1e-7, 1e-6], rtol=1e-12)
    found = read(head="# rel_unit: %\n", columns=",rel_x", entries=",12")
    np.testing.assert_allclose(found.modifiers["x"], 0.12, rtol=1e-12)
    # what is strange, but can be meant, is taken once its unit is said
    assert read(head="# mass_unit: GeV\n", masses=("1.5", "2")).masses.tolist() == [1.5, 2.0]
    found = read(head="# rel_unit: 1\n", columns=",rel_x", entries=",1.5")
    np.testing.assert_allclose(found.modifiers["x"], 1.5, rtol=1e-12)


def test_points_that_differ_by_more_than_rounding_are_two(tmp_path):
    path = other_table(tmp_path / "y.csv", masses=("0.1", "0.100002"), d=("1e-7", "1.00002e-7"))
    assert read_yields(path, ANY).events.shape == (2, 2, 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (set_entry(3, "events", "-1"), r"yields.csv, line 3: events = '-1' must be at least 0"),
        (set_entry(4, "events", "nan"), r"line 4: events = 'nan' is not finite"),
        (set_entry(5, "mass_gev", "heavy"), r"line 5: mass_gev = 'heavy' is not a number"),
        (set_entry(5, "coupling_inv_gev", "0"), r"line 5: coupling_inv_gev = '0' must be above 0"),
        (set_entry(6, "rel_flux", "-1.5"), r"line 6: rel_flux = '-1.5' must be above -1"),
        (set_entry(6, "bin", "one"), r"line 6: bin = 'one' must be a whole number"),
        (
            set_entry(2, "channel", "sbnd_fhc"),
            r"line 2: channel 'sbnd_fhc' is unknown; .* nd280_fhc",
        ),
        (lambda lines: lines[:-1], r"not rectangular: no line for mass_gev = 1.2, .*nd280_rhc/0"),
        (lambda lines: [*lines, lines[7]], r"line 62: repeats the mass, coupling and channel"),
        (lambda lines: [*lines, "1,2,3"], r"line 62: 3 entries, expected 14"),
        (lambda lines: lines[:1], r"has no table"),
        (lambda lines: [lines[0].replace("events", "n"), *lines[1:]], r"line 1: lacks the column"),
        (lambda lines: [lines[0].replace("rel_flux", "bin"), *lines[1:]], r"repeats a column"),
    ],
)
def test_errors_name_file_line_and_column(written, change, reason):
    rewrite(written, change)
    with pytest.raises(DataError, match=reason) as caught:
        read_yields(written, ANY, channels=("nd280_fhc", "nd280_rhc"))
    assert str(caught.value).startswith(str(written))
    assert "\n" not in str(caught.value)


def test_a_channel_of_the_study_without_yields_is_an_error(written):
    with pytest.raises(DataError, match="no line for channel 'wagasci_fhc'"):
        read_yields(written, ANY, channels=("nd280_fhc", "nd280_rhc", "wagasci_fhc"))


def test_a_table_without_channel_says_so(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("mass_gev,coupling_inv_gev,events\n0.1,1e-7,2.5\n")
    with pytest.raises(DataError, match="lacks the column 'channel'"):
        read_yields(path, ANY)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"absent.csv: cannot be read: No such file"):
        read_yields(tmp_path / "absent.csv", ANY)


def test_reached_precision_and_interpolated_masses_are_in_the_file(tmp_path):
    table = make_table()
    between = np.zeros((4, 3), bool)
    between[2] = True
    write_yields(tmp_path / "yields.csv", dataclasses.replace(table, interpolated=between), ANY)
    found = read_csv(tmp_path / "yields.csv", required=("precision", "interpolated"))
    precision = found.numbers("precision").reshape(table.events.shape)
    np.testing.assert_allclose(precision, table.precision(), rtol=0.006)
    flag = found.numbers("interpolated").reshape(table.events.shape)
    np.testing.assert_array_equal(flag, np.broadcast_to(between[:, None], flag.shape))
    assert read_yields(tmp_path / "yields.csv", ANY).modifiers.keys() == table.modifiers.keys()
