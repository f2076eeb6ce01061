"""Everything that has to be purged is purged."""

from dataclasses import fields

from inkwell.app import chores
from service import Services


async def test_every_service_that_purges_has_a_chore(services: Services) -> None:
    purging = {field.name for field in fields(services) if hasattr(getattr(services, field.name), "purge")}
    owners = {getattr(chore.batch, "__self__", None) for chore in chores(services)}
    assert {name for name in purging if getattr(services, name) in owners} == purging
    assert "throttles" in purging
