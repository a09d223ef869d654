"""One suite for every ``PolicyStore``, and what the YAML document may say."""

from pathlib import Path

import pytest

from gaveld.adapters.storage.policies import DEFAULT_POLICY, PolicyError, YamlPolicyStore
from gaveld.adapters.text.lexicon import validate_term_lists
from gaveld.adapters.text.links import listed_domain
from gaveld.application.ports import PolicyStore
from gaveld.domain.actions import Action
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.panels import DecisionMethod, PanelPlace, PanelSettings
from gaveld.domain.policies import CategoryRule, CheckThresholds, Policy, TermList, TermMatch
from tests.fakes.policies import FakePolicyStore

TWO_PROJECTS = """
name: house
on_incomplete: review
categories:
  H2: {review: 0.5, block: 0.9, required: true}
  L1: {review: 0.8}
projects:
  kids:
    on_incomplete: block
    categories: {L1: {review: 0.3, block: 0.6}}
"""


def store_of(folder: Path, text: str) -> YamlPolicyStore:
    path = folder / "policy.yaml"
    path.write_text(text, "utf-8")
    return YamlPolicyStore(path, validate_term_lists, listed_domain)


@pytest.fixture(params=["fake", "yaml"])
def store(request, tmp_path: Path) -> PolicyStore:
    if request.param == "yaml":
        return store_of(tmp_path, TWO_PROJECTS)
    rule = CategoryRule(0.5, 0.9, required=True)
    return FakePolicyStore(
        Policy("house@1", {"H2": rule, "L1": CategoryRule(0.8)}),
        kids=Policy("kids@1", {"H2": rule, "L1": CategoryRule(0.3, 0.6)}, Action.BLOCK),
    )


async def test_a_project_without_a_policy_gets_the_default(store: PolicyStore):
    """Law: every project has a policy."""
    policy = await store.current("nobody")
    assert policy.revision.startswith("house@")
    assert policy.rule("L1") == CategoryRule(0.8)


async def test_a_project_changes_what_it_names_and_keeps_the_rest(store: PolicyStore):
    """Law: a project's policy is the default with its own changes, under its own revision."""
    policy = await store.current("kids")
    assert policy.on_incomplete is Action.BLOCK
    assert policy.rule("L1") == CategoryRule(0.3, 0.6)
    assert policy.rule("H2") == CategoryRule(0.5, 0.9, required=True)
    assert policy.revision != (await store.current("nobody")).revision


async def test_the_shipped_policy_speaks_of_every_category():
    """Law: a reader of the default policy sees what happens to each category of the catalogue."""
    policy = await YamlPolicyStore(DEFAULT_POLICY, validate_term_lists, listed_domain).current(
        "any"
    )
    assert set(policy.categories) == set(CATALOGUE)
    assert policy.on_incomplete is Action.REVIEW


async def test_a_revision_names_its_content(tmp_path: Path):
    """Law: equal documents have equal revisions, and any change makes another."""
    first = await store_of(tmp_path, TWO_PROJECTS).current("x")
    again = await store_of(tmp_path, "# a comment\n" + TWO_PROJECTS).current("x")
    other = await store_of(tmp_path, TWO_PROJECTS.replace("0.8}", "0.7}")).current("x")
    assert first.revision == again.revision != other.revision


async def test_term_lists_and_domains_are_read(tmp_path: Path):
    """Law: an operator's lists reach the classifiers, domains in their one spelling."""
    text = """
categories: {}
term_lists: [{name: rivals, match: prefix, terms: [acme], category: S1}]
allowed_terms: [scunthorpe]
links:
  blocked_domains: ["*.Bad.example", münchen.example, 192.0.2.1]
  allowed_domains: [good.example]
expected_languages: [en]
"""
    policy = await store_of(tmp_path, text).current("x")
    assert policy.term_lists == (TermList("rivals", TermMatch.PREFIX, ("acme",), "S1"),)
    assert policy.allowed_terms == ("scunthorpe",)
    assert policy.blocked_domains == ("bad.example", "xn--mnchen-3ya.example", "192.0.2.1")
    assert policy.allowed_domains == ("good.example",)
    assert policy.expected_languages == frozenset({"en"})


async def test_a_panel_is_read(tmp_path: Path):
    """Law: a document sets the panel, a project changes what it names, and silence is a default."""
    text = """
categories: {}
panel: {amount: 3, decision_method: score, score_threshold: 0.4, reviewers: [{name: one}]}
projects:
  kids: {panel: {decision_method: any, reviewers: [{name: two, weight: 2}, {name: one}]}}
  bots: {panel: {hold_back_utf16_units: 0}}
"""
    store = store_of(tmp_path, text)
    default, kids = PanelPlace("one"), PanelPlace("two", 2.0)
    assert (await store.current("x")).panel == PanelSettings(
        3, DecisionMethod.SCORE, 0.4, (default,)
    )
    assert (await store.current("kids")).panel == PanelSettings(
        3, DecisionMethod.ANY, 0.4, (kids, default)
    )
    bots = (await store.current("bots")).panel
    assert bots == PanelSettings(3, DecisionMethod.SCORE, 0.4, (default,), 0)
    assert {len(policy.panel.places) for policy in store.all()} == {1, 2}
    assert (await store_of(tmp_path, "categories: {}").current("x")).panel == PanelSettings()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[]", "not a mapping"),
        ("{a: [}", "policy.yaml:1:6: "),
        ("{categories: {}, mask: [H1], mask: []}", "policy.yaml:1:30: the key 'mask' stands twice"),
        ("{categories: {H1: {review: 0.1}, H1: {}}}", "the key 'H1' stands twice"),
        ("{categories: {}, [a]: b}", "policy.yaml:1:18: a key must be a text"),
        ("categories: {Z9: {review: 0.5}}", "Z9"),
        ("categories: {H1: {review: 1.5}}", "categories.H1.review"),
        ("categories: {H1: {review: 0.9, block: 0.5}}", "categories.H1"),
        ("categories: {H1: {reveiw: 0.5}}", "categories.H1.reveiw: no such key"),
        ("{categories: {}, on_incomplete: maybe}", "on_incomplete"),
        ("{categories: {}, projects: [a]}", "projects"),
        ("{categories: {}, projects: false}", "projects: not a mapping"),
        ("{categories: {}, projects: {kids: block}}", "projects.kids: not a mapping"),
        ("{categories: {}, projects: {kids: }}", "projects.kids: not a mapping"),
        ("{categories: {}, projects: {7: {}}}", "projects.7: not a text"),
        ("{categories: {}, projects: {kids: {categories: {H1: {block: 7}}}}}", "projects.kids"),
        ("{categories: {}, expected_languages: [English]}", "expected_languages"),
        ("{categories: {}, panel: {amount: 11}}", "panel.amount"),
        ("{categories: {}, panel: {decision_method: most}}", "panel.decision_method"),
        ("{categories: {}, panel: {score_threshold: 2}}", "panel.score_threshold"),
        ("{categories: {}, panel: {hold_back_utf16_units: 5000}}", "panel.hold_back_utf16_units"),
        ("{categories: {}, panel: {reviewers: [{name: a, weight: -1}]}}", r"reviewers\[0\].weight"),
        ("{categories: {}, panel: {reviewers: [{name: a}, {name: a}]}}", "panel.reviewers: a rev"),
    ],
)
def test_a_bad_document_is_refused_naming_the_key(tmp_path: Path, text: str, named: str):
    """Law: a policy with a fault never loads, and the message says where the fault is."""
    with pytest.raises(PolicyError, match=named.replace(".", r"\.")):
        store_of(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("term_lists: [{name: rivals, terms: [' - ']}]", "term_lists: list 'rivals': term 1"),
        ("term_lists: [{name: r, match: regex, terms: ['(']}]", "term_lists: list 'r': term 1"),
        (f"term_lists: [{{name: r, terms: [{'x' * 257}]}}]", "257 characters; the limit is 256"),
        ("allowed_terms: [fine, '']", "allowed_terms: term 2 is empty"),
        (
            f"allowed_terms: [{'x' * 400}]",
            "allowed_terms[0]: must have at most 256 characters",
        ),
        ("projects: {kids: {allowed_terms: [' ']}}", "projects.kids: allowed_terms: term 1"),
        ("links: {blocked_domains: ['https://bad.example/x']}", "write 'bad.example'"),
        ("links: {blocked_domains: [a.example, 'b.example:8080']}", "blocked_domains[1]: "),
        ("links: {allowed_domains: ['']}", "links.allowed_domains[0]: "),
    ],
)
def test_what_could_never_match_is_refused(tmp_path: Path, text: str, named: str):
    """Law: a term or domain that no text can hold is a mistake, said at load time."""
    with pytest.raises(PolicyError) as refused:
        store_of(tmp_path, "categories: {}\n" + text)
    assert named in str(refused.value)


async def test_internal_hosts_are_read_as_addresses_spell_them(tmp_path: Path):
    """Law: a host is known in the one spelling that addresses have once they are read."""
    media = "media: {fetch_hosts: [Uploads.Internal., 10.0.0.7, 'fd00::7']}\n"
    policy = await store_of(tmp_path, TWO_PROJECTS + media).current("x")
    assert policy.fetch_hosts == {"uploads.internal", "10.0.0.7", "fd00::7"}


@pytest.mark.parametrize(
    "host", ["http://inside", "inside:8080", "inside/a", "*.inside", "b\u00fccher.example", "''"]
)
async def test_what_could_match_no_host_is_refused(tmp_path: Path, host: str):
    """Law: a line that would never have an effect is a mistake, and the key is named."""
    with pytest.raises(PolicyError, match=r"media\.fetch_hosts"):
        store_of(tmp_path, TWO_PROJECTS + f"media: {{fetch_hosts: [{host!r}]}}\n")


async def test_thresholds_of_checks_are_read_and_merged(tmp_path: Path):
    """Law: what a document names counts, and the rest falls back to the general thresholds."""
    section = "check_thresholds: {sentiment: 0.6, threat: 0.3, images: 0.7, images_porn: 0.5}\n"
    policy = await store_of(tmp_path, TWO_PROJECTS + section).current("x")
    thresholds = policy.check_thresholds
    assert thresholds.of_text("threat") == 0.3
    assert thresholds.of_text("toxicity") == thresholds.of_text("severe_toxicity") == 0.6
    assert (thresholds.porn, thresholds.sexual) == (0.5, 0.7)
    changed = thresholds.changed_by(CheckThresholds(sentiment=0.0, images_porn=0.9))
    assert (changed.of_text("toxicity"), changed.of_text("threat")) == (0.0, 0.3)
    assert (changed.porn, changed.sexual) == (0.9, 0.7)
