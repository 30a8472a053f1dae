import re
from pathlib import Path

import pytest

from tests.faults.campaign import FAILPOINTS, UNUSED_FAILPOINTS, campaign

PROJECT = Path(__file__).parents[2]


# Four: registry, broker and worker die, a worker is paused. Seven: every kind of process is hurt.
@pytest.mark.slow
@pytest.mark.parametrize("kills", [4, 7])
async def test_a_short_campaign_loses_nothing_and_doubles_nothing(cluster_of_its_own, kills):
    result = await campaign(cluster_of_its_own, seed=1, kills=kills)

    assert result.broken == []
    assert result.surviving == 0
    # Or the campaign has shown nothing about zombies.
    assert result.stale > 0


def test_a_campaign_kills_at_every_failpoint_of_the_code():
    modules = [
        path for folder in ("libs", "services") for path in (PROJECT / folder).rglob("*.py")
    ]
    reached = re.compile(r'failpoints\.reach\("([a-z_.]+)"\)')
    in_code = {name for path in modules for name in reached.findall(path.read_text())}

    assert in_code == {*FAILPOINTS["registry"], *FAILPOINTS["worker"], *UNUSED_FAILPOINTS}
