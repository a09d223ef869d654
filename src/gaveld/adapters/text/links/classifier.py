"""Judges the links of a text by how they are spelt and by the policy's domains. It opens none."""

import re
from collections.abc import Iterator
from typing import Final

from gaveld.adapters.text.compiled import CompiledOnce
from gaveld.adapters.text.cpu_lane import Checkpoint, CpuLane
from gaveld.adapters.text.links import signs
from gaveld.adapters.text.links.extraction import Link, extract
from gaveld.adapters.text.links.homographs import is_brand_as_subdomain, is_homograph
from gaveld.adapters.text.links.hosts import (
    DomainSet,
    IpHost,
    ascii_form,
    ip_host,
    registrable_domain,
)
from gaveld.adapters.text.links.refang import refang
from gaveld.adapters.text.links.signs import Sign
from gaveld.adapters.text.scanning import Hit, report, scan_readings
from gaveld.domain.content import TextSample
from gaveld.domain.signals import ClassifierCard, ClassifierReport

_CATEGORY: Final = "S2"
_SPELT_AT: Final = re.compile(r"[\[({]\s?at\s?[\])}]\s?\Z", re.IGNORECASE)
_AT_CHARACTERS: Final = 8
_WEB: Final = frozenset({"", "http", "https"})


class LinkClassifier:
    """The ``Classifier`` of S2: one finding for each link that bears a sign of deceit.

    The strongest sign gives the score. An ordinary link is no finding. A domain that the policy
    blocks outweighs everything; one that it allows outweighs every sign but that.
    """

    def __init__(self, lane: CpuLane) -> None:
        self._lane = lane
        self._domains = CompiledOnce(lane, DomainSet, _characters)
        self._card = ClassifierCard(
            name="links",
            version="1.0.0",
            categories=frozenset({_CATEGORY}),
            limits="Judges a link by its spelling: it opens none and has no reputation list.",
        )

    @property
    def card(self) -> ClassifierCard:
        """What the classifier is and sees."""
        return self._card

    async def warm_up(self) -> None:
        """Load the public suffixes and the look-alikes."""
        is_homograph("\u0430.example.com", registrable_domain("example.com"))

    async def classify(self, sample: TextSample) -> ClassifierReport:
        """Return a finding for each link that bears a sign, with the link's span."""
        judge = _Judge(
            blocked=await self._domains.of(sample.policy.blocked_domains),
            allowed=await self._domains.of(sample.policy.allowed_domains),
        )

        def work(checkpoint: Checkpoint) -> ClassifierReport:
            return report(scan_readings(sample.readings, (judge.find,), checkpoint), self._card)

        return await self._lane.run(len(sample.text), work)


def _characters(domains: tuple[str, ...]) -> int:
    return sum(map(len, domains))


class _Judge:
    """Knows one policy's domains."""

    def __init__(self, blocked: DomainSet, allowed: DomainSet) -> None:
        self._blocked = blocked
        self._allowed = allowed

    def find(self, text: str) -> Iterator[Hit]:
        """Yield a hit for each link in a text that bears a sign, also for hidden ones."""
        for link in extract(text):
            sign = self._sign(link)
            if sign:
                yield _hit(link.start, link.end, sign)
        refanged = refang(text)
        if refanged is None:
            return
        plain = refanged.reading.text
        for link in extract(plain):
            if not refanged.is_hidden(link.start, link.end) or _is_of_address(plain, link):
                continue
            sign = self._sign(link, hidden=True)
            if sign:
                yield _hit(*refanged.reading.original(link.start, link.end), sign)

    def _sign(self, link: Link, *, hidden: bool = False) -> Sign | None:
        """Return the strongest sign that a link bears."""
        if not link.host:
            return signs.ACTIVE_SCHEME
        address = ip_host(link.host)
        name = str(address.address) if address else ascii_form(link.host)
        if self._blocked.holds(name):
            return signs.BLOCKED
        if self._allowed.holds(name):
            return None
        found = [signs.SHORTENER] if _SHORTENERS.holds(name) else []
        if link.is_sure:
            found += _signs_of_address(address) if address else _signs_of_name(link.host)
            found += _signs_of_rest(link)
            found += [signs.DEFANGED] if hidden else []
        return max(found, default=None)


def _is_of_address(text: str, link: Link) -> bool:
    """Whether the link is the host of an e-mail address, spelt out like the link."""
    return _SPELT_AT.search(text, max(0, link.start - _AT_CHARACTERS), link.start) is not None


_SHORTENERS: Final = DomainSet(signs.SHORTENERS)


def _signs_of_address(host: IpHost) -> Iterator[Sign]:
    yield signs.LOCAL_IP if host.is_local else signs.IP_LITERAL
    if not host.is_plain:
        yield signs.DISGUISED_IP


def _signs_of_name(host: str) -> Iterator[Sign]:
    registrable = registrable_domain(host)
    if is_homograph(host, registrable):
        yield signs.HOMOGRAPH
    if is_brand_as_subdomain(host, registrable):
        yield signs.BRAND_AS_SUBDOMAIN


def _signs_of_rest(link: Link) -> Iterator[Sign]:
    if link.has_user_info and link.scheme in _WEB:
        yield signs.USER_INFO
    file_name = link.path.partition("?")[0].partition("#")[0].rpartition("/")[2].lower()
    stem, _, ending = file_name.rpartition(".")
    if ending in signs.PROGRAM_ENDINGS and stem:
        is_disguised = stem.rpartition(".")[2] in signs.DOCUMENT_ENDINGS
        yield signs.DISGUISED_FILE if is_disguised else signs.PROGRAM


def _hit(start: int, end: int, sign: Sign) -> Hit:
    return Hit(start, end, _CATEGORY, sign.score, sign.reason)
