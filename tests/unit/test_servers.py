"""Which program speaks HTTP, and what is said where it is not installed."""

from collections.abc import Callable

import pytest

from inkwell import servers
from inkwell.settings import ConfigurationError, Settings


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "find_spec", lambda name: object() if name == "hypercorn" else None)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"server": "uvicorn"}, r"^SERVER: uvicorn is not installed: pip install 'inkwell\[uvicorn\]'$"),
        ({"event_loop": "uvloop"}, r"^EVENT_LOOP: uvloop is not installed: pip install 'inkwell\[uvloop\]'$"),
    ],
)
def test_what_is_not_installed_is_named_with_the_way_to_get_it(
    make_settings: Callable[..., Settings], nothing_installed: None, wanted: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        servers.check(make_settings(**wanted))


def test_hypercorn_alone_will_do(make_settings: Callable[..., Settings], nothing_installed: None) -> None:
    servers.check(make_settings())
