"""A spec survives the way to the child."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from omniscope_automl.spec import TrainSpec, hard_limit_seconds
from omniscope_ml.codec import decode, encode

SHARES = st.floats(allow_nan=False)
# Fields with a default are left out unless they are named.
FIELDS = dict.fromkeys(TrainSpec.__dataclass_fields__, ...)
SPECS = st.builds(
    TrainSpec, **FIELDS | {"test_fraction": SHARES, "validation_fraction": st.none() | SHARES}
)


@given(SPECS)
@settings(deadline=None)
def test_every_spec_survives_json(spec):
    assert decode(TrainSpec, json.loads(json.dumps(encode(spec)))) == spec


def test_the_hard_limit_leaves_room_for_overruns():
    assert [hard_limit_seconds(seconds) for seconds in (10, 600)] == [133, 870]
