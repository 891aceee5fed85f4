from fuzzer import faults

CASES = 300
"""The known faults, and some 200 cases more; any number by hand: see fuzzer.py."""


def test_nonsense_ends_well_or_is_refused_in_one_line() -> None:
    found = [f"{case}: {fault}" for case, fault in faults(CASES, seed=1)]
    assert found == []
