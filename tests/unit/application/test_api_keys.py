"""Whose key it is, and every way in which a key is refused."""

import hashlib
from datetime import UTC, datetime

import pytest

from gaveld.application.api_keys import Authenticate, Credentials, new_api_key
from gaveld.domain.errors import ErrorReason, PermissionDenied, Unauthenticated
from tests.fakes.api_keys import FakeApiKeyStore


async def test_a_key_opens_its_project():
    """Law: the text that was shown once leads back to the key."""
    store = FakeApiKeyStore()
    key, text = new_api_key(project="shop")
    await store.add(key)
    assert await Authenticate(store)(Credentials(text), "moderate") == key
    assert await Authenticate(store)(Credentials(text, "shop"), "moderate") == key


def test_the_secret_is_not_kept():
    """Law: what is stored can't be used to call."""
    key, text = new_api_key(project="shop")
    secret = text.rpartition("_")[2]
    assert secret not in repr(key)
    assert key.secret_sha256 == hashlib.sha256(secret.encode()).digest()


def test_an_unknown_scope_is_refused():
    """Law: a key never holds a scope that means nothing."""
    with pytest.raises(ValueError, match="fly"):
        new_api_key(project="shop", scopes=frozenset({"fly"}))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: "gvl",
        lambda text: "gvl__",
        lambda text: text[:-1],
        lambda text: text + "0",
        lambda text: text.replace("gvl", "abc"),
        lambda text: "gvl_" + "0" * 16 + "_" + text.rpartition("_")[2],
        lambda text: text + "\u00e9",
    ],
)
async def test_anything_but_the_whole_key_is_invalid(spoil):
    """Law: a malformed, unknown or wrong key is refused with one and the same reason."""
    store = FakeApiKeyStore()
    key, text = new_api_key(project="shop")
    await store.add(key)
    with pytest.raises(Unauthenticated) as refused:
        await Authenticate(store)(Credentials(spoil(text)), "moderate")
    assert refused.value.reason is ErrorReason.API_KEY_INVALID


async def test_another_organisations_client_id_is_refused():
    """Law: where a dialect sends both halves, both must fit."""
    store = FakeApiKeyStore()
    key, text = new_api_key(project="shop", client_id="acme")
    await store.add(key)
    with pytest.raises(Unauthenticated):
        await Authenticate(store)(Credentials(text, "globex"), "moderate")


async def test_a_revoked_key_is_refused():
    """Law: a revoked key says that it was revoked, to whoever still holds it."""
    store = FakeApiKeyStore()
    key, text = new_api_key(project="shop")
    await store.add(key)
    await store.revoke(key.id, datetime.now(UTC))
    with pytest.raises(Unauthenticated) as refused:
        await Authenticate(store)(Credentials(text), "moderate")
    assert refused.value.reason is ErrorReason.API_KEY_REVOKED


@pytest.mark.parametrize(
    ("scopes", "allowed"), [({"moderate"}, True), ({"admin"}, True), (set(), False)]
)
async def test_a_key_does_what_its_scopes_say(scopes, allowed: bool):
    """Law: without the scope a known caller is refused, and admin holds every scope."""
    store = FakeApiKeyStore()
    key, text = new_api_key(project="shop", scopes=frozenset(scopes))
    await store.add(key)
    if allowed:
        assert await Authenticate(store)(Credentials(text), "moderate") == key
        return
    with pytest.raises(PermissionDenied) as refused:
        await Authenticate(store)(Credentials(text), "moderate")
    assert refused.value.metadata == {"scope": "moderate"}


@pytest.mark.parametrize("scope", ["moderate", "policy"])
async def test_of_several_scopes_one_is_enough(scope: str):
    """Law: what several sorts of keys may do is refused to the others, with what they lack."""
    for scopes, is_let_in in (({scope}, True), ({"review"}, False)):
        key, text = new_api_key(project="shop", scopes=frozenset(scopes))
        store = FakeApiKeyStore()
        await store.add(key)
        asked = Authenticate(store)(Credentials(text), "moderate policy")
        if is_let_in:
            assert (await asked).id == key.id
            continue
        with pytest.raises(PermissionDenied, match="'moderate' or 'policy'"):
            await asked
