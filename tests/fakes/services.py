"""Services over any store, for tests that are about something else."""

from datetime import UTC, datetime, timedelta

from domain.throttles import Policies, Policy
from domain.users import Access
from service.idempotency import Idempotency
from service.passwords import Passwords
from service.ports import Store
from service.posts import PostService
from service.throttles import ThrottleService
from service.users import UserService
from tests.fakes.clock import Clock

ANYBODY = Access()  # may register, and sees addresses


def user_service(store: Store, passwords: Passwords, access: Access = ANYBODY) -> UserService:
    """A user service with throttles that nobody notices."""
    return UserService(store, passwords, access, patient_throttles(store), idempotency_of(store))


def post_service(store: Store) -> PostService:
    return PostService(store, idempotency_of(store))


def idempotency_of(store: Store) -> Idempotency:
    return Idempotency(store, [b"a secret"], now=Clock())


def patient_throttles(store: Store) -> ThrottleService:
    """Throttles for tests that are not about them."""
    often = Policy("often", 1000, timedelta(minutes=5))
    policies = Policies(often, often, often, often, often)
    return ThrottleService(store, policies, b"k" * 32, now=lambda: datetime.now(UTC))
