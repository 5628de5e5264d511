"""CIDR networks on addresses that are stored as text.

MongoDB cannot compare networks, so the text is turned into fixed-width hexadecimal inside the pipeline:
8 digits for IPv4, 32 for IPv6 (RFC 4291, section 2.2, with `::` and a dotted tail). A network is then a range
of such digits. Text that is not an address gives null, which is in no network.
"""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

# Groups and colons, a dotted part at the end only, and a zone. `\\z` and not `$`, which lets a line end pass.
_IPV6_FORM = r"^[0-9A-Fa-f:]*(:[0-9]{1,3}(\.[0-9]{1,3}){3})?(%[^%/]+)?\z"
_BYTES = [f"{number:02x}" for number in range(256)]


def parse_network(text: str) -> IPv4Network | IPv6Network:
    """Read `203.0.113.0/24` or `2001:db8::/32`; ValueError where it is neither or has host bits."""
    if "%" in text:
        raise ValueError("a network has no zone")
    return ip_network(text)


def network_match(field: str, network: IPv4Network | IPv6Network) -> dict[str, Any]:
    """Match documents whose text address lies in the network; IPv4 and IPv6 never match each other."""
    width = network.max_prefixlen // 4
    low = f"{int(network.network_address):0{width}x}"
    high = f"{int(network.broadcast_address):0{width}x}"
    digits = _ipv4_digits(f"${field}") if network.version == 4 else _ipv6_digits(f"${field}")
    return {
        "$expr": {
            "$let": {
                "vars": {"digits": digits},
                "in": {"$and": [{"$gte": ["$$digits", low]}, {"$lte": ["$$digits", high]}]},
            }
        }
    }


def _text(value: Any) -> dict[str, Any]:
    return {"$cond": [{"$eq": [{"$type": value}, "string"]}, value, ""]}


def _joined(parts: Any) -> dict[str, Any]:
    """Concatenate an array of texts; null where one of them is null."""
    return {"$reduce": {"input": parts, "initialValue": "", "in": {"$concat": ["$$value", "$$this"]}}}


def _ipv4_digits(value: Any) -> dict[str, Any]:
    number = {"$convert": {"input": "$$part", "to": "int", "onError": 256, "onNull": 256}}
    byte = {
        "$cond": [
            {"$regexMatch": {"input": "$$part", "regex": "^(0|[1-9][0-9]{0,2})$"}},
            {
                "$let": {
                    "vars": {"n": number},
                    "in": {"$cond": [{"$lte": ["$$n", 255]}, {"$arrayElemAt": [_BYTES, "$$n"]}, None]},
                }
            },
            None,
        ]
    }
    return {
        "$let": {
            "vars": {"octets": {"$split": [_text(value), "."]}},
            "in": {
                "$cond": [
                    {"$eq": [{"$size": "$$octets"}, 4]},
                    _joined({"$map": {"input": "$$octets", "as": "part", "in": byte}}),
                    None,
                ]
            },
        }
    }


def _ipv6_digits(value: Any) -> dict[str, Any]:
    """Expand to eight groups of four digits: head, zeros for `::`, tail."""
    text = _text(value)
    written_well = {"$regexMatch": {"input": text, "regex": _IPV6_FORM}}
    no_zone = {"$cond": [written_well, {"$toLower": {"$arrayElemAt": [{"$split": [text, "%"]}, 0]}}, ""]}
    halves = {"$split": ["$$text", "::"]}
    head = _groups({"$arrayElemAt": ["$$halves", 0]})
    tail = {"$cond": [{"$eq": [{"$size": "$$halves"}, 2]}, _groups({"$arrayElemAt": ["$$halves", 1]}), ""]}
    written = {"$add": [{"$strLenBytes": {"$ifNull": ["$$head", ""]}}, {"$strLenBytes": {"$ifNull": ["$$tail", ""]}}]}
    zeros = {"$substrBytes": ["0" * 32, 0, {"$max": [0, {"$subtract": [32, "$$written"]}]}]}
    compressed = {"$eq": [{"$size": "$$halves"}, 2]}
    right_length = {
        "$cond": [
            compressed,
            {"$lte": ["$$written", 28]},
            {"$and": [{"$eq": [{"$size": "$$halves"}, 1]}, {"$eq": ["$$written", 32]}]},
        ]
    }
    return {
        "$let": {
            "vars": {"text": no_zone},
            "in": {
                "$let": {
                    "vars": {"halves": halves},
                    "in": {
                        "$let": {
                            "vars": {"head": head, "tail": tail},
                            "in": {
                                "$let": {
                                    "vars": {"written": written},
                                    "in": {"$cond": [right_length, {"$concat": ["$$head", zeros, "$$tail"]}, None]},
                                }
                            },
                        }
                    },
                }
            },
        }
    }


def _groups(half: Any) -> dict[str, Any]:
    """Turn `2001:db8:1` into `20010db80001`; a dotted last group into eight digits; null where malformed."""
    four = {
        "$cond": [
            {"$regexMatch": {"input": "$$group", "regex": "^[0-9a-f]{1,4}$"}},
            {"$concat": [{"$substrBytes": ["0000", 0, {"$subtract": [4, {"$strLenBytes": "$$group"}]}]}, "$$group"]},
            None,
        ]
    }
    group = {
        "$cond": [
            {"$gte": [{"$indexOfBytes": ["$$group", "."]}, 0]},
            _ipv4_digits("$$group"),
            four,
        ]
    }
    return {
        "$cond": [
            {"$eq": [half, ""]},
            "",
            _joined({"$map": {"input": {"$split": [half, ":"]}, "as": "group", "in": group}}),
        ]
    }
