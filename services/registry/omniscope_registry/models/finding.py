"""Finds models by what clients call them: id, name, `name@2` or `name@champion`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import false, select

from omniscope_registry.tables.models import ml_models, model_aliases
from omniscope_service.errors import InvalidArgument, NotFound
from omniscope_service.names import is_id, is_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Select

ALIAS_FORM: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_VERSION: Final = re.compile(r"[1-9][0-9]{0,8}")


def one(
    columns: Sequence[ColumnElement[Any]],
    among: Sequence[ColumnElement[bool]],
    owner: str,
    reference: str,
) -> Select[Any]:
    """Return the query for one model.

    Args:
        columns: What to select.
        among: Conditions that the model has to meet, the owner's among them.
        owner: Whose aliases count.
        reference: Id, name (its newest version), `name@2`, or `name@champion`.
    """
    query = select(*columns).where(*among)
    models = ml_models.c
    if is_id(reference):
        return query.where(models.id == reference.upper())
    name, at, version = reference.partition("@")
    if not is_name(name):
        return query.where(false())  # PostgreSQL fails at a text with a zero byte.
    query = query.where(models.name == name)
    if not at:
        return query.order_by(models.version.desc()).limit(1)
    if _VERSION.fullmatch(version):
        return query.where(models.version == int(version))
    if not ALIAS_FORM.fullmatch(version):
        return query.where(false())
    return query.where(models.id == _target(owner, name, version))


def check_alias(alias: str) -> str:
    """Return an alias of the right form; digits alone would be taken for a version.

    Raises:
        InvalidArgument: Reason ALIAS_INVALID.
    """
    if not ALIAS_FORM.fullmatch(alias):
        raise InvalidArgument(
            f"alias {alias[:64]!r} is not of 1 to 63 lower-case letters, digits, '_' and '-', "
            "beginning with a letter.",
            reason="ALIAS_INVALID",
            field="alias",
        )
    return alias


def model_not_found(reference: str) -> NotFound:
    """Return the error for a model that is not there, or not the caller's."""
    return NotFound(
        f"There is no model {reference[:256]!r}.",
        reason="MODEL_NOT_FOUND",
        field="model_id",
        metadata={"resource_type": "model", "resource_name": reference[:256]},
    )


def _target(owner: str, name: str, alias: str) -> ColumnElement[str]:
    aliases = model_aliases.c
    query = select(aliases.model_id).where(
        aliases.owner == owner, aliases.name == name, aliases.alias == alias
    )
    return query.scalar_subquery()
