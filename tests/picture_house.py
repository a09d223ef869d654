"""Use cases about pictures, put together as bootstrap does, from real and fake parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gaveld.adapters.image.decode.decoder import ProcessImageDecoder
from gaveld.application.look_at_picture import LookAtPicture, PictureDetectors
from gaveld.application.moderate_image import ModerateImage
from gaveld.application.picture_places import PicturePlaces
from gaveld.application.ports import (
    Classifier,
    ImageDecoder,
    MediaFetcher,
    PolicyStore,
    TextReader,
    VerdictCache,
)
from gaveld.application.scan_file import ScanFile
from gaveld.domain.image_signals import SeenPicture, blind_spot
from gaveld.domain.media import MediaFile
from tests.fakes.pictures import FakeNetwork, FakePictureReader
from tests.fakes.rules import fake_rules
from tests.fakes.telemetry import FakeTelemetry
from tests.fakes.text_reader import FakeTextReader
from tests.fetch_target import fetching


@dataclass
class PictureParts:
    """What a house is made of; what a test does not name is fake and finds next to nothing."""

    network: FakeNetwork = field(default_factory=FakeNetwork)
    ocr: FakePictureReader = field(default_factory=FakePictureReader)
    codes: FakePictureReader = field(default_factory=lambda: FakePictureReader("codes"))
    known: tuple[FakePictureReader, ...] = ()
    reader: TextReader = field(default_factory=FakeTextReader)
    antivirus: Classifier[MediaFile] | None = None
    cache: VerdictCache[SeenPicture] | None = None
    places: tuple[int, int, float] = (4, 16, 2.0)
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)

    @property
    def detectors(self) -> PictureDetectors:
        """The detectors, with the card of what they can't see."""
        return PictureDetectors(
            known=self.known,
            networks=(self.network,),
            codes=(self.codes,),
            text=(self.ocr,),
            absent=(blind_spot({"A1", "A2"}),),
        )

    def moderate_image(
        self, fetcher: MediaFetcher, decoder: ImageDecoder, policies: PolicyStore
    ) -> ModerateImage:
        """Return the use case over the parts."""
        return ModerateImage(
            fetcher=fetcher,
            decoder=decoder,
            scan_file=ScanFile(self.antivirus),
            look=LookAtPicture(self.detectors, self.reader, self.telemetry),
            places=PicturePlaces(*self.places, self.telemetry),
            policies=policies,
            telemetry=self.telemetry,
            cache=self.cache,
            apply_rules=fake_rules(self.telemetry),
        )


@asynccontextmanager
async def picture_use_case(
    policies: PolicyStore,
    parts: PictureParts | None = None,
    fetcher: MediaFetcher | None = None,
    decoder: ImageDecoder | None = None,
) -> AsyncIterator[ModerateImage]:
    """The use case with the real decoder, and a fetcher of the tests' own if none is given."""
    parts = parts or PictureParts()
    own = None if decoder is not None else ProcessImageDecoder(workers=1)
    try:
        async with fetching() as plain:
            yield parts.moderate_image(fetcher or plain, decoder or own, policies)
    finally:
        if own is not None:
            own.close()
