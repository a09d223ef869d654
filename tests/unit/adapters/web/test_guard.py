"""No fetch reaches a host that is not public: names, spellings, redirects, changing answers."""

import httpcore2
import httpx2
import pytest

from gaveld.adapters.web.guard.addresses import Reach
from gaveld.adapters.web.guard.resolver import SystemResolver
from gaveld.adapters.web.guard.transport import AddressNotAllowed, GuardedBackend, GuardedTransport
from gaveld.adapters.web.media.fetcher import GuardedMediaFetcher
from gaveld.domain.media import MediaFile, MediaReference, MediaRefusal, MediaRefused
from gaveld.domain.media_formats import MediaFamily
from tests.fetch_target import PUBLIC, Names, Network, fetching, redirects, sends, target
from tests.pictures import encoded, quarters

PICTURES = frozenset({MediaFamily.PICTURE})
PNG = encoded(quarters(), "PNG")
INSIDE = frozenset({"inside.example"})

SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "127.127.127.127",
    "0.0.0.0",
    "0",
    "10.0.0.1",
    "10.1",
    "192.168.0.1",
    "172.16.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "169.254.43518",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "198.18.0.1",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:169.254.169.254]",
    "[::127.0.0.1]",
    "[64:ff9b::169.254.169.254]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:0808:0808::80ff:fffe]",
    "[fe80::1]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[100::1]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.1:1080",
    "[::1]:8080",
    "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",
    "\uff11\uff12\uff17.0.0.1",
    "127\u30020\u30020\u30021",
    "%31%32%37.0.0.1",
    "127.0.0.1%2f@pictures.example",
]
REFUSALS = {
    MediaRefusal.ADDRESS_NOT_PUBLIC,
    MediaRefusal.ADDRESS_MALFORMED,
    MediaRefusal.CREDENTIALS_IN_ADDRESS,
    MediaRefusal.NAME_NOT_RESOLVED,
}


async def got(fetcher: GuardedMediaFetcher, uri: str, inside=frozenset()) -> MediaFile:
    return await fetcher.fetch(MediaReference(uri), PICTURES, inside)


async def refusal(fetcher: GuardedMediaFetcher, uri: str, inside=frozenset()) -> MediaRefusal:
    with pytest.raises(MediaRefused) as refused:
        await got(fetcher, uri, inside)
    return refused.value.refusal


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_spelling_leads_inside(spelling: str):
    """Law: however an address is written, no connection to it is opened, asked for or led to."""
    async with target({"/": redirects(f"http://{spelling}/")}) as served:
        network = Network(served.port)
        system = SystemResolver()
        try:
            async with fetching(network, system) as fetcher:
                assert await refusal(fetcher, f"http://{spelling}/") in REFUSALS
                assert network.reached == []
        finally:
            system.close()
        names = _SystemBut(pictures_example=[[PUBLIC]])
        async with fetching(network, names) as fetcher:
            assert await refusal(fetcher, "http://pictures.example/") in REFUSALS
            assert network.reached == [(PUBLIC, 80)]
        names.close()


class _SystemBut(Names):
    """The system's resolver, but for names of its own."""

    def __init__(self, **answers) -> None:
        super().__init__(**answers)
        self._system = SystemResolver()
        self.close = self._system.close

    async def resolve(self, host: str, port: int):
        if host in self._answers:
            return await super().resolve(host, port)
        return await self._system.resolve(host, port)


async def test_the_plain_spelling_is_found_out_by_its_address():
    """Law: the list above is refused for where it leads, not because nothing is understood."""
    async with fetching(Network(1)) as fetcher:
        for host in ("127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::ffff:7f00:1]", "localhost"):
            assert await refusal(fetcher, f"http://{host}/") is MediaRefusal.ADDRESS_NOT_PUBLIC


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("ftp://pictures.example/a", MediaRefusal.SCHEME_NOT_ALLOWED),
        ("file:///etc/passwd", MediaRefusal.SCHEME_NOT_ALLOWED),
        ("gopher://pictures.example/", MediaRefusal.SCHEME_NOT_ALLOWED),
        ("unix:///run/docker.sock", MediaRefusal.SCHEME_NOT_ALLOWED),
        ("pictures.example/a.png", MediaRefusal.SCHEME_NOT_ALLOWED),
        ("http:///a", MediaRefusal.ADDRESS_MALFORMED),
        ("http://", MediaRefusal.ADDRESS_MALFORMED),
        ("http://pictures.example:99999/", MediaRefusal.ADDRESS_MALFORMED),
        ("http://pictures.example/a b", MediaRefusal.ADDRESS_MALFORMED),
        ("http://pictures.example/\r\nHost: inside", MediaRefusal.ADDRESS_MALFORMED),
        ("http://pictures.example\\@127.0.0.1/", MediaRefusal.ADDRESS_MALFORMED),
        ("http://pictures.example/" + "a" * 2_048, MediaRefusal.ADDRESS_MALFORMED),
        ("http://user@pictures.example/", MediaRefusal.CREDENTIALS_IN_ADDRESS),
        ("http://user:word@pictures.example/", MediaRefusal.CREDENTIALS_IN_ADDRESS),
        ("http://pictures.example:22/", MediaRefusal.PORT_NOT_ALLOWED),
        ("http://pictures.example:25/", MediaRefusal.PORT_NOT_ALLOWED),
        ("http://pictures.example:0/", MediaRefusal.PORT_NOT_ALLOWED),
    ],
)
async def test_what_is_no_address_of_a_file(uri: str, reason: MediaRefusal):
    """Law: only plain web addresses are asked for, and nothing is looked up for others."""
    network, names = Network(1), Names(pictures_example=[[PUBLIC]])
    async with fetching(network, names) as fetcher:
        assert await refusal(fetcher, uri) is reason
    assert names.asked == network.reached == []


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "fd00::1"])
async def test_answers_that_change_lead_nowhere(inside: str):
    """Law: a name is looked up once per connection, and what was checked is what is reached."""
    async with target({"/": sends(PNG)}) as served:
        network = Network(served.port)
        names = Names(rebinds_example=[[PUBLIC], [inside]])
        async with fetching(network, names) as fetcher:
            assert (await got(fetcher, "http://rebinds.example/")).data == PNG
            # The kept connection was checked; a new one is checked anew.
            reason = await refusal(fetcher, "http://rebinds.example:8080/")
        assert reason is MediaRefusal.ADDRESS_NOT_PUBLIC
        assert network.reached == [(PUBLIC, 80)]


@pytest.mark.parametrize("order", [1, -1])
async def test_one_inner_address_among_public_ones_is_enough(order: int):
    """Law: a host that also has an address inside is not public, whichever comes first."""
    network = Network(1)
    names = Names(mixed_example=[[PUBLIC, "10.0.0.1"][::order]])
    async with fetching(network, names) as fetcher:
        assert await refusal(fetcher, "http://mixed.example/") is MediaRefusal.ADDRESS_NOT_PUBLIC
    assert network.reached == []


async def test_a_redirect_to_a_name_inside_is_refused():
    """Law: each hop is checked as the first is."""
    async with target({"/": redirects("http://inside.example/secret")}) as served:
        network = Network(served.port)
        names = Names(outside_example=[[PUBLIC]], inside_example=[["10.0.0.1"]])
        async with fetching(network, names) as fetcher:
            reason = await refusal(fetcher, "http://outside.example/")
    assert reason is MediaRefusal.ADDRESS_NOT_PUBLIC
    assert network.reached == [(PUBLIC, 80)]


async def test_named_internal_hosts_are_reached_by_their_name_alone():
    """Law: the policy's exceptions are hosts as addresses spell them, for those who have them."""
    async with target({"/": sends(PNG)}) as served:
        network = Network(served.port)
        names = Names(**{"inside_example": [["10.0.0.1"]], "10_0_0_1": [["10.0.0.1"]]})
        async with fetching(network, names) as fetcher:
            assert (await got(fetcher, "http://inside.example:9000/", INSIDE)).data == PNG
            assert (await got(fetcher, "http://INSIDE.example/", INSIDE)).data == PNG
            # Neither others' calls nor another spelling profit from it, nor a kept connection.
            for uri, inside in (
                ("http://inside.example:9000/", frozenset()),
                ("http://inside.example/", frozenset({"other.example"})),
                ("http://10.0.0.1/", INSIDE),
            ):
                assert await refusal(fetcher, uri, inside) is MediaRefusal.ADDRESS_NOT_PUBLIC
    assert network.reached == [("10.0.0.1", 9000), ("10.0.0.1", 80)]


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "fd00:ec2::254", "0.0.0.0"])
async def test_no_policy_reaches_what_is_for_nobody(address: str):
    """Law: naming a host as internal does not open clouds' metadata or link-local addresses."""
    network, names = Network(1), Names(inside_example=[[address]])
    async with fetching(network, names) as fetcher:
        reason = await refusal(fetcher, "http://inside.example/", INSIDE)
    assert reason is MediaRefusal.ADDRESS_NOT_PUBLIC
    assert network.reached == []


async def test_a_public_host_may_not_redirect_to_an_internal_one():
    """Law: the policy's exceptions are for whoever is judged to send them, not for strangers."""
    answers = {"/": redirects("http://inside.example/b"), "/b": sends(PNG)}
    async with target(answers) as served:
        network = Network(served.port)
        names = Names(outside_example=[[PUBLIC]], inside_example=[["10.0.0.1"]])
        async with fetching(network, names) as fetcher:
            reason = await refusal(fetcher, "http://outside.example/", INSIDE)
            assert reason is MediaRefusal.ADDRESS_NOT_PUBLIC
            assert (await got(fetcher, "http://inside.example/", INSIDE)).data == PNG


async def test_a_host_without_an_answer_is_tried_elsewhere():
    """Law: of several public addresses the first that answers serves, and none is no crash."""
    async with target({"/": sends(PNG)}) as served:
        network = Network(served.port, dead=["8.8.8.8", "8.8.4.4"])
        names = Names(
            two_example=[["8.8.8.8", PUBLIC]],
            dead_example=[["8.8.8.8", "8.8.4.4"]],
            no_example=[[]],
        )
        async with fetching(network, names) as fetcher:
            assert (await got(fetcher, "http://two.example/")).data == PNG
            reason = await refusal(fetcher, "http://dead.example/")
            assert reason is MediaRefusal.CONNECTION_FAILED
            reason = await refusal(fetcher, "http://no.example/")
            assert reason is MediaRefusal.NAME_NOT_RESOLVED
    assert network.reached[:2] == [("8.8.8.8", 80), (PUBLIC, 80)]


async def test_the_backend_opens_no_local_socket():
    """Law: nothing but checked addresses is connected to."""
    backend = GuardedBackend(Names(), httpcore2.AnyIOBackend(), Reach.INTERNAL)
    with pytest.raises(AddressNotAllowed):
        await backend.connect_unix_socket("/run/docker.sock")


async def test_the_transport_guards_any_client():
    """Law: a client that others build over the transport is guarded just the same."""
    async with target({"/": sends(PNG)}) as served:
        names = Names(outside_example=[[PUBLIC]], inside_example=[["10.0.0.1"]])
        transport = GuardedTransport(names, network=Network(served.port))
        async with httpx2.AsyncClient(transport=transport, trust_env=False) as client:
            assert (await client.get("http://outside.example/")).content == PNG
            with pytest.raises(AddressNotAllowed):
                await client.get("http://inside.example/")
            with pytest.raises(httpx2.ConnectError):
                await client.get("http://nowhere.example/")
