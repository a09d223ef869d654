"""What is wrong with a policy's text is told at once, each fault where an editor finds it."""

import pytest
import yaml

from gaveld.adapters.storage.policies import PolicyError, PolicyText, path_of, way_of, yaml_of
from gaveld.adapters.storage.policies.places import MOST_VALUES
from gaveld.application.check_policy import Installed
from gaveld.bootstrap.policies import policy_check


def faults(text: str) -> list[str]:
    """Every fault of a text, as `gavel policy validate` has them."""
    read = PolicyText(text, "p")
    return read.faults(policy_check(Installed())(read.policy()).violations)


def test_all_faults_are_told_in_one_round():
    """Law: what has the wrong shape keeps nobody from hearing what else is wrong, in its order."""
    assert faults(
        """\
categories:
  H1: {review: 2}
content_types:
  - {name: broken, fields: [{name: age, type: int, required: 1}]}
  - {name: post, fields: [{name: age, type: int}]}
actions:
  - {name: Ban, callback_url: nowhere}
rules:
  - {name: shape, condition: 'true', verdict: never}
  - name: words
    condition: scores.toxicty > 0.5
  - name: of what is broken
    content_types: [broken]
    condition: content.agee > 3
    actions: [Ban]
  - name: of what is not there
    content_types: [post, lost]
    condition: >-
      content.agee > 3
    actions: [Shout]
    review_queue: lost
links: {blocked_domains: [good.example, 'http://bad.example']}
blocked: []
"""
    ) == [
        "p:2:16: categories.H1.review: must be less than or equal to 1",
        "p:4:62: content_types[0].fields[0].required: must be a valid boolean",
        "p:7:31: actions[0].callback_url: is no address that begins with http:// or https://",
        "p:9:47: rules[0].verdict: must be 'allow', 'review' or 'block'",
        "p:11:16: rules[1].condition: 1:7: no such field: toxicty",
        "p:17:27: rules[3].content_types[1]: 'lost' is no content type of this policy",
        "p:18:16: rules[3].condition: 1:8: no such field: agee",
        "p:20:15: rules[3].actions[0]: 'Shout' is no action of this policy",
        "p:21:19: rules[3].review_queue: 'lost' is no review queue of this policy",
        "p:22:41: links.blocked_domains[1]: 'http://bad.example' is no domain; write 'bad.example'",
        "p:23:1: blocked: no such key",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "p:1:1: categories: is required"),
        ("categories: {}\npanel: {reviewers: [{name: a}, {name: a}]}", "p:2:20: panel.reviewers: "),
        ("categories: {}\nprojects: {shop: {}}", "p:2:1: projects: one project's policy has none"),
        ("categories: {H1: {review: '0.5'}}", "p:1:27: categories.H1.review: must be a valid n"),
        ("categories: {H1: {review: true}}", "p:1:27: categories.H1.review: must be a valid n"),
        ("categories: {H1: {review: .nan}}", "p:1:27: categories.H1.review: must be a finite n"),
        ("categories: {H1: {block: .inf}}", "p:1:26: categories.H1.block: must be a finite n"),
        ("categories: {H1: {required: 1}}", "p:1:29: categories.H1.required: must be a valid b"),
        ("categories: {1: {}}", "p:1:17: categories[1]: must be a valid string"),
        ("categories: {}\nexpected_languages: [no]", "p:2:22: expected_languages[0]: must be a v"),
        ("categories: {}\nrules: true", "p:2:8: rules: must be a valid tuple"),
        ("categories: {}\nrules: [[]]", "p:2:9: rules[0]: must be a valid dictionary"),
        (
            "categories: {}\nrules: [{name: a, condition: 'true'}, {name: a, condition: 'true'}]",
            "p:2:9: rules[0].id: ",
        ),
        (
            "categories: {}\nterm_lists: [{name: a, match: regex, terms: ['(']}]",
            "p:2:14: term_lists[0]: ",
        ),
    ],
)
def test_each_fault_has_its_place(text: str, told: str):
    """Law: a fault begins with file, line and column, as editors read them, and names its key."""
    assert faults(text)[0].startswith(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "p: not a mapping of keys to values"),
        ("- a", "p: not a mapping of keys to values"),
        ("a: [", "p:1:5: "),
        ("a: 1\nb: 2\na: 3", "p:3:1: the key 'a' stands twice"),
        ("a: {b: 1, b: 2}", "p:1:11: the key 'b' stands twice"),
        ("{[a]: 1}", "p:1:2: "),
        ("a: !!python/object/apply:os.system ['true']", "p:1:4: could not determine a constructor"),
        ("a: 2026-02-30", "p: has a date or a number that is none"),
        ("a: !!timestamp never", "p: has a date or a number that is none"),
        ("a: !!bool maybe", "p: has a date or a number that is none"),
        ("a: " + "9" * 5_000, "p: has a date or a number that is none"),
        ("a: &a [*a]", "p:1:4: is part of itself"),
        ("a: &a {b: *a}", "p:1:4: is part of itself"),
        ("a: " + "[" * 4_000, "p: nests too deep"),
        ("a: *b", "p:1:4: found undefined alias"),
        ("--- {}\n--- {}", "p:2:1: but found another document"),
        ("a: \x00", "p: is no YAML"),
    ],
)
def test_what_is_no_document_is_told(text: str, told: str):
    """Law: no text breaks the reader, and what it may hold of secrets is not quoted."""
    with pytest.raises(PolicyError) as caught:
        PolicyText(text, "p")
    assert str(caught.value).startswith(told)


def test_aliases_do_not_multiply():
    """Law: a small document can't stand for one that nobody could check."""
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    bomb += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    with pytest.raises(PolicyError, match=f"more than {MOST_VALUES:,} values"):
        PolicyText("\n".join(bomb), "p")


def test_aliases_and_merges_are_read():
    """Law: what stands once may be used often."""
    read = PolicyText(
        "categories:\n  H1: &hate {review: 0.5, block: 0.9}\n  H2: *hate\n"
        "  H3: {<<: *hate, review: 0.4}",
        "p",
    )
    assert read.faults() == []
    assert read.policy().categories["H3"].review == 0.4
    assert read.policy().categories["H3"].block == 0.9


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("policy.rules[0].action_ids[1]", "rules[0].actions[1]"),
        ('policy.categories["H1"].review', "categories.H1.review"),
        ("blocked_domains[3]", "links.blocked_domains[3]"),
        ("policy.fetch_hosts[0]", "media.fetch_hosts[0]"),
        ("mask.category_ids[1]", "mask[1]"),
        ("policy.mask.character", "mask_character"),
        ("review_queues[0].action_id", "review_queues[0].action"),
        ("term_lists[0].category_id", "term_lists[0].category"),
        ('actions[0].headers["x.y"]', "actions[0].headers.x.y"),
        ("policy", "policy"),
    ],
)
def test_the_contracts_paths_are_told_as_the_document_has_them(path: str, written: str):
    """Law: who wrote a document reads its own keys."""
    assert path_of(way_of(path)) == written


def test_names_come_first():
    """Law: what is read back is as a person would have written it, and says the same."""
    text = (
        "categories: {}\n"
        "content_types: [{name: t, fields: [{name: a, type: list, item: {type: object, "
        "fields: [{name: b, type: int}]}}]}]\n"
        "actions: [{name: Ban}]\nrules: [{name: Spam, condition: 'true', actions: [Ban]}]"
    )
    policy = PolicyText(text, "p").policy()
    written = yaml_of(policy)
    assert PolicyText(written, "p").policy() == policy
    tree = yaml.safe_load(written)
    field = tree["content_types"][0]["fields"][0]
    for entry in (field, field["item"]["fields"][0], tree["actions"][0], tree["rules"][0]):
        assert next(iter(entry)) == "name"


def test_faults_without_number_are_counted():
    """Law: a file that is no policy at all is told as such, and not for minutes."""
    wrong = "\n".join(f"k{number}: 1" for number in range(1_000))
    told = faults(f"categories: {{}}\n{wrong}")
    assert (len(told), told[0]) == (257, "p:1:1: 744 more")
