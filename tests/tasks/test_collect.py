"""task=collect: what it says of jobs without limits by mass."""

from pathlib import Path

from hnlstat.run.sweep import Job
from hnlstat.tasks.collect import REACH, Done, without_limits

WITH = {"reaches": [dict.fromkeys(REACH, 1.0)]}


def test_jobs_without_limits_are_named_beside_others():
    done = [
        Done(Job(number, (), "run", None), (), Path("run"), summary)
        for number, summary in enumerate((WITH, {"flavours": ["e", "mu"]}, {}))
    ]
    (line,) = without_limits(done)
    assert line == "no limits by mass in #1, #2: left out of the figure"
    assert without_limits(done[:1]) == without_limits(done[1:]) == []
