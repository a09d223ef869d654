"""The classifier of links: which signs it sees, and what it makes of a policy's domains."""

import pytest

from gaveld.adapters.text.cpu_lane import CpuLane
from gaveld.adapters.text.links import LinkClassifier, listed_domain, signs
from gaveld.adapters.text.normalise import DisguiseNormaliser
from gaveld.domain.content import DetectedLanguage, TextReadings, TextSample
from gaveld.domain.policies import Policy
from tests.unit.adapters.text.detections import unmark

POLICY = Policy(
    "test",
    {},
    blocked_domains=("bad.example", "*.worse.example", "evil.so", "пример.рф", "203.0.113.9"),
    allowed_domains=("bit.ly", "intranet.example", "kind.bad.example", "198.51.100.7"),
)


@pytest.fixture
def lane():
    lane = CpuLane()
    yield lane
    lane.close()


@pytest.fixture
def classifier(lane: CpuLane) -> LinkClassifier:
    return LinkClassifier(lane)


async def judged(classifier: LinkClassifier, text: str) -> list[tuple[str, float, str]]:
    given = TextSample(TextReadings.plain(text), DetectedLanguage(), POLICY)
    report = await classifier.classify(given)
    return [(text[slice(*f.span)], f.score, f.reason) for f in report.findings]


ORDINARY = [
    "see https://www.example.com/a/b.html?c=d#e for more",
    "example.com, www.example.org/x and http://example.net:8080/",
    "https://en.wikipedia.org/wiki/Link_(film)",
    "https://medium.com/@someone/story",
    "ftp://files.example.com/readme.txt",
    "m\u00fcnchen.de, 例え.jp, почта.рф and xn--mnchen-3ya.de",
    "amazon.de, paypal.me, docs.google.com, google.com.au and amazon.co.uk",
    "write to bob@example.com or bob@bad.example",
    "jane (at) example (dot) com, joe[at]example[dot]com",
    "e.g. file.py, Node.js, 3.14, ok.so, i.e. the end.Start again",
    "javascript: the good parts",
    "data: text and more",
    "the dot com bubble, and a dot net developer",
    "f(.)g and [dot] (dot)",
    "10.0.0.0/24 and 93.184.216.34",
    "http://localhost:8080/",
]

BEARING = [
    ("go to ⟦http://93.184.216.34/login⟧", signs.IP_LITERAL),
    ("⟦http://[2606:4700::1111]:8080/⟧", signs.IP_LITERAL),
    ("⟦http://192.168.0.1/⟧", signs.LOCAL_IP),
    ("⟦http://1572395042/⟧", signs.DISGUISED_IP),
    ("⟦http://0x5db8d822/⟧ or", signs.DISGUISED_IP),
    ("⟦http://0135.0270.0330.042/x⟧", signs.DISGUISED_IP),
    ("⟦http://93.12113954/⟧", signs.DISGUISED_IP),
    ("⟦http://127.1/⟧", signs.DISGUISED_IP),
    ("⟦https://paypal.com@example.com/⟧", signs.USER_INFO),
    ("⟦https://www.bank.example:443@example.com:8080/x⟧.", signs.USER_INFO),
    ("⟦https://xn--80ak6aa92e.com/⟧", signs.HOMOGRAPH),
    ("⟦p\u0430ypal.com⟧", signs.HOMOGRAPH),
    ("⟦\u0430\u0440\u0440\u04cf\u0435.com⟧ support", signs.HOMOGRAPH),
    ("⟦https://g\u03bfogle.com/⟧", signs.HOMOGRAPH),
    ("⟦paypa1.com⟧ and ⟦rnicrosoft.com⟧", signs.HOMOGRAPH),
    ("⟦m\u0456crosoft.example.com⟧", signs.HOMOGRAPH),
    ("⟦https://paypal.com.account.example.org/⟧", signs.BRAND_AS_SUBDOMAIN),
    ("⟦https://example.com/setup.exe?x=1⟧", signs.PROGRAM),
    ("⟦https://example.com/invoice.pdf.scr⟧", signs.DISGUISED_FILE),
    ("⟦hxxps://example[.]com/a⟧", signs.DEFANGED),
    ("⟦hxxp[://]example.com⟧", signs.DEFANGED),
    ("go to ⟦example(dot)com⟧ now", signs.DEFANGED),
    ("go to ⟦example [dot] co [dot] uk⟧ now", signs.DEFANGED),
    ("visit ⟦bestdeals dot shop⟧ today", signs.DEFANGED),
    ("⟦hxxp://93.184.216.34/⟧", signs.IP_LITERAL),
    ("⟦t.co/abc⟧ and ⟦https://tinyurl.com/abc⟧", signs.SHORTENER),
    ("⟦javascript:alert(document.cookie)⟧", signs.ACTIVE_SCHEME),
    ("⟦data:text/html,⟧<b>", signs.ACTIVE_SCHEME),
]

BLOCKED = [
    "buy at ⟦bad.example⟧!",
    "⟦https://shop.bad.example/x⟧",
    "⟦www.worse.example⟧",
    "⟦https://user@BAD.Example.:80/⟧",
    "⟦bad[.]example⟧",
    "⟦evil.so⟧",
    "⟦https://пример.рф/⟧ and ⟦xn--e1afmkfd.xn--p1ai⟧ and ⟦ПРИМЕР.РФ⟧",
    "⟦http://203.0.113.9/⟧ is ⟦http://3405803785/⟧",
    "⟦https://kind.bad.example/⟧",
]

ALLOWED = [
    "https://bit.ly/abc",
    "https://user@intranet.example/setup.exe",
    "hxxps://wiki[.]intranet[.]example/",
    "http://198.51.100.7/",
]


@pytest.mark.parametrize("text", ORDINARY)
async def test_ordinary_links_and_things_like_links_are_no_findings(
    classifier: LinkClassifier, text: str
):
    """Law: nothing is said against a link that bears no sign, nor against what is none."""
    assert await judged(classifier, text) == []


@pytest.mark.parametrize(("marked", "sign"), BEARING)
async def test_a_sign_is_seen_and_scored(classifier: LinkClassifier, marked: str, sign: signs.Sign):
    """Law: a link is found whole, with the score and the reason of its strongest sign."""
    text, expected = unmark(marked)
    assert await judged(classifier, text) == [(link, *sign) for link in expected]


@pytest.mark.parametrize("marked", BLOCKED)
async def test_a_blocked_domain_is_certain_however_it_is_spelt(
    classifier: LinkClassifier, marked: str
):
    """Law: a blocked domain blocks its subdomains, in every spelling, and beats the allowed."""
    text, expected = unmark(marked)
    assert await judged(classifier, text) == [(link, *signs.BLOCKED) for link in expected]


@pytest.mark.parametrize("text", ALLOWED)
async def test_an_allowed_domain_silences_every_other_sign(classifier: LinkClassifier, text: str):
    """Law: an allowed domain and its subdomains are no findings, whatever they look like."""
    assert await judged(classifier, text) == []


@pytest.mark.parametrize("neighbour", ["notbad.example", "bad.example.org", "badexample.com"])
async def test_only_whole_labels_count(classifier: LinkClassifier, neighbour: str):
    """Law: a domain's name inside another's is not the domain."""
    assert await judged(classifier, f"https://{neighbour}/") == []


@pytest.mark.parametrize(
    "text",
    [
        "https://\uff42\uff41\uff44\uff0e\uff45\uff58ample/",
        "ba\u200bd.exam\u200bple",
        "b\u0430d.example",
    ],
)
async def test_disguised_characters_hide_no_blocked_domain(
    classifier: LinkClassifier, lane: CpuLane, text: str
):
    """Law: fullwidth, invisible and look-alike characters are read through."""
    readings = await DisguiseNormaliser(lane).normalise(text)
    report = await classifier.classify(TextSample(readings, DetectedLanguage(), POLICY))
    [finding] = report.findings
    assert finding.score == signs.BLOCKED.score
    assert text[slice(*finding.span)] == text


async def test_an_imitation_of_an_allowed_domain_is_not_allowed(
    classifier: LinkClassifier, lane: CpuLane
):
    """Law: what a link looks like earns it no trust."""
    readings = await DisguiseNormaliser(lane).normalise("https://intr\u0430net.example/")
    report = await classifier.classify(TextSample(readings, DetectedLanguage(), POLICY))
    assert [finding.reason for finding in report.findings] == [signs.HOMOGRAPH.reason]


async def test_a_policy_has_its_own_domains(classifier: LinkClassifier):
    """Law: one policy's domains do nothing to another's."""
    readings = TextReadings.plain("https://bad.example/")
    report = await classifier.classify(
        TextSample(readings, DetectedLanguage(), Policy("other", {}))
    )
    assert report.findings == ()


@pytest.mark.parametrize(
    ("entry", "domain"),
    [
        ("bad.example", "bad.example"),
        (" *.Bad.Example. ", "bad.example"),
        (".zip", "zip"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("203.0.113.9", "203.0.113.9"),
        ("[2001:DB8::1]", "2001:db8::1"),
    ],
)
def test_a_listed_domain_has_one_spelling(entry: str, domain: str):
    """Law: however an operator writes a domain, it is kept as hosts are compared."""
    assert listed_domain(entry) == domain


@pytest.mark.parametrize(
    ("entry", "hint"),
    [
        ("https://bad.example/x", "; write 'bad.example'"),
        ("http://me@bad.example:80?q", "; write 'bad.example'"),
        ("bad2.example:8080", "; write 'bad2.example'"),
        ("bad.example/path", "; write 'bad.example'"),
        ("b ad.example", ""),
        ("bad.*.example", ""),
        ("0x7f.1", "; write '127.0.0.1'"),
        ("", ""),
        ("*", ""),
    ],
)
def test_a_listed_domain_that_no_host_can_match_is_refused(entry: str, hint: str):
    """Law: an entry that would do nothing is a mistake, and the message says what was meant."""
    with pytest.raises(ValueError, match="is no domain") as refused:
        listed_domain(entry)
    assert str(refused.value) == f"{entry!r} is no domain{hint}"
