"""Takes the chosen model out of AutoGluon's folder, and nothing else.

There is no public way to ask which families the models that are left belong to
(`TabularPredictor.leaderboard` and `info` name classes only).
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autogluon.tabular import TabularPredictor


def keep_chosen_model(engine: "TabularPredictor") -> None:
    """Delete the training rows, and all models but the chosen one and what it is made of."""
    engine.delete_models(models_to_keep="best", dry_run=False)
    engine.save_space()


def kept_families(engine: "TabularPredictor") -> set[str]:
    """Return the families of the models that are left, by AutoGluon's names."""
    kinds = engine._trainer.get_models_attribute_dict("type_inner").values()  # noqa: SLF001
    return {kind.ag_key for kind in kinds if kind.ag_key}


def move_payload(engine: "TabularPredictor", payload: Path) -> None:
    """Move AutoGluon's folder to where a package has it."""
    shutil.move(engine.path, payload)
