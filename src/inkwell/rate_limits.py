"""Rate limits as settings spell them."""

from datetime import timedelta

from domain.throttles import Policy

LARGEST_QUOTA = 1_000_000
LONGEST_WINDOW = timedelta(days=31)
_REFUSAL = "must be a number of times and a time, such as 10/5 minutes or 20/hour"


def parse_policy(name: str, text: str) -> Policy:
    """The policy that a setting spells. Raises ValueError with a sentence for the operator."""
    from limits import parse_many  # here, so that commands start sooner where it is not needed

    try:
        (limit,) = parse_many(text)
        policy = Policy(name, limit.amount, timedelta(seconds=limit.get_expiry()))
    except (ValueError, OverflowError):
        raise ValueError(_REFUSAL) from None
    if not (1 <= policy.quota <= LARGEST_QUOTA and timedelta() < policy.window <= LONGEST_WINDOW):
        raise ValueError(_REFUSAL)
    return policy


def spelled_as_policy(text: str) -> str:
    """The text, if it spells a policy. Raises ValueError."""
    parse_policy("", text)
    return text
