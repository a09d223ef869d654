"""Finds domains that pass for another one's: letters of other scripts, and brands imitated.

A domain in one script of its own is nobody's imitation, unless it reads as a known brand.
"""

import unicodedata
from functools import cache
from itertools import pairwise
from typing import Final

from confusable_homoglyphs import categories, confusables

from gaveld.adapters.text.links.hosts import unicode_labels

# Domains that phishing reports name again and again.
_BRAND_DOMAINS: Final = frozenset(
    {
        "adobe.com", "aliexpress.com", "amazon.com", "americanexpress.com", "apple.com",
        "bankofamerica.com", "barclays.co.uk", "binance.com", "blockchain.com", "booking.com",
        "capitalone.com", "chase.com", "citibank.com", "coinbase.com", "discord.com", "dropbox.com",
        "facebook.com", "fedex.com", "github.com", "gmail.com", "google.com", "hsbc.com",
        "icloud.com", "instagram.com", "kraken.com", "linkedin.com", "mastercard.com",
        "metamask.io", "microsoft.com", "netflix.com", "outlook.com", "paypal.com",
        "playstation.com", "reddit.com", "roblox.com", "santander.com", "spotify.com",
        "steamcommunity.com", "steampowered.com", "telegram.org", "tiktok.com", "trustwallet.com",
        "twitch.tv", "twitter.com", "wellsfargo.com", "whatsapp.com", "yahoo.com", "youtube.com",
        "zoom.us",
    }
)  # fmt: skip
_SHORTEST_IMITATED: Final = 5
_BRANDS: Final = frozenset(
    name
    for name in (domain.partition(".")[0] for domain in _BRAND_DOMAINS)
    if len(name) >= _SHORTEST_IMITATED
)

# Scripts that are written together; a label of theirs is no disguise.
_COMPANIONS: Final = (
    frozenset({"LATIN", "HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "HAN", "HANGUL"}),
    frozenset({"LATIN", "HAN", "BOPOMOFO"}),
)
_NEUTRAL: Final = frozenset({"COMMON", "INHERITED"})

# Replaced on both sides of a comparison, so it does not matter which spelling is the brand's.
_LOOK_ALIKE_ASCII: Final = (
    ("rn", "m"),
    ("vv", "w"),
    ("0", "o"),
    ("1", "l"),
    ("i", "l"),
    ("5", "s"),
)


def is_homograph(host: str, registrable: str) -> bool:
    """Whether a canonical host mixes scripts to deceive, or reads as a brand that it is not."""
    labels = unicode_labels(host)
    if any(not label.isascii() and _mixes_scripts(label) for label in labels):
        return True
    name = unicode_labels(registrable.partition(".")[0])[0]
    return name not in _BRANDS and skeleton(name) in _brand_skeletons()


def is_brand_as_subdomain(host: str, registrable: str) -> bool:
    """Whether a brand's whole domain stands before the domain that was registered."""
    labels = host.removesuffix(registrable).strip(".").split(".")
    if registrable in _BRAND_DOMAINS:
        return False
    return any(f"{a}.{b}" in _BRAND_DOMAINS for a, b in pairwise(labels))


def skeleton(name: str) -> str:
    """Return what a name looks like: no marks, look-alikes as one letter, in lower-case ASCII."""
    plain = name
    if not name.isascii():
        parts = unicodedata.normalize("NFKD", name)
        bare = "".join(part for part in parts if not unicodedata.combining(part))
        plain = bare.translate(_latin_look_alikes())
    for sign, letter in _LOOK_ALIKE_ASCII:
        plain = plain.replace(sign, letter)
    return plain


def _mixes_scripts(label: str) -> bool:
    scripts = {categories.alias(character) for character in label} - _NEUTRAL
    if len(scripts) < 2 or any(scripts <= companions for companions in _COMPANIONS):  # noqa: PLR2004
        return False
    return any(ord(character) in _latin_look_alikes() for character in label)


@cache
def _latin_look_alikes() -> dict[int, str]:
    """Return which characters outside ASCII look like an ASCII letter or digit, and like which."""
    table: dict[int, str] = {}
    for character, likes in confusables.confusables_data.items():
        if len(character) != 1 or character.isascii():
            continue
        for like in likes:
            letter = like["c"].lower()
            if len(letter) == 1 and letter.isascii() and letter.isalnum():
                table[ord(character)] = letter
                break
    return table


@cache
def _brand_skeletons() -> frozenset[str]:
    return frozenset(map(skeleton, _BRANDS))
