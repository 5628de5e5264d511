"""Who connects: each client keeps its key, service, server, host and address for the whole demo."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.demo.chance import Weighted, digest, generator
from app.demo.data_centers import DataCenter
from app.demo.habits import Habit
from app.demo.identifiers import uuid_text
from app.demo.organizations import DemoOrganization
from app.demo.services import DemoService

_DOCUMENTATION_NETWORKS = ("203.0.113", "198.51.100", "192.0.2")  # RFC 5737


@dataclass(frozen=True, slots=True)
class DemoClient:
    """One program of a customer, somewhere on the internet."""

    number: int
    organization: DemoOrganization
    service: DemoService
    data_center: DataCenter
    habit: Habit
    api_key_id: str
    host: str
    ip_address: str


def clients_of(organization: DemoOrganization, first_number: int) -> Iterator[DemoClient]:
    """Give an organization's clients, numbered from `first_number`; they don't depend on the anchor."""
    draw = generator("clients", organization.org_name).random
    places = Weighted([(place, place.share) for place in organization.data_centers])
    uses = [(service, habit) for service in organization.services for habit, n in service.clients for _ in range(n)]
    for index, (service, habit) in enumerate(uses):
        place = places.pick(draw())
        # The square leaves more clients to the first keys; the first pass gives every key a client.
        key = index if index < organization.api_keys else int(draw() * draw() * organization.api_keys)
        yield DemoClient(
            number=first_number + index,
            organization=organization,
            service=service,
            data_center=place,
            habit=habit,
            api_key_id=uuid_text(digest("api key", organization.org_name, key)),
            host=f"{service.host_prefix}-{place.server}.{place.region}.{organization.domain}",
            ip_address=_address(first_number + index),
        )


def _address(number: int) -> str:
    """Give a client's address from the documentation ranges; every fifth is IPv6 (RFC 3849)."""
    if number % 5 == 4:
        return f"2001:db8:{number:x}::{number % 7 + 1:x}"
    return f"{_DOCUMENTATION_NETWORKS[number % 3]}.{number * 7 % 254 + 1}"
