import numpy as np
import pytest

from hnlstat.errors import DataError
from hnlstat.run.files.data import read_data, write_data


def test_data_come_back_in_the_order_asked_for(tmp_path):
    path = tmp_path / "data.csv"
    write_data(path, ("a_fhc", "b_rhc"), (0, 0), np.array([3.0, 0.25]))
    assert read_data(path, ("b_rhc", "a_fhc"), (0, 0)).tolist() == [0.25, 3.0]


def test_data_of_several_bins(tmp_path):
    path = tmp_path / "data.csv"
    channels, bins = ("a_fhc", "a_fhc", "b_rhc", "b_rhc"), (0, 1, 0, 1)
    write_data(path, channels, bins, np.array([3.0, 1.0, 0.0, 2.0]))
    assert read_data(path, channels, bins).tolist() == [3.0, 1.0, 0.0, 2.0]
    path.write_text("channel,observed\nb_rhc,0\na_fhc,0\n")
    assert read_data(path, channels, bins).tolist() == [0.0] * 4
    for text, message in (
        ("channel,observed\na_fhc,2\nb_rhc,0\n", "line 2: observed = '2' lacks the column bin"),
        ("channel,bin,observed\na_fhc,0,2\nb_rhc,0,0\nb_rhc,1,0\n", "no line for bin 1 of chann"),
        ("channel,bin,observed\na_fhc,7,2\nb_rhc,0,0\n", "line 2: bin = '7' is not a bin of chan"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            read_data(path, channels, bins)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("channel,observed\na_fhc,3\n", "has no line for channel 'b_rhc'"),
        ("channel,observed\na_fhc,3\nb_rhc,-1\n", "line 3: observed = '-1'"),
        ("channel,observed\na_fhc,3\nc_fhc,1\n", "line 3: channel 'c_fhc' is unknown"),
        ("channel,observed\na_fhc,1e300\nb_rhc,1\n", "line 2: observed = '1e300' must be at most"),
        ("channel,observed\na_fhc,3\nb_rhc,1\na_fhc,2\n", "line 4: channel = 'a_fhc' is there tw"),
    ],
)
def test_wrong_data_name_their_line(tmp_path, text, message):
    path = tmp_path / "data.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_data(path, ("a_fhc", "b_rhc"), (0, 0))
