"""What speaks against a link, and how much. Which links bear a sign is decided elsewhere."""

from typing import Final, NamedTuple


class Sign(NamedTuple):
    """One thing that speaks against a link.

    ``score`` is the probability 0–1 that a link with this sign, met in chat or comments, is meant
    to harm or to get past a filter. The scores are judgements, not measurements: they are there
    to be ordered, and to be set against a policy's thresholds.
    """

    score: float
    reason: str


BLOCKED: Final = Sign(1.0, "A link to a domain that the policy blocks.")
HOMOGRAPH: Final = Sign(0.9, "A link whose domain looks like another one's in other letters.")
USER_INFO: Final = Sign(0.85, "A link with a user name before its host, which hides the host.")
DISGUISED_IP: Final = Sign(0.85, "A link to an IP address in an unusual notation.")
ACTIVE_SCHEME: Final = Sign(0.8, "A link that runs or shows what is written in it.")
DISGUISED_FILE: Final = Sign(0.8, "A link to a program that is named like a document.")
BRAND_AS_SUBDOMAIN: Final = Sign(0.7, "A link whose host starts with another company's domain.")
IP_LITERAL: Final = Sign(0.7, "A link to an IP address instead of a name.")
PROGRAM: Final = Sign(0.5, "A link to a file that a computer would run.")
DEFANGED: Final = Sign(0.5, "A link spelt so that programs do not see it.")
SHORTENER: Final = Sign(0.4, "A link through a shortener, which hides where it leads.")
LOCAL_IP: Final = Sign(0.3, "A link to an IP address of a private network.")

SHORTENERS: Final = frozenset(
    {
        "adf.ly", "bit.do", "bit.ly", "bitly.com", "bl.ink", "buff.ly", "clck.ru", "cutt.ly",
        "dub.sh", "goo.gl", "is.gd", "j.mp", "lnkd.in", "ow.ly", "qr.ae", "rb.gy", "rebrand.ly",
        "s.id", "short.gy", "shorturl.at", "shrtco.de", "snip.ly", "soo.gd", "t.co", "t.ly",
        "t2m.io", "tiny.cc", "tinyurl.com", "trib.al", "u.to", "urlz.fr", "v.gd", "vk.cc",
        "vm.tiktok.com",
    }
)  # fmt: skip
"""Hosts whose links lead anywhere, as their operators advertise."""

PROGRAM_ENDINGS: Final = frozenset(
    {
        "apk", "appimage", "bat", "cmd", "cpl", "deb", "dmg", "exe", "gadget", "hta", "ipa", "iso",
        "jar", "jse", "lnk", "msi", "msix", "pif", "pkg", "ps1", "reg", "scr", "vbe", "vbs", "wsf",
        "xll",
    }
)  # fmt: skip
"""What the names of files end in that a computer or phone runs, mounts or installs."""

DOCUMENT_ENDINGS: Final = frozenset(
    {
        "csv", "doc", "docx", "gif", "jpeg", "jpg", "mp3", "mp4", "pdf", "png", "ppt", "pptx",
        "rtf", "txt", "xls", "xlsx",
    }
)  # fmt: skip
