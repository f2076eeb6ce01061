"""How often something may be done, and how much of that is left."""

from datetime import timedelta

from domain.values import value


@value
class Policy:
    """At most `quota` times in a `window`, which begins with the first; clients know it by its name."""

    name: str
    quota: int
    window: timedelta

    @property
    def window_s(self) -> int:
        return int(self.window.total_seconds())


@value
class Policies:
    """The policies of what is throttled, and whether they are in force."""

    login: Policy  # wrong passwords for one account from one network
    login_network: Policy  # wrong passwords from one network, for whatever account
    register: Policy  # accounts asked for from one network
    refresh: Policy  # refreshes of one session
    forgot: Policy  # mails to one address
    enabled: bool = True


@value
class Standing:
    """What remains of a policy's quota to somebody, until it is whole again in `reset_s` seconds."""

    policy: Policy
    remaining: int
    reset_s: int
