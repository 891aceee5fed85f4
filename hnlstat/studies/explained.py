"""The studies of other data, which test what a fit prefers."""

from hnlstat.config.study import Study
from hnlstat.config.task import ExplainedTask
from hnlstat.errors import ConfigError
from hnlstat.studies.compose import load_anew


def others(study: Study) -> dict[str, Study]:
    """
    Compose the tests of a study with task=explained: the study itself, with other datasets.

    Raises
    ------
    ConfigError
        Names the test that does not compose.
    """
    assert isinstance(study.task, ExplainedTask)
    found = {}
    for name, test in study.task.tests.items():
        try:
            found[name] = study.replace(
                name=name,
                datasets=load_anew(test.overrides).datasets,
                task={"kind": "contour"},
                yields_from=None,
                data_from=None,
            )
        except ConfigError as error:
            raise ConfigError(f"task.tests.{name}: {error}") from None
    return found
