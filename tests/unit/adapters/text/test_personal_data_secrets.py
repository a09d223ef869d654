"""The detectors of keys, tokens and passwords.

The secrets are put together here from pieces, so that no scanner takes this file for a leak.
"""

import base64
import json
import random
import string

import pytest

from gaveld.adapters.text.personal_data import (
    authorization,
    json_web_token,
    password,
    private_key,
    vendor_token,
)
from tests.unit.adapters.text.detections import found

ALPHANUMERIC = string.ascii_letters + string.digits


def drawn(length: int, alphabet: str = ALPHANUMERIC) -> str:
    """Return the same random string for the same length, with a digit in it."""
    return "7" + "".join(random.Random(length).choices(alphabet, k=length - 1))


def part(value: object) -> str:
    """Return a value as one part of a JSON Web Token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


TOKENS = [
    "AK" + "IA" + drawn(16, string.ascii_uppercase + "234567"),
    "gh" + "p_" + drawn(36),
    "github" + "_pat_" + drawn(22) + "_" + drawn(59),
    "gl" + "pat-" + drawn(20),
    "xo" + "xb-" + drawn(12, string.digits) + "-" + drawn(24),
    "sk" + "_live_" + drawn(24),
    "rk" + "_test_" + drawn(24),
    "AI" + "za" + drawn(35),
    "GOC" + "SPX-" + drawn(28),
    "sk" + "-proj-" + drawn(48),
    "sk" + "-ant-api03-" + drawn(90),
    "sk" + "-" + drawn(48),
    "SG" + "." + drawn(22) + "." + drawn(43),
    "np" + "m_" + drawn(36),
    "hf" + "_" + drawn(34),
    "shp" + "at_" + drawn(32, "0123456789abcdef"),
    drawn(9, string.digits) + ":" + "AA" + drawn(33),
]
NO_TOKENS = [
    "AK" + "IA" + "IOSFODNN7" + "EXAMPLE",
    "AK" + "IA" + "X" * 16,
    "gh" + "p_" + "x" * 36,
    "sk" + "-" + "your-own-key-goes-here-1234567",
    "sk" + "-learn-is-a-library-for-machine-learning",
    "the task-force-of-the-city-council-2024",
    "sk" + "_live_" + "too7short",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "order SG.1234.5678",
    "hf" + "_" + "short1",
]


@pytest.mark.parametrize("token", TOKENS)
def test_tokens_are_found_by_their_prefix(token: str):
    """Law: a token in its issuer's format is found whole, wherever it stands."""
    assert found(vendor_token.find, f"use {token}, please") == [token]
    assert found(vendor_token.find, f"key={token}\n") == [token]


@pytest.mark.parametrize("text", NO_TOKENS)
def test_examples_and_words_are_no_tokens(text: str):
    """Law: placeholders, hashes and hyphenated words are no tokens, whatever they start with."""
    assert found(vendor_token.find, text) == []


def test_a_json_web_token_is_known_by_its_header():
    """Law: three parts are a token if the first decodes to a header that names an algorithm."""
    claims = part({"sub": "1234567890"})
    token = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{claims}.{drawn(43)}"
    assert found(json_web_token.find, f"token {token}.") == [token]
    assert found(json_web_token.find, f"{part({'kid': 'no algorithm'})}.{claims}.{drawn(43)}") == []
    assert found(json_web_token.find, "eyJhbGciOiJ-not-json.aaaa.bbbb") == []


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
def test_a_private_key_is_found_from_head_to_foot(kind: str):
    """Law: the whole armour is the span, whatever the kind of key."""
    armour = (
        f"-----BEGIN {kind}PRIVATE" + f" KEY-----\n{drawn(600)}\n-----END {kind}PRIVATE KEY-----"
    )
    assert found(private_key.find, f"here:\n{armour}\nthanks") == [armour]


def test_a_private_key_that_was_cut_off_is_found_as_far_as_it_goes():
    """Law: a key without its foot is no less a key."""
    cut = "-----BEGIN PRIVATE" + f" KEY-----\n{drawn(300)}"
    assert found(private_key.find, f"look: {cut}") == [cut]


@pytest.mark.parametrize("kind", ["PUBLIC KEY", "CERTIFICATE", "RSA PUBLIC KEY"])
def test_what_is_public_is_no_secret(kind: str):
    """Law: certificates and public keys are meant to be read."""
    assert found(private_key.find, f"-----BEGIN {kind}-----\nMIIB\n-----END {kind}-----") == []


def test_the_credentials_of_a_header_are_found():
    """Law: what follows Bearer or Basic is found if it can be a credential."""
    bearer = drawn(40)
    basic = base64.b64encode(b"bob:hunter22").decode()
    assert found(authorization.find, f"Authorization: Bearer {bearer}") == [bearer]
    assert found(authorization.find, f"authorization: basic {basic}") == [basic]


@pytest.mark.parametrize(
    "text",
    [
        "the bearer of good news arrived",
        "Bearer of-really-bad-news-today",
        "Bearer " + "x" * 40,
        "basic vocabulary and basic mathematics",
        "basic instructions",
    ],
)
def test_bearers_and_basics_of_other_kinds_are_left_alone(text: str):
    """Law: the words alone give nothing away."""
    assert found(authorization.find, text) == []


PASSWORDS = [
    ("postgres://bob:{}@db.example/app", "hunter22"),
    ("https://bob:{}@example.com/", "p4ss!word"),
    ("my password: {}", "hunter2"),
    ("PASSWORD={}", "s3cr3t!"),
    ('"passwd": "{}"', "tr0ub4dor&3"),
    ("pwd = {}", "abc123"),
    ("API_KEY={}", drawn(32)),
    ("aws_secret_" + "access_key = {}", drawn(40)),
    ('client_secret: "{}"', drawn(24)),
]
NO_PASSWORDS = [
    "I forgot my password, please reset it",
    "password: required",
    "Password: at least 8 characters",
    "password=${DB_PASSWORD}",
    "password=<your password>",
    "password: ********",
    "postgres://user:password@localhost/db",
    "https://example.com:8080/a@b",
    "token: the smallest unit of a text",
    "secret: I never liked cake, not even once",
    "api_key = os.environ['API_KEY']",
    "keyboard: mechanical-with-87-keys",
]


@pytest.mark.parametrize(("text", "secret"), PASSWORDS)
def test_a_password_is_found_by_what_stands_around_it(text: str, secret: str):
    """Law: the span is the secret alone, so that masking keeps the rest readable."""
    assert found(password.find, text.format(secret)) == [secret]


@pytest.mark.parametrize("text", NO_PASSWORDS)
def test_talk_of_passwords_is_left_alone(text: str):
    """Law: labels, placeholders and code that fetches a secret hold none."""
    assert found(password.find, text) == []
