"""A spec survives the way to the child."""

import json
from types import NoneType
from typing import Any, get_args, get_type_hints

from hypothesis import given, settings
from hypothesis import strategies as st

from omniscope_deeplearning.options import RANGES, TrainingOptions
from omniscope_deeplearning.spec import TrainSpec
from omniscope_ml.codec import decode, encode
from omniscope_ml.networks.layout import ORDERS, InputLayout

SIDES = st.integers(1, 1_000_000)
SHARES = st.floats(allow_nan=False)


def option(name: str, kind: Any) -> st.SearchStrategy[Any]:
    """What an option may be, within its range."""
    if name not in RANGES:
        return st.from_type(kind)
    (smallest, largest), kinds = RANGES[name], get_args(kind) or (kind,)
    whole = st.integers(int(smallest), int(largest))
    numbers = whole if int in kinds else st.floats(smallest, largest)
    return st.none() | numbers if NoneType in kinds else numbers


OPTIONS = st.builds(
    TrainingOptions,
    **{name: option(name, kind) for name, kind in get_type_hints(TrainingOptions).items()}
    | {"warmup_epochs": st.just(0)},
)
LAYOUTS = st.one_of(
    st.builds(InputLayout, kind=st.sampled_from(["auto", "flat"])),
    st.builds(
        InputLayout,
        kind=st.just("sequence"),
        steps=SIDES,
        channels=SIDES,
        order=st.sampled_from(ORDERS),
    ),
)
# Fields with a default are left out unless they are named.
FIELDS = dict.fromkeys(TrainSpec.__dataclass_fields__, ...)
SPECS = st.builds(
    TrainSpec,
    **FIELDS
    | {
        "parameters": st.dictionaries(st.text(), st.integers() | SHARES | st.booleans()),
        "input_layout": LAYOUTS,
        "training": OPTIONS,
        "test_fraction": SHARES,
        "validation_fraction": st.none() | SHARES,
    },
)


@given(SPECS)
@settings(deadline=None)
def test_every_spec_survives_json(spec):
    assert decode(TrainSpec, json.loads(json.dumps(encode(spec)))) == spec
