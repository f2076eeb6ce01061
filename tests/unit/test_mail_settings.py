"""Which mail servers, senders and pages are taken, and what is said of those that are not."""

import pytest

from inkwell.mail_settings import MailServer, parse_mail_url, parse_sender
from inkwell.settings import ConfigurationError, load_settings
from inkwell.settings_warnings import doubts

SECRET = "f3a91c07d2e84b6592ab6c0d1e7f3458"


pytestmark = pytest.mark.usefixtures("environment")


@pytest.mark.parametrize(
    ("url", "server", "start_tls"),
    [
        ("smtp://mail.example", MailServer("mail.example", 587, None, None), None),
        ("smtp://127.0.0.1:25/", MailServer("127.0.0.1", 25, None, None), None),
        ("SMTP://u:p@[::1]:2525", MailServer("::1", 2525, "u", "p"), True),
        ("smtps://u%40x:p%2F%20%C3%A9@mail.example", MailServer("mail.example", 465, "u@x", "p/ é", True), False),
    ],
)
def test_a_mail_url_is_understood(url: str, server: MailServer, start_tls: bool | None) -> None:
    assert parse_mail_url(url) == server
    assert server.start_tls is start_tls


@pytest.mark.parametrize(
    "url",
    [
        "mail.example",
        "smtp://",
        "http://mail.example",
        "smtp://mail.example:x",
        "smtp://mail.example:0",
        "smtp://mail.example:65536",
        "smtp://u@mail.example",
        "smtp://:hunter2@mail.example",
        "smtp://u:hunter2/x@mail.example",
        "smtp://u:hunter2#x@mail.example",
        "smtp://mail.example/path",
        "smtp://mail.example?tls=off",
        "smtp://u:hunter2%0A@mail.example",
        "smtp://u:hunter2%FF@mail.example",
        "smtp://u:hunter2@mail .example",
        "smtp://u:hunter2@mail\n.example",
        "smtp://[::1",
    ],
)
def test_a_mail_url_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="MAIL_URL: ") as refused:
        load_settings(mail_url=url, mail_from="inkwell@example.com")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("text", ["inkwell@example.com", "Inkwell <inkwell@example.com>", '"A, B" <a@b.example>'])
def test_a_sender_is_an_address_perhaps_with_a_name(text: str) -> None:
    assert str(parse_sender(text)) == text


@pytest.mark.parametrize("text", ["inkwell", "<>", "Inkwell <inkwell>", "a@b.example\nBcc: c@d.example", "@x.example"])
def test_a_sender_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="MAIL_FROM: is no address"):
        load_settings(mail_from=text)


def test_a_mail_server_needs_a_sender() -> None:
    with pytest.raises(ConfigurationError, match="MAIL_URL needs MAIL_FROM"):
        load_settings(mail_url="smtp://mail.example")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/reset?token={token}",
        "https://example.com/{token}#{token}",
        "https://example.com/#",
        "https://example.com/#{token}{token}",
        "http://example.com/#{token}",
        "http://localhost.example.com/#{token}",
        "https://u:p@example.com/#{token}",
        "javascript:alert(1)//#{token}",
        "//example.com/#{token}",
        "https:///#{token}",
        "https://example.com/#{token} ",
        "https://example.com:x/#{token}",
    ],
)
def test_a_page_that_could_lose_the_token_is_refused(url: str) -> None:
    for name in ("reset_url", "verify_url"):
        with pytest.raises(ConfigurationError, match=f"{name.upper()}: "):
            load_settings(**{name: url})


@pytest.mark.parametrize("host", ["https://example.com", "http://localhost:3000", "http://127.0.0.1", "http://[::1]:1"])
def test_a_page_is_https_or_on_this_machine(host: str) -> None:
    settings = load_settings(reset_url=f"{host}/#/reset/{{token}}", verify_url=f"{host}/v#token={{token}}")
    assert settings.link_templates["reset"] == f"{host}/#/reset/{{token}}"
    assert settings.link_templates["verify"] == settings.link_templates["change_email"] == f"{host}/v#token={{token}}"


@pytest.mark.parametrize(
    "url", ["example.com", "http://example.com", "https://example.com/?a", "https://example.com/#"]
)
def test_a_public_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="PUBLIC_URL: "):
        load_settings(public_url=url)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ["MAIL_URL is not set"]),
        ({"mail_url": "smtp://mail.example"}, ["PUBLIC_URL is not set"]),
        ({"mail_url": "smtp://mail.example", "reset_url": "https://e.example/#{token}"}, ["PUBLIC_URL is not set"]),
        ({"mail_url": "smtp://mail.example", "public_url": "https://e.example"}, []),
    ],
)
def test_production_is_warned_of_mail_that_leads_nowhere(given: dict[str, str], said: list[str]) -> None:
    production = {"env": "production", "jwt_secret_key": SECRET, "database_url": "postgresql://db.example/x"}
    warnings = list(doubts(load_settings(**production, mail_from="a@b.example", **given)))
    assert [warning.partition(":")[0].partition(" (")[0] for warning in warnings] == said
    assert list(doubts(load_settings(mail_from="a@b.example", **given))) == []
