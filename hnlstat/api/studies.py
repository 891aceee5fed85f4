"""Studies of a script or notebook, in the grammar of the command line."""

from __future__ import annotations

from hnlstat.api.grammar import overrides_of
from hnlstat.config.study import Study
from hnlstat.errors import ConfigError, memory_in_a_line
from hnlstat.studies import load
from hnlstat.system.arguments import key_of


def study(*overrides: str, **sections: object) -> Study:
    """
    Compose a study and check it: the one that the command line would run.

    Parameters
    ----------
    *overrides
        What would stand on the command line: `"detector=nd280_upgrade"`, `"scan.mass.points=20"`.
        Options of your own are found by `"hydra.searchpath=[file:///my/folder]"`.
    **sections
        Parts of the configuration by name. A string chooses an option, as in
        `detector="nd280_upgrade"`; a mapping sets keys and leaves the others, as in
        `scan={"mass": {"points": 20}}`; None takes an option out. Quantities are numbers in base
        units (GeV, m, g/cm3, POT, GeV^-1) or strings with their unit, lists may be arrays.

    Raises
    ------
    ConfigError
        In one line: the key, the value and what would be right.
    DataError
        If a file or table cannot be read.

    Examples
    --------
    >>> study("detector=nd280_upgrade", model={"nature": "majorana"})
    >>> study(experiment="quick", scan={"mass": {"min": "50 MeV", "points": 20}})
    """
    for text in overrides:
        if not isinstance(text, str):
            raise ConfigError(
                f"study: {text!r:.100} is not an override; write 'key=value', one by one, or "
                "key=value without the quotes"
            )
        if text.startswith("-"):
            raise ConfigError(f"study: {text} is a flag of the command line, not key=value")
        key = key_of(text)
        if key.startswith("hydra") and not key.startswith("hydra.searchpath"):
            raise ConfigError(
                f"study: {text} is a setting of Hydra, which only the command line has"
            )
    own = list(overrides_of(sections))
    given = {key_of(text): text for text in overrides}
    for text in own:
        if (key := key_of(text)) in given:
            raise ConfigError(f"{key}: is given twice, also as {given[key]!r:.100}")
    with memory_in_a_line():
        try:
            return load([*overrides, *own])
        except ConfigError as error:  # there is no -m here
            text = str(error).replace("add -m to run each", "make a study of each")
            raise ConfigError(text) from None
