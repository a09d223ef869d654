"""On whose behalf a signed upload comes, and on nobody's."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gaveld.application.api_keys import new_api_key
from gaveld.application.ports import ApiKey
from gaveld.application.signed_uploads import AuthenticateUpload, upload_secret
from gaveld.domain.errors import ErrorReason, Unauthenticated
from gaveld.domain.signed_uploads import UploadKind, UploadSignature
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.secret_box import FakeSecretBox
from tests.unit.domain.test_signed_uploads import digest

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def secret(key_id: str) -> str:
    return upload_secret(FakeSecretBox(), key_id)


def signature(key_id: str, signed_with: str | None = None) -> UploadSignature:
    unsigned = UploadSignature(
        "5f0c2d1e-0000-4000-8000-000000000001",
        key_id,
        "",
        NOON.isoformat(),
        "60",
        UploadKind.IMAGE,
        ("https://gavel.example",),
    )
    return replace(unsigned, signature=digest(unsigned, signed_with or secret(key_id)).hex())


async def authenticated(upload: UploadSignature, *keys: ApiKey, at: datetime = NOON) -> ApiKey:
    store = FakeApiKeyStore()
    for key in keys:
        await store.add(key)
    return await AuthenticateUpload(store, secret, lambda: at)(upload)


def key_with(*scopes: str) -> ApiKey:
    return new_api_key(project="shop", scopes=frozenset(scopes))[0]


@pytest.mark.parametrize("scope", ["moderate", "admin"])
async def test_an_upload_comes_on_behalf_of_the_key_that_signed_it(scope: str):
    """Law: the signer's key is found by its public id, and must be allowed to moderate."""
    key = key_with(scope)
    assert await authenticated(signature(key.id), key) == key


async def test_each_key_has_a_secret_of_its_own():
    """Law: what one key signed is never another's, and secrets don't repeat."""
    one, other = key_with("moderate"), key_with("moderate")
    assert secret(one.id) != secret(other.id)
    with pytest.raises(Unauthenticated):
        await authenticated(signature(one.id, signed_with=secret(other.id)), one, other)


@pytest.mark.parametrize("case", ["unknown", "revoked", "scope", "late", "forged"])
async def test_nothing_else_is_taken(case: str):
    """Law: every refusal is the same to the uploader, whatever the reason."""
    key = key_with("review" if case == "scope" else "moderate")
    upload = signature(key.id, signed_with="guess" if case == "forged" else None)
    if case == "revoked":
        key = replace(key, revoked_at=NOON)
    keys = [] if case == "unknown" else [key]
    at = NOON + timedelta(seconds=60) if case == "late" else NOON
    with pytest.raises(Unauthenticated) as refusal:
        await authenticated(upload, *keys, at=at)
    assert refusal.value.reason is ErrorReason.UPLOAD_SIGNATURE_INVALID
    assert refusal.value.metadata == {}
