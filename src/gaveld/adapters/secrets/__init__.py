"""What keeps secrets unreadable at rest, and the files that hold its keys."""

from gaveld.adapters.secrets.box import AesSecretBox
from gaveld.adapters.secrets.keys import keys_in, made_key_file, new_key

__all__ = ["AesSecretBox", "keys_in", "made_key_file", "new_key"]
