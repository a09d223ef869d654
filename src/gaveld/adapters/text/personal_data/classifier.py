"""Asks every detector of personal data and of secrets about a text. It knows no format itself."""

from collections.abc import Sequence
from typing import Final

from gaveld.adapters.text.cpu_lane import Checkpoint, CpuLane
from gaveld.adapters.text.personal_data import (
    authorization,
    email_address,
    iban,
    ip_address,
    json_web_token,
    password,
    payment_card,
    phone_number,
    private_key,
    vendor_token,
)
from gaveld.adapters.text.scanning import Find, report, scan_readings
from gaveld.domain.content import TextSample
from gaveld.domain.signals import ClassifierCard, ClassifierReport

DEFAULT_PHONE_REGIONS: Final = ("US",)


class PersonalDataClassifier:
    """The ``Classifier`` of P1 and P2: formats, check digits and entropy, and no model.

    ``phone_regions`` are the ISO 3166 codes of the countries whose national phone numbers are
    recognised without a country code; international ones are recognised from everywhere.
    Raises ``ValueError`` for a region that has no numbering plan.
    """

    def __init__(self, lane: CpuLane, phone_regions: Sequence[str] = DEFAULT_PHONE_REGIONS) -> None:
        self._lane = lane
        self._finds: tuple[Find, ...] = (
            email_address.find,
            phone_number.PhoneNumbers(phone_regions).find,
            payment_card.find,
            iban.find,
            ip_address.find,
            private_key.find,
            json_web_token.find,
            vendor_token.find,
            authorization.find,
            password.find,
        )
        self._card = ClassifierCard(
            name="personal_data",
            version="1.0.0",
            categories=frozenset({"P1", "P2"}),
            limits="Knows data by its format: it sees no names, street addresses or birthdays.",
        )

    @property
    def card(self) -> ClassifierCard:
        """What the classifier is and sees."""
        return self._card

    async def warm_up(self) -> None:
        """Load the phone regions' numbering plans."""
        for find in self._finds:
            tuple(find("+1 202 456 1111, 202-456-1111"))

    async def classify(self, sample: TextSample) -> ClassifierReport:
        """Return the personal data and secrets in the text, each with its span."""

        def work(checkpoint: Checkpoint) -> ClassifierReport:
            return report(scan_readings(sample.readings, self._finds, checkpoint), self._card)

        return await self._lane.run(len(sample.text), work)
