"""Gives the secret that signs a project's callbacks where no action of its policy has one."""

import base64

from gaveld.application.ports import SecretBox


def callback_secret(box: SecretBox, project: str) -> str:
    """Return the secret of callbacks to a call's own ``callback_url``, ``whsec_`` and base64.

    It is worked out of the box's first key and stored nowhere; another first key is another secret.
    """
    key = box.derive(f"callbacks of {project}")
    return f"whsec_{base64.b64encode(key).decode()}"
