import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniscope_registry.listing.paging import (
    ID_KEY,
    POSITION_KEY,
    clamp_page_size,
    decode_page_token,
    encode_page_token,
    order_of,
)
from omniscope_service.errors import InvalidArgument


@given(key=st.from_regex(ID_KEY, fullmatch=True), query=st.lists(st.text()))
def test_a_token_gives_back_the_key_it_was_made_for(key, query):
    assert decode_page_token(encode_page_token(key, query), query, ID_KEY) == key


def test_no_token_means_the_first_page():
    assert decode_page_token("", ("ada", ""), ID_KEY) is None


@pytest.mark.parametrize("query", [("bob", ""), ("ada", 'name = "a"'), ("ada",), ("", "ada")])
def test_a_token_is_worth_nothing_for_another_query(query):
    token = encode_page_token("0" * 26, ("ada", ""))

    with pytest.raises(InvalidArgument) as caught:
        decode_page_token(token, query, ID_KEY)

    assert caught.value.reason == "PAGE_TOKEN_MISMATCH"


@given(st.text(min_size=1))
def test_any_other_text_is_no_token(text):
    with pytest.raises(InvalidArgument) as caught:
        decode_page_token(text, ("ada", ""), ID_KEY)

    assert caught.value.reason == "PAGE_TOKEN_MISMATCH"


@pytest.mark.parametrize("text", ["bnVsbA==", "W10=", "WzEsIDJd", "InRleHQi", "e30="])
def test_json_of_another_form_is_no_token(text):
    with pytest.raises(InvalidArgument):
        decode_page_token(text, ("ada", ""), ID_KEY)


@pytest.mark.parametrize("key", ["", "abc", "-1", "9" * 5000, "1\0"])
@pytest.mark.parametrize("form", [ID_KEY, POSITION_KEY])
def test_a_key_that_no_page_ended_with_is_no_token(key, form):
    with pytest.raises(InvalidArgument):
        decode_page_token(encode_page_token(key, ["ada"]), ["ada"], form)


def test_a_long_text_is_no_token():
    token = base64.urlsafe_b64encode(b"[" * 100_000).decode()

    with pytest.raises(InvalidArgument):
        decode_page_token(token, ["ada"], ID_KEY)


@pytest.mark.parametrize(("asked", "given"), [(0, 50), (1, 1), (1000, 1000), (5000, 1000)])
def test_a_page_size_has_a_default_and_a_maximum(asked, given):
    assert clamp_page_size(asked) == given


def test_a_negative_page_size_is_refused():
    with pytest.raises(InvalidArgument, match="-1"):
        clamp_page_size(-1)


@pytest.mark.parametrize(
    ("order_by", "order"),
    [
        ("", ("create_time", True)),
        ("create_time desc", ("create_time", True)),
        ("create_time", ("create_time", False)),
        (" create_time  asc", ("create_time", False)),
        ("size desc", ("size", True)),
    ],
)
def test_the_newest_come_first_unless_asked_otherwise(order_by, order):
    assert order_of(order_by, ("size",)) == order


@pytest.mark.parametrize("order_by", ["name", "create_time down", "create_time, size", "desc"])
def test_another_order_is_refused(order_by):
    with pytest.raises(InvalidArgument, match="'size desc'") as caught:
        order_of(order_by, ("size",))

    assert (caught.value.reason, caught.value.field) == ("ORDER_BY_INVALID", "order_by")
