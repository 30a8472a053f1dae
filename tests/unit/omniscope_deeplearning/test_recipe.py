"""What a request leaves open is decided by its rows."""

from typing import Any

import pytest

from omniscope_deeplearning.prepared import read_prepared_table
from omniscope_deeplearning.recipe import Recipe, recipe_for

NARROW = Recipe(
    batch_size=32,
    optimizer="adamw",
    learning_rate=0.001,
    weight_decay=0.01,
    dropout=0.1,
    min_improvement=0.001,
)
WIDE = Recipe(
    batch_size=16,
    optimizer="sgd",
    learning_rate=0.05,
    weight_decay=0.1,
    dropout=0.3,
    min_improvement=0.001,
)


@pytest.fixture
def recipe_of(make_spec, stored):
    """Returns the recipe of a spec for a data set."""

    def recipe(data, architecture="mlp", **options):
        spec = make_spec(data, architecture, options=options)
        return recipe_for(spec, read_prepared_table(stored[data], spec))

    return recipe


@pytest.mark.parametrize(("data", "expected"), [("penguins", NARROW), ("tissue", WIDE)])
def test_wide_tables_are_learned_with_more_restraint(recipe_of, data, expected):
    assert recipe_of(data) == expected


def test_other_networks_keep_their_optimizer_on_wide_tables(recipe_of):
    recipe = recipe_of("tissue", "transformer")

    assert (recipe.optimizer, recipe.learning_rate) == ("adamw", 0.001)


def test_what_is_asked_for_is_taken(recipe_of):
    asked: dict[str, Any] = {
        "weight_decay": 0.0,
        "dropout": 0.0,
        "optimizer": "sgd",
        "batch_size": 7,
    }

    recipe = recipe_of("penguins", **asked, min_improvement=0.0)

    assert recipe == Recipe(**asked, learning_rate=0.05, min_improvement=0.0)
