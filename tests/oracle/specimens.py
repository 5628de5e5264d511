"""Values worth meeting: hostile text, addresses, status codes, edge numbers, and moments close to each other."""

from tests.oracle import instants

ORGANIZATIONS = ("a1b2c3d4-e5f6-7890-abcd-ef1234567890", "a1b2c3d4-e5f6-7890-abcd-ef1234567891")
ORG_NAMES = ("ibm", "ibm.")

SPECIAL_CHARACTERS = "$.*+?^${}()|[]\\'\"/%_ab \U0001f600\uff5e\u00e9"

# Differ by case, by a trailing newline or space, by normal form; are operators, patterns or paths elsewhere; sort
# differently by UTF-16 unit (U+FF5E is behind U+1F600 there).
TEXTS = (
    "coinapi-ws",
    "coinapi-ws\n",
    "coinapi-ws ",
    "CoinAPI-ws",
    "coinapi.ws",
    "coinapi-rest",
    "$ne",
    "$eventType",
    "a.b$c",
    ".*+?^${}()|[]\\",
    "^coinapi",
    "\\",
    "say \"hi\" 'there'",
    "svc \U0001f600",
    "svc \uff5e",
    "caf\u00e9",
    "cafe\u0301",
    "null",
    "not:x",
    "",
)
HOSTS = ("ws-server-01.coinapi.io", "ws-server-01xcoinapi.io", "WS-SERVER-01.coinapi.io", *TEXTS[-6:])
DATA_CENTERS = (
    "us-east-1",
    "us-east-1/server-01",
    "us-east-1/server-01/rack-2",
    "us-east-10",
    "us-east-1.server-01",
    "us-east",
    "US-EAST-1/server-01",
    "eu-west-1/server-02",
)
ADDRESSES = (
    "203.0.113.0",
    "203.0.113.195",
    "203.0.113.255",
    "203.0.114.0",
    "0.0.0.0",  # noqa: S104 - an address in a record, nothing is bound
    "255.255.255.255",
    "2001:db8::1",
    "2001:DB8:0:0::1",
    "2001:db8:0:1::",
    "::",
    "::ffff:203.0.113.195",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "203.0.113.256",
    "203.0.113",
    "unknown",
)
NETWORKS = (
    "203.0.113.0/24",
    "203.0.113.195/32",
    "203.0.112.0/23",
    "0.0.0.0/0",
    "2001:db8::/32",
    "2001:db8::/64",
    "2001:db8::1/128",
    "::/0",
    "::ffff:0:0/96",
)
API_KEY_IDS = (
    "f1e2d3c4-b5a6-9879-8765-4321dcba0987",
    "f1e2d3c4-b5a6-9879-8765-4321dcba0988",
    "01e2d3c4-b5a6-9879-8765-4321dcba0987",
)
CONNECTION_IDS = ("conn_7f9a8b2c1d3e4f5a", "conn_7f9a8b2c1d3e4f5b", "conn_0", "conn.0", "CONN_0", "conn_$")

# The types one connection can leave behind: whole, cut short at either end, reconnecting, never connected.
LIVES = (
    ("connect", "heartbeat", "disconnect"),
    ("connect", "heartbeat"),
    ("connect",),
    ("heartbeat", "disconnect"),
    ("heartbeat", "heartbeat"),
    ("disconnect",),
    ("subscribe",),
    ("connect", "disconnect", "connect"),
    ("connect", "disconnect", "connect", "heartbeat", "disconnect"),
    ("heartbeat", "connect", "disconnect", "subscribe"),
    ("connect", "disconnect", "heartbeat"),
)

STATUS_CODES = (
    "100 Continue",
    "200 OK",
    "200",
    "201 Created",
    "2000",
    "20",
    "302 Found",
    "404 Not Found",
    "404",
    "404  Not Found",
    "4040 Odd",
    "500 Internal Server Error",
    "599",
    "600 Odd",
    "undefined",
    None,
)
LARGEST_LONG = 2**63 - 1
NUMBERS = (0, 1, 571, 888, 889, 9177, 2**31, 2**53 - 1, 2**53, 2**53 + 1)

FIRST_MOMENT = instants.parse("2026-01-01T00:00:00Z")
LAST_MOMENT = instants.parse("2026-03-01T00:00:00Z")
_BASES = ("2026-01-01T00:00:00Z", "2026-01-31T23:59:59.999Z", "2026-02-14T12:30:00Z")
# Around the two minutes of an active connection, a minute, an hour, a day.
_SECONDS = (0, 1, 60, 119, 120, 121, 3600, 86400)
MOMENTS = tuple(instants.parse(base) + seconds * instants.TICKS_PER_SECOND for base in _BASES for seconds in _SECONDS)
# Neighbours inside one millisecond, and across its edge.
TICK_STEPS = (0, 0, 1, 2, 4999, 5000, 9998, 9999, 10_000, 10_001)
