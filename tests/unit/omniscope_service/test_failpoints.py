"""Failpoints are armed by name, and a slip of the pen is no silent nothing."""

import pytest

from omniscope_service.errors import ConfigurationError
from omniscope_service.failpoints import parse


def test_places_are_armed_by_name():
    armed = parse("claim.after_commit=kill;relay.before_publish=sleep:2.5")

    assert armed == {"claim.after_commit": "kill", "relay.before_publish": "sleep:2.5"}
    assert parse("") == {}


@pytest.mark.parametrize("text", ["claim", "claim=die", "a=kill=kill", "a=sleep"])
def test_what_cannot_be_read_is_refused(text):
    with pytest.raises(ConfigurationError, match="OMNISCOPE_FAILPOINTS"):
        parse(text)
