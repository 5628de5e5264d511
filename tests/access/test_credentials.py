"""API keys as text: their form and strength, how they are compared, and where in a request they may stand."""

import base64
import hashlib
import hmac
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.access.credentials import (
    MISSING,
    REFUSED,
    Credential,
    new_credential,
    read_credential,
    same_secret,
    secret_hash,
)
from app.errors import Unauthenticated

KEY = new_credential()
OTHER = new_credential()
TEXT = str(KEY).encode()
TWO_KEYS = "Two different API keys were sent; send one."
Headers = list[tuple[bytes, bytes]]


def test_a_key_is_its_id_and_a_secret_of_256_bits() -> None:
    """`gw_<id>_<secret>`: 12 letters and digits, 43 characters of URL-safe base64, which are 32 bytes."""
    assert re.fullmatch(r"gw_[0-9a-z]{12}_[A-Za-z0-9_-]{43}", str(KEY))
    assert str(KEY) == f"gw_{KEY.key_id}_{KEY.secret}"
    assert len(base64.urlsafe_b64decode(KEY.secret + "=")) * 8 == 256


def test_no_two_keys_are_the_same() -> None:
    """Ids and secrets are drawn anew, and every bit of a secret is."""
    drawn = [new_credential() for _ in range(300)]
    assert len({one.key_id for one in drawn}) == len({one.secret for one in drawn}) == 300
    secrets = [int.from_bytes(base64.urlsafe_b64decode(one.secret + "=")) for one in drawn]
    for bit in range(256):
        assert 50 < sum(secret >> bit & 1 for secret in secrets) < 250


def test_a_key_that_is_shown_by_mistake_shows_no_secret() -> None:
    """The representation, as in a log or a traceback, has the public id only."""
    assert repr(KEY) == f"Credential({KEY.key_id})"
    assert KEY.secret not in f"{KEY!r} {[KEY]}"


def test_only_the_hash_of_a_secret_is_kept() -> None:
    """SHA-256 of the text."""
    assert secret_hash("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("secret", ["abc", "", "é", "\U0001f600", "x" * 10_000])
def test_a_secret_is_itself_and_no_other(secret: str) -> None:
    """Text beyond ASCII compares like any other, without an error."""
    assert same_secret(secret, secret_hash(secret))
    assert not same_secret(secret, secret_hash(f"{secret}x"))
    assert not same_secret(f"{secret}x", secret_hash(secret))


@pytest.mark.parametrize("stored", [None, "", "abc", 7, b"", b"abc", secret_hash("abc").hex(), secret_hash("abc")[:31]])
def test_a_document_without_a_proper_hash_admits_nobody(stored: object) -> None:
    """Whatever stands where the hash should be: False, not an error, and never True."""
    assert not same_secret("abc", stored)
    assert not same_secret("", stored)


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is `hmac.compare_digest`, of two digests of one length."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert not same_secret("é", secret_hash("e"))
    assert compared == [(hashlib.sha256("é".encode()).digest(), hashlib.sha256(b"e").digest())]


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", TEXT)],
        [(b"authorization", b"Bearer " + TEXT)],
        [(b"authorization", b"bearer " + TEXT)],
        [(b"authorization", b"BEARER   " + TEXT + b" ")],
        [(b"authorization", b"  " + TEXT + b"\t")],
        [(b"x-api-key", TEXT)],
        [(b"x-api-key", b" " + TEXT + b" ")],
        [(b"host", b"a"), (b"x-api-key", TEXT), (b"accept", b"*/*")],
        [(b"authorization", b"Bearer " + TEXT), (b"x-api-key", TEXT)],
        [(b"x-api-key", TEXT), (b"x-api-key", TEXT)],
    ],
)
def test_a_key_is_found_in_each_of_its_headers(headers: Headers) -> None:
    """`Authorization` with or without `Bearer` in any case, `X-API-Key`, or the same key in both."""
    assert read_credential(headers) == KEY


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ([], MISSING),
        ([(b"host", b"a"), (b"cookie", b"key=" + TEXT), (b"x-key", TEXT)], MISSING),
        ([(b"proxy-authorization", TEXT)], MISSING),
        ([(b"authorization", b"")], REFUSED),
        ([(b"authorization", b"Bearer ")], REFUSED),
        ([(b"authorization", b"Bearer")], REFUSED),
        ([(b"authorization", b"Bearer Bearer " + TEXT)], REFUSED),
        ([(b"authorization", b"Basic " + TEXT)], REFUSED),
        ([(b"authorization", b"Bearer" + TEXT)], REFUSED),
        ([(b"x-api-key", b"Bearer " + TEXT)], REFUSED),
        ([(b"x-api-key", TEXT[:-1])], REFUSED),
        ([(b"x-api-key", TEXT + b"x")], REFUSED),
        ([(b"x-api-key", TEXT.upper())], REFUSED),
        ([(b"x-api-key", TEXT + b"," + TEXT)], REFUSED),
        ([(b"x-api-key", TEXT[:-1] + b"\xe9")], REFUSED),
        ([(b"x-api-key", b"\xff\x00\n")], REFUSED),
        ([(b"x-api-key", b"x" * 100_000)], REFUSED),
        ([(b"authorization", b"Bearer " + TEXT), (b"x-api-key", str(OTHER).encode())], TWO_KEYS),
        ([(b"x-api-key", TEXT), (b"x-api-key", str(OTHER).encode())], TWO_KEYS),
        ([(b"x-api-key", TEXT), (b"authorization", b"Bearer nonsense")], TWO_KEYS),
    ],
)
def test_what_is_no_key_is_refused_without_saying_why_it_is_wrong(headers: Headers, message: str) -> None:
    """No key, a text that no key looks like, two that differ: Unauthenticated, the key itself not in the message."""
    with pytest.raises(Unauthenticated) as refused:
        read_credential(headers)
    assert refused.value.message == message
    assert KEY.secret not in refused.value.message


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from((b"authorization", b"x-api-key", b"x")), st.binary(max_size=80)), max_size=3))
def test_any_bytes_in_the_headers_are_a_refusal(headers: Headers) -> None:
    """Nothing but Unauthenticated comes of bytes that are no key."""
    with pytest.raises(Unauthenticated):
        read_credential(headers)


@settings(max_examples=100, deadline=None)
@given(st.from_regex(r"\Agw_[0-9a-z]{12}_[A-Za-z0-9_-]{43}\Z"))
def test_any_key_reads_back_as_its_parts(text: str) -> None:
    """A secret may hold `_` and `-`: the id ends at its length, not at the last underscore."""
    read = read_credential([(b"x-api-key", text.encode())])
    assert str(read) == text
    assert read == Credential(text[3:15], text[16:])
