"""Which values are taken from clients, and what is made of them."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError

from domain.errors import MissingCredentials
from service.auth import Login
from service.fields import as_uuid, normal_email
from service.pagination import PageRequest
from service.posts import AuthorListing, NewPost, PostChanges, PostListing
from service.users import NewAccount, NewUser, UserChanges, UserListing
from tests.support import PASSWORD

ACCOUNT = {"email": "ada@example.com", "password": PASSWORD}
POST = {"title": "A title", "content": "Some text."}
ID = "0198c0de-0000-7000-8000-00000000abcd"
LABELS = ".".join(["d" * 49] * 3 + ["d" * 46 + ".com"])  # a domain of 200 characters


def problems(model: type[BaseModel], **sent: object) -> list[tuple[str, str]]:
    """What is wrong with each field; empty if the model takes them all."""
    try:
        model.model_validate(sent)
    except ValidationError as error:
        return [(str(problem["loc"][0]), problem["type"]) for problem in error.errors()]
    return []


def account_problems(**sent: object) -> list[tuple[str, str]]:
    return problems(NewAccount, **ACCOUNT | sent)


def post_problems(**sent: object) -> list[tuple[str, str]]:
    return problems(NewPost, **POST | sent)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("ada@example.com", "ada@example.com"),
        (" \t Ada.Lovelace@EXAMPLE.Com\r\n", "ada.lovelace@example.com"),
        ("a@b.cd", "a@b.cd"),
        ("o'brien+tag_1@mail.example.co.uk", "o'brien+tag_1@mail.example.co.uk"),
        ("ada@MÜLLER.example", "ada@müller.example"),
        ("ada@XN--MLLER-KVA.example", "ada@müller.example"),
        ("ada@例え.jp", "ada@例え.jp"),
    ],
)
def test_an_address_is_trimmed_lower_cased_and_spelled_in_one_way(typed: str, stored: str) -> None:
    assert normal_email(typed) == stored
    assert NewAccount(email=typed, password=PASSWORD).email == stored


@pytest.mark.parametrize(
    "email",
    [
        "",
        "   ",
        "ada",
        "@example.com",
        "ada@",
        "ada@@example.com",
        "ada@localhost",
        "ada@example",
        "ada@example.com.",
        "ada@.example.com",
        "ada@exam ple.com",
        "ada@exa_mple.com",
        "ada@-example.com",
        "ada@[127.0.0.1]",
        "a da@example.com",
        "a..da@example.com",
        ".ada@example.com",
        "ada.@example.com",
        '"a da"@example.com',
        "Ada <ada@example.com>",
        "ada@example.com, bob@example.com",
        "ada\n@example.com",
        "äda@example.com",
        "\uff41da@example.com",
        "用户@example.com",
        "ada@" + "d" * 64 + ".com",
    ],
)
def test_what_is_no_address_is_refused_with_the_sentence_of_the_contract(email: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        NewAccount(email=email, password=PASSWORD)
    assert [(problem["type"], problem["msg"]) for problem in refusal.value.errors()] == [
        ("email_format", "Invalid email format")
    ]


def test_an_address_has_at_most_254_characters() -> None:
    assert account_problems(email=f"{'l' * 53}@{LABELS}") == []
    assert account_problems(email=f"{'l' * 54}@{LABELS}") == [("email", "email_format")]


def test_blanks_around_an_address_do_not_count() -> None:
    assert account_problems(email=f"{' ' * 300}ada@example.com") == []


@pytest.mark.parametrize("field", ["first_name", "last_name"])
def test_names_are_trimmed(field: str) -> None:
    account = NewAccount.model_validate({**ACCOUNT, field: " \n Ada \u00a0Augusta\u3000 "})
    assert getattr(account, field) == "Ada \u00a0Augusta"


@pytest.mark.parametrize("field", ["first_name", "last_name"])
def test_names_have_one_to_a_hundred_characters_after_trimming(field: str) -> None:
    assert account_problems(**{field: "A"}) == []
    assert account_problems(**{field: " " * 200 + "\U0001f600" * 100}) == []
    assert account_problems(**{field: "A" * 101}) == [(field, "string_too_long")]
    assert account_problems(**{field: ""}) == [(field, "string_too_short")]
    assert account_problems(**{field: " \t\u3000"}) == [(field, "string_too_short")]


def test_names_may_be_left_out_or_null() -> None:
    for new in (NewAccount.model_validate(ACCOUNT), NewAccount(**ACCOUNT, first_name=None, last_name=None)):
        assert (new.first_name, new.last_name) == (None, None)
    assert UserChanges(first_name=None).sent == {"first_name": None}


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("ninechars", "string_too_short"),
        ("ten chars!", None),
        ("é" * 9, "string_too_short"),
        ("\U0001f600 fine one", None),
        ("\U0001f600" * 9, "string_too_short"),
        ("".join(map(chr, range(0x1F600, 0x1F680))), None),
        ("fine " * 25 + "one", None),
        ("fine " * 25 + "one!", "string_too_long"),
        ("  \t ~^°\u202e\u0007\n", None),
        (1234567890, "string_type"),
    ],
)
def test_a_password_has_10_to_128_code_points_of_any_kind(password: object, problem: str | None) -> None:
    assert account_problems(password=password) == ([("password", problem)] if problem else [])


def test_a_password_is_taken_as_it_is() -> None:
    assert NewAccount(email="ada@example.com", password="  Blank AROUND  ").password == "  Blank AROUND  "


@pytest.mark.parametrize("password", ["my lady ada.l is here", "ADA.L rules the world", "xxxxxxxxAda.Lxxxxxxxx"])
def test_a_password_must_not_contain_the_local_part_in_any_case(password: str) -> None:
    assert account_problems(email="Ada.L@example.com", password=password) == [("password", "password_contains_email")]


@pytest.mark.parametrize("password", ["bob is not my uncle", "a fine example.com one"])
def test_short_local_parts_and_domains_may_be_in_a_password(password: str) -> None:
    assert account_problems(email="bob@example.com", password=password) == []


def test_a_local_part_of_four_characters_is_long_enough_to_tell() -> None:
    assert account_problems(email="adam@example.com", password="madam is at home") == [
        ("password", "password_contains_email")
    ]


@pytest.mark.parametrize("password", ["1234567890", "qwertyuiop", "QwertyUIOP", "basketball"])
def test_common_passwords_are_refused_in_any_case(password: str) -> None:
    assert account_problems(password=password) == [("password", "password_common")]


@pytest.mark.parametrize(
    "password",
    [
        *("1111111111", "          ", "\u3042" * 12, "1111111112", "121212121212", "abcabcabcabca", "x" * 128),
        *("passwordpassword", "QwertyQwerty", "1234512345", "monkeymonkeymon"),
        *("0123456789", "9876543210", "abcdefghijkl", "asdfghjkl;'"[:9] + "zxc", "1qaz2wsx3edc4", "mnbvcxzlkjh"),
        *("Password123!", "P@ssw0rd123", "Welcome2024!", "passw0rd1234", "iloveyou!!", "l3tm31n12345"),
    ],
)
def test_what_everybody_makes_of_common_passwords_is_refused(password: str) -> None:
    assert account_problems(password=password) == [("password", "password_common")]


@pytest.mark.parametrize(
    "password",
    [
        *("my password is longer", "qwertyuiop and more", "monkey business", "elephants walk by", "abcabcxabcabc"),
        *("correct horse battery staple", "7310925648", "Tr0ub4dor&3", "winter is coming", "aabbccddeeffgh"),
    ],
)
def test_what_only_contains_a_common_password_is_taken(password: str) -> None:
    assert account_problems(password=password) == []


@pytest.mark.parametrize("password", ["x", "1234567890", "ada@example.com", "x" * 1000])
def test_login_compares_any_password_whatever_its_rules(password: str) -> None:
    assert problems(Login, email="no address", password=password) == []


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"email": "ada@example.com"},
        {"password": PASSWORD},
        {"email": "", "password": PASSWORD},
        {"email": "ada@example.com", "password": ""},
        {"email": None, "password": PASSWORD},
    ],
)
def test_login_says_missing_where_one_is_absent_or_empty(sent: dict[str, Any]) -> None:
    with pytest.raises(MissingCredentials):
        Login.model_validate(sent)


def test_a_title_is_trimmed_and_has_one_to_255_characters() -> None:
    assert NewPost(title=" \n A title ", content="Some text.").title == "A title"
    assert post_problems(title=" " * 300 + "\U0001f600" * 255) == []
    assert post_problems(title="t" * 256) == [("title", "string_too_long")]
    assert post_problems(title=" \t\n") == [("title", "string_too_short")]


def test_content_is_kept_as_it_is_and_has_one_to_200_000_characters() -> None:
    assert NewPost(title="A title", content="  Some text.\n").content == "  Some text.\n"
    assert post_problems(content="\U0001f600" * 200_000) == []
    assert post_problems(content="c" * 200_001) == [("content", "string_too_long")]
    assert post_problems(content="") == [("content", "string_too_short")]


TEXTS = [
    (NewAccount, ACCOUNT, "email"),
    (NewAccount, ACCOUNT, "password"),
    (NewAccount, ACCOUNT, "first_name"),
    (NewAccount, ACCOUNT, "last_name"),
    (UserChanges, {}, "first_name"),
    (UserChanges, {}, "email"),
    (NewPost, POST, "title"),
    (NewPost, POST, "content"),
    (PostChanges, {}, "title"),
    (PostChanges, {}, "content"),
    (UserListing, {}, "q"),
    (Login, ACCOUNT, "email"),
    (Login, ACCOUNT, "password"),
]


@pytest.mark.parametrize(("model", "others", "field"), TEXTS)
def test_no_text_has_a_nul(model: type[BaseModel], others: dict[str, Any], field: str) -> None:
    assert problems(model, **others) == []
    assert problems(model, **others | {field: "some\0thing long"}) == [(field, "nul_character")]


@pytest.mark.parametrize("half", [0xD83D, 0xDE00])
@pytest.mark.parametrize(("model", "others", "field"), TEXTS)
def test_no_text_has_half_a_character(model: type[BaseModel], others: dict[str, Any], field: str, half: int) -> None:
    assert [name for name, _ in problems(model, **others | {field: f"something {chr(half)} long"})] == [field]


@pytest.mark.parametrize(
    "text", ["1_0", " 1", "1 ", "1\n", "1.0", "+1", "--1", "٣", "\uff11", "1e1", "0x1", "", "ten", "9" * 5000]
)
def test_a_query_number_is_digits_and_nothing_else(text: str) -> None:
    assert problems(PageRequest, page=text) == [("page", "int_type")]
    assert problems(PageRequest, limit=text) == [("limit", "int_type")]


@pytest.mark.parametrize(
    ("field", "text", "problem"),
    [
        ("page", "1", None),
        ("page", "1000000", None),
        ("page", "0", "greater_than_equal"),
        ("page", "-1", "greater_than_equal"),
        ("page", "1000001", "less_than_equal"),
        ("page", "9" * 19, "less_than_equal"),
        ("limit", "1", None),
        ("limit", "100", None),
        ("limit", "0", "greater_than_equal"),
        ("limit", "101", "less_than_equal"),
    ],
)
def test_query_numbers_have_bounds(field: str, text: str, problem: str | None) -> None:
    assert problems(PageRequest, **{field: text}) == ([(field, problem)] if problem else [])


def test_a_search_has_up_to_100_characters_and_an_empty_one_is_none() -> None:
    assert UserListing(q="\U0001f600" * 100).q == "\U0001f600" * 100
    assert UserListing(q=" ").q == " "
    assert UserListing(q="").q is None
    assert problems(UserListing, q="q" * 101) == [("q", "string_too_long")]


@pytest.mark.parametrize("text", ["True", "TRUE", "1", "yes", "on", "", " true"])
def test_a_query_flag_is_true_or_false_and_nothing_else(text: str) -> None:
    assert problems(PostListing, mine=text) == [("mine", "bool_type")]


def test_query_flags_are_read() -> None:
    listing = PostListing.model_validate({"mine": "true", "published": "false"})
    assert (listing.mine, listing.published) == (True, False)
    assert not PostListing.model_validate({"mine": "false"}).mine


@pytest.mark.parametrize("sent", [{"published": "true"}, {"mine": "false", "published": "false"}])
def test_published_without_mine_is_refused(sent: dict[str, Any]) -> None:
    assert problems(PostListing, **sent) == [("published", "needs_mine")]


def test_an_id_is_taken_in_its_canonical_spelling_of_any_case() -> None:
    assert as_uuid(ID) == as_uuid(ID.upper()) == UUID(ID)
    assert AuthorListing.model_validate({"author": ID.upper()}).author == UUID(ID)


@pytest.mark.parametrize(
    "text", ["", "x", ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}", f" {ID}", ID[:-1] + "٣", ID[:-1], ID + "0"]
)
def test_every_other_spelling_of_an_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - UUID's own words differ from ours
        as_uuid(text)
    assert problems(AuthorListing, author=text) == [("author", "uuid_format")]


@pytest.mark.parametrize(
    ("model", "sent", "problem"),
    [
        (NewUser, {**ACCOUNT, "role": "root"}, ("role", "literal_error")),
        (NewUser, {**ACCOUNT, "role": None}, ("role", "literal_error")),
        (UserChanges, {"is_active": "true"}, ("is_active", "bool_type")),
        (UserChanges, {"is_active": 0}, ("is_active", "bool_type")),
        (UserChanges, {"is_active": None}, ("is_active", "bool_type")),
        (UserChanges, {"email": None}, ("email", "string_type")),
        (UserChanges, {"first_name": 5}, ("first_name", "string_type")),
        (UserChanges, {"password": PASSWORD}, ("password", "extra_forbidden")),
        (NewAccount, {**ACCOUNT, "role": "admin"}, ("role", "extra_forbidden")),
        (NewPost, {**POST, "published": 1}, ("published", "bool_type")),
        (NewPost, {**POST, "author_id": ID}, ("author_id", "extra_forbidden")),
        (PostChanges, {"title": None}, ("title", "string_type")),
        (PostChanges, {"published": None}, ("published", "bool_type")),
        (UserListing, {"mine": "true"}, ("mine", "extra_forbidden")),
        (Login, {**ACCOUNT, "otp": "1"}, ("otp", "extra_forbidden")),
    ],
)
def test_no_value_is_converted_and_no_unknown_field_taken(
    model: type[BaseModel], sent: dict[str, Any], problem: tuple[str, str]
) -> None:
    assert problems(model, **sent) == [problem]


def test_only_the_fields_that_were_sent_are_changes() -> None:
    assert UserChanges.model_validate({}).sent == {}
    assert UserChanges(last_name=None, role="user").sent == {"last_name": None, "role": "user"}
    assert PostChanges(published=False).sent == {"published": False}
