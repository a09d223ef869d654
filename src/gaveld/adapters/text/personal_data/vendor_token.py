"""Finds access keys and tokens by the prefixes that their issuers document."""

import re
from collections.abc import Iterator
from typing import Final

from gaveld.adapters.text.personal_data.entropy import looks_random
from gaveld.adapters.text.scanning import Hit

PREFIXED: Final = 0.95

# One alternative for each format, the random part in a group of its own. The prefix differs from
# the next alternative's early, so that each position is given up after a few characters.
_TOKEN: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:AKIA|ASIA)([A-Z2-7]{16})"  # AWS access key id
    r"|gh[pousr]_([A-Za-z0-9]{36,255})"  # GitHub
    r"|github_pat_([A-Za-z0-9_]{36,255})"  # GitHub, fine-grained
    r"|gl(?:pat|dt|rt|cbt|ptt|soat|agent)-([\w-]{20,255})"  # GitLab
    r"|xox[abeoprs]-([A-Za-z0-9-]{20,255})"  # Slack
    r"|xapp-([A-Za-z0-9-]{20,255})"  # Slack, app level
    r"|hooks\.slack\.com/services/(T\w{6,16}/B\w{6,16}/\w{16,32})"  # Slack, incoming hook
    r"|[sr]k_(?:live|test)_([A-Za-z0-9]{16,255})"  # Stripe
    r"|whsec_([A-Za-z0-9+/]{24,255})"  # Stripe, Standard Webhooks
    r"|AIza([\w-]{35})"  # Google API key
    r"|ya29\.([\w-]{20,255})"  # Google access token
    r"|GOCSPX-([\w-]{28})"  # Google client secret
    r"|sk-((?:[a-z]{2,8}\d{0,2}-){0,3}[\w-]{20,255})"  # OpenAI, Anthropic and their like
    r"|SG\.([\w-]{22}\.[\w-]{43})"  # SendGrid
    r"|npm_([A-Za-z0-9]{36})"  # npm
    r"|pypi-([\w-]{50,255})"  # PyPI
    r"|hf_([A-Za-z0-9]{30,64})"  # Hugging Face
    r"|dop_v1_([a-f0-9]{64})"  # DigitalOcean
    r"|shp(?:at|ca|pa|ss)_([A-Fa-f0-9]{32})"  # Shopify
    r"|[0-9]{8,10}:(AA[\w-]{33})"  # Telegram bot
    r")(?![A-Za-z0-9])",
    re.ASCII,
)
_HINT: Final = re.compile(
    r"AKIA|ASIA|gh[pousr]_|github_pat_|gl[a-z]{2,5}-|xox[abeoprs]-|xapp-|hooks\.slack|k_live_"
    r"|k_test_|whsec_|AIza|ya29|GOCSPX|sk-|SG\.|npm_|pypi-|hf_|dop_v1_|shp[a-z]{2}_|:AA"
)


def find(text: str) -> Iterator[Hit]:
    """Yield the access keys and tokens in a text."""
    if not _HINT.search(text):
        return
    for token in _TOKEN.finditer(text):
        if looks_random(token[token.lastindex or 0]):
            yield Hit(token.start(), token.end(), "P2", PREFIXED, "An access key or token.")
