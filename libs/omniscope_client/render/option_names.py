"""Says the API's names of fields as the command line's options, in notes and errors."""

import re

from google.protobuf.message import Message

from omniscope.common.v1.resources_pb2 import Resources
from omniscope.common.v1.split_pb2 import SplitConfig
from omniscope.deeplearning.v1.training_pb2 import Preprocessing, TrainingOptions

_PARTS: dict[str, type[Message]] = {
    "split": SplitConfig,
    "resources": Resources,
    "preprocessing": Preprocessing,
    "training": TrainingOptions,
}
OPTIONS = {
    f"{path}.{name}": f"--{name.replace('_', '-')}"
    for path, part in _PARTS.items()
    for name in part.DESCRIPTOR.fields_by_name
} | {
    "target_column": "--target",
    "feature_columns": "--feature",
    "ignore_columns": "--ignore",
    "key_column": "--key",
    "weight_column": "--weight",
    "group_column": "--group-column",
    "time_column": "--time-column",
    "split_column": "--split-column",
    "input_layout": "--layout",
    "problem_type": "--problem-type",
    "positive_class": "--positive-class",
    "deadline_seconds": "--deadline",
    "time_limit": "--time-limit",
    "eval_metric": "--metric",
    "included_model_families": "--include",
    "excluded_model_families": "--exclude",
    "model_name": "--name",
    "seed": "--seed",
    "step": "--step",
    "split.strategy": "--split",
    "split.seed": "--split-seed",
    "feature_selection.top_k": "--select",
    "feature_selection.method": "--select-by",
    "training.warmup_epochs": "--warmup",
}
# A plain word may be meant as one, and a name in quotes may be a column of the user's.
_NAMES = "|".join(re.escape(name) for name in OPTIONS if "_" in name or "." in name)
_FIELD = re.compile(rf"(?<![\w.'\"-])({_NAMES})(?![\w'\"]|\.\w)")


def in_options(text: str, field: str = "") -> str:
    """Return a sentence about a request in the words of the command line.

    Args:
        text: The sentence.
        field: The field that it begins with, if it does.

    >>> in_options("name it in key_column"), in_options("seed is -1; allowed is 0", "seed")
    ('name it in --key', '--seed is -1; allowed is 0')
    """
    if field in OPTIONS and text.startswith(f"{field} "):
        text = OPTIONS[field] + text.removeprefix(field)
    return _FIELD.sub(lambda found: OPTIONS[found[0]], text)
