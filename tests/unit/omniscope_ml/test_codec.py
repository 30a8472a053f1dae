"""Dataclasses become JSON and come back, and nothing else becomes one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from omniscope_ml.codec import decode, encode


@dataclass(frozen=True)
class Point:
    x: float
    y: float = 0.0


@dataclass(frozen=True)
class Circle:
    radius: int


@dataclass(frozen=True, kw_only=True)
class Drawing:
    name: str
    kind: Literal["line", "area"] = "line"
    origin: Point | None = None
    points: tuple[Point, ...] = ()
    layers: list[int] = field(default_factory=list)
    settings: Mapping[str, int | float | bool] = field(default_factory=dict)
    shape: Point | Circle | None = None
    closed: bool = False
    about: Any = None


FULL = Drawing(
    name="d",
    kind="area",
    origin=Point(1.0),
    points=(Point(0.5, 2.0), Point(3.0)),
    layers=[1, 2],
    settings={"width": 1, "height": 1.5, "filled": True},
    shape=Circle(3),
    closed=True,
    about={"free": [1, "two"]},
)


@pytest.mark.parametrize("drawing", [FULL, Drawing(name="")])
def test_what_was_encoded_is_decoded(drawing):
    assert decode(Drawing, encode(drawing)) == drawing


def test_it_is_encoded_by_the_names_of_its_fields():
    assert encode(Drawing(name="d", origin=Point(1.0), points=(Point(2.0),))) == {
        "name": "d",
        "kind": "line",
        "origin": {"x": 1.0, "y": 0.0},
        "points": [{"x": 2.0, "y": 0.0}],
        "layers": [],
        "settings": {},
        "shape": None,
        "closed": False,
        "about": None,
    }


def test_members_of_a_union_are_told_apart_by_type():
    settings = decode(Drawing, encode(FULL)).settings

    assert [type(value) for value in settings.values()] == [int, float, bool]


def test_a_whole_number_is_a_float_where_one_is_expected():
    point = decode(Point, {"x": 1, "y": 2.5})

    assert (point, type(point.x)) == (Point(1.0, 2.5), float)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": 1}, r"^Drawing\.name is 1; allowed is str$"),
        ({"name": None}, r"^Drawing\.name is None; allowed is str$"),
        ({"kind": "dot"}, r"^Drawing\.kind is 'dot'; allowed is 'line', 'area'$"),
        ({"origin": 3}, r"^Drawing\.origin is 3; allowed is an object with x, y$"),
        ({"origin": {"x": 1.0}}, r"^Drawing\.origin\.y is missing$"),
        ({"origin": {"x": 1.0, "y": True}}, r"^Drawing\.origin\.y is True; allowed is float$"),
        ({"points": {}}, r"^Drawing\.points is \{\}; allowed is a list$"),
        (
            {"points": [{"x": 1.0, "y": 0.0}, {"x": "1", "y": 0.0}]},
            r"^Drawing\.points\[1\]\.x is '1'; allowed is float$",
        ),
        ({"layers": [1.0]}, r"^Drawing\.layers\[0\] is 1\.0; allowed is int$"),
        ({"settings": []}, r"^Drawing\.settings is \[\]; allowed is an object$"),
        (
            {"settings": {"width": "1"}},
            r"^Drawing\.settings\.width is '1'; allowed is int or float",
        ),
        ({"shape": {"side": 1}}, r"^Drawing\.shape is \{'side': 1\}; allowed is Point or Circle$"),
        ({"closed": 1}, r"^Drawing\.closed is 1; allowed is bool$"),
        ({"colour": "red"}, r"^Drawing\.colour is not known; allowed are name, kind, origin"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_path(change, message):
    with pytest.raises(ValueError, match=message):
        decode(Drawing, encode(FULL) | change)


def test_a_field_that_is_left_out_is_missing_even_where_it_has_a_default():
    values = encode(FULL)
    del values["closed"]

    with pytest.raises(ValueError, match=r"^Drawing\.closed is missing$"):
        decode(Drawing, values)


def test_only_an_object_becomes_a_dataclass():
    with pytest.raises(ValueError, match=r"^Point is \[1, 2\]; allowed is an object with x, y$"):
        decode(Point, [1, 2])
