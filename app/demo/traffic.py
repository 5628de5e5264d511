"""Who calls what, how often: every app with every API of its product."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.demo.apis import DemoApi
from app.demo.apps import DemoApp
from app.demo.chance import Weighted
from app.demo.organizations import DemoOrganization
from app.demo.statuses import Status, outcomes

_SMALL_QUOTA_PLANS = ("free", "starter")


@dataclass(frozen=True, slots=True)
class Traffic:
    """The calls of one app to one API: their mean number per hour, and how they turn out."""

    organization: DemoOrganization
    api: DemoApi
    app: DemoApp
    calls: float
    outcomes: Weighted[Status]


def traffic_of(organization: DemoOrganization) -> Iterator[Traffic]:
    """Share each API's calls among the apps that may call it."""
    for api in organization.apis:
        callers = [app for app in organization.apps if _calls(app, api)]
        total = sum(app.share for app in callers)
        for app in callers:
            keyless = app.product is None
            mix = outcomes(api.successes, keyless=keyless, small_quota=app.plan in _SMALL_QUOTA_PLANS)
            yield Traffic(organization, api, app, api.calls * app.share / total, mix)


def _calls(app: DemoApp, api: DemoApi) -> bool:
    return app.product is None or api.ref.partition(":")[0] in app.product.apis
