"""What signs callbacks to the addresses that calls name themselves."""

import pytest
from standardwebhooks import Webhook

from gaveld.application.callback_secrets import callback_secret
from tests.fakes.secret_box import FakeSecretBox


@pytest.mark.parametrize("project", ["shop", "bank"])
def test_a_projects_secret_is_its_own(project: str):
    """Law: it is a key that verifiers take, the same every time, and another project's is other."""
    made = callback_secret(FakeSecretBox(), project)
    assert made == callback_secret(FakeSecretBox(), project)
    assert made != callback_secret(FakeSecretBox(), "other")
    assert made != callback_secret(FakeSecretBox("second"), project)
    Webhook(made)
