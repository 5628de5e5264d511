"""CIDR on addresses that are stored as text: mongod's answer is that of Python's `ipaddress`, for every spelling."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.query.addresses import network_match, parse_network
from app.store.client import Database
from tests.query.specimens import MISSING, present
from tests.store.databases import matched

EVERY_NETWORK = ("0.0.0.0/0", "::/0")


def _lies_in(text: object, network: str) -> bool:
    """The oracle: Python's own reading of the address; what it cannot read is in no network."""
    try:
        return isinstance(text, str) and ip_address(text) in ip_network(network)
    except ValueError:
        return False


async def _found(database: Database, texts: list[object], network: str) -> list[object]:
    rows = [{"_id": at, **present(ip=text)} for at, text in enumerate(texts)]
    return [texts[at] for at in await matched(database, rows, network_match("ip", parse_network(network)))]


def _spellings(address: IPv4Address | IPv6Address) -> list[str]:
    if isinstance(address, IPv4Address):
        return [str(address)]
    groups = address.exploded.split(":")
    head, tail = ":".join(groups[:6]), IPv4Address(int(address) & 0xFFFFFFFF)
    plain = [
        address.compressed,
        address.exploded,
        address.compressed.upper(),
        address.exploded.upper(),
        ":".join(group.lstrip("0") or "0" for group in groups),
        f"{head}:{tail}",
    ]
    if int(address) >> 32 in (0, 0xFFFF):
        plain += [f"::{'ffff:' if int(address) >> 32 else ''}{tail}"]
    return [*plain, f"{address.compressed}%eth0", f"{address.exploded}%1.2-x:y"]


_V6_CORNERS = st.sampled_from(
    [0, 1, 0xFFFF, 0xFFFF01020304, 1 << 16, 1 << 112, (1 << 128) - 1, 0xFE80 << 112 | 1, 0x20010DB8 << 96]
).map(IPv6Address)
addresses = st.one_of(st.ip_addresses(), st.ip_addresses(v=6), _V6_CORNERS)


@st.composite
def networks_beside(draw: st.DrawFn, address: IPv4Address | IPv6Address) -> str:
    """Draw a network around the address, or one beside it."""
    prefix = draw(st.integers(0, address.max_prefixlen))
    number = int(address)
    if prefix and draw(st.booleans()):
        number ^= 1 << (address.max_prefixlen - prefix)
    return str(ip_network((number >> (address.max_prefixlen - prefix) << (address.max_prefixlen - prefix), prefix)))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.lists(addresses, min_size=1, max_size=4))
async def test_an_address_is_in_a_network_as_python_says(
    database: Database, data: st.DataObject, drawn: list[IPv4Address | IPv6Address]
) -> None:
    """Compressed, exploded, upper case, dotted tail, zone: every spelling of an address is the same address."""
    texts: list[object] = [text for address in drawn for text in _spellings(address)]
    for network in (data.draw(networks_beside(drawn[0])), *EVERY_NETWORK):
        assert await _found(database, texts, network) == [text for text in texts if _lies_in(text, network)]


@pytest.mark.parametrize(
    ("text", "network", "inside"),
    [
        ("203.0.113.0", "203.0.113.0/24", True),
        ("203.0.113.255", "203.0.113.0/24", True),
        ("203.0.114.0", "203.0.113.0/24", False),
        ("203.0.112.255", "203.0.113.0/24", False),
        ("203.0.113.7", "203.0.113.7/32", True),
        ("203.0.113.7", "203.0.113.7", True),
        ("255.255.255.255", "128.0.0.0/1", True),
        ("2001:db8::", "2001:db8::/32", True),
        ("2001:DB8:FFFF:ffff:FFFF:ffff:FFFF:ffff", "2001:db8::/32", True),
        ("2001:db9::", "2001:db8::/32", False),
        ("::ffff:1.2.3.4", "::ffff:0:0/96", True),
        ("::FFFF:102:304", "::ffff:1.2.3.4/128", True),
        ("fe80::1%eth0", "fe80::/10", True),
        ("::", "::/128", True),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0/128", True),
        ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8/128", True),
        ("1.2.3.4", "::/0", False),
        ("1.2.3.4", "::ffff:0:0/96", False),
        ("::ffff:1.2.3.4", "0.0.0.0/0", False),
        ("::1.2.3.4", "1.2.3.4/32", False),
    ],
)
async def test_the_edges_of_a_network_are_exact(database: Database, text: str, network: str, *, inside: bool) -> None:
    """First and last address in, their neighbours out; IPv4 is never in an IPv6 network, nor the other way round."""
    assert _lies_in(text, network) is inside
    assert await _found(database, [text], network) == ([text] if inside else [])


JUNK = [
    MISSING, None, 0, 16909060, True, ["1.2.3.4"], {"a": "1.2.3.4"}, b"\x01\x02\x03\x04",
    "", " ", ".", "...", ":", ":::", "::::", "%", "%eth0", "/", "localhost", "null",
    "1.2.3", "1.2.3.4.5", "1..3.4", ".1.2.3.4", "1.2.3.4.", "256.1.1.1", "1.2.3.999", "1.2.3.1000", "01.2.3.4",
    "1.2.3.04", "-1.2.3.4", "+1.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4\n", "1.2.3.4/32", "1.2.3.4%eth0", "0x1.2.3.4",
    "\u0661.2.3.4", "1e0.2.3.4", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "1::2::3", "1:::2",
    ":1::2", "1::2:", ":1:2:3:4:5:6:7", "12345::", "g::", "::g", "::\uff11", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3",
    "::1.2.3.256", "::1.2.3.04", "::1/128", " ::1", "::1 ",
]  # fmt: skip
# An address is over where its text is: no line end behind it.
LINE_ENDS = ["::1\n", "2001:db8::1\n", "1:2:3:4:5:6:7:8\n", "::\n", "fe80::1\n%eth0", "::1.2.3.4\n"]
# A dotted part stands last only, and once (RFC 4291, section 2.2.3).
DOTTED_ELSEWHERE = [
    "1.2.3.4::", "1.2.3.4::1", "::1.2.3.4:5", "::1.2.3.4:1.2.3.4", "1.2.3.4:1.2.3.4:1.2.3.4:1.2.3.4",
    "1:1.2.3.4:2:3:4:5:6", "1.2.3.4::1.2.3.4",
]  # fmt: skip
# A zone is a text that is not empty, of one part (RFC 4007, section 11).
ZONES = ["fe80::1%", "fe80::1%%", "fe80::1%a%b", "fe80::1%a/64"]


@pytest.mark.parametrize(
    "text",
    [*JUNK, *LINE_ENDS, *DOTTED_ELSEWHERE, *ZONES],
    ids=lambda text: "missing" if type(text) is object else repr(text),
)
async def test_what_is_no_address_is_in_no_network(database: Database, text: object) -> None:
    """Whatever stands in the field: no error, no match, not even in the network of all addresses."""
    for network in EVERY_NETWORK:
        assert not _lies_in(text, network)
        assert await _found(database, [text], network) == []


_ALMOST = st.text(st.sampled_from("0123456789abfF:::...%g/ \n"), max_size=24)
_PARTS = st.lists(st.sampled_from(["1", "ffff", "0", "::", ":", "1.2.3.4", ".", "12345", "%", "eth0", ""]), max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(_ALMOST, _PARTS.map("".join), _PARTS.map(":".join)), min_size=20, max_size=20))
async def test_text_that_is_almost_an_address_is_read_as_python_reads_it(
    database: Database, texts: list[object]
) -> None:
    """Any text of an address's characters is in the same networks as for Python."""
    for network in (*EVERY_NETWORK, "::/64"):
        assert await _found(database, texts, network) == [text for text in texts if _lies_in(text, network)]


def test_a_network_is_read_with_its_bits() -> None:
    """A network of either version; the match compares fixed-width digits of its first and last address."""
    network = parse_network("2001:db8::/32")
    assert isinstance(network, IPv6Network)
    bounds = network_match("ip", network)["$expr"]["$let"]["in"]
    low, high = "20010db8" + "0" * 24, "20010db8" + "f" * 24
    assert bounds == {"$and": [{"$gte": ["$$digits", low]}, {"$lte": ["$$digits", high]}]}
    narrow = network_match("ip", parse_network("10.1.2.3"))["$expr"]["$let"]["in"]
    assert narrow == {"$and": [{"$gte": ["$$digits", "0a010203"]}, {"$lte": ["$$digits", "0a010203"]}]}


@pytest.mark.parametrize(
    "text", ["", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "2001:db8::1/32", "::/129", "10.0.0.0/8\n", "all", "10/8"]
)
def test_what_is_no_network_is_refused(text: str) -> None:
    """Host bits, too long a prefix, no address: ValueError, never a wider network."""
    with pytest.raises(ValueError, match=r"network|address|prefix|octet|netmask|bits"):
        parse_network(text)
