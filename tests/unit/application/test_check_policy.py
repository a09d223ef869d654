"""What keeps a policy from being put in force, each fault with its place, and what looks wrong."""

from dataclasses import replace

import pytest

from gaveld.adapters.text.lexicon import term_lists
from gaveld.application import check_policy
from gaveld.application.check_policy import CheckPolicy, Installed
from gaveld.bootstrap.policies import policy_check
from gaveld.domain.actions import Action
from gaveld.domain.panels import PanelPlace, PanelSettings
from gaveld.domain.policies import (
    CategoryRule,
    HashBank,
    Policy,
    ReviewQueue,
    TermList,
    TermMatch,
    named_id,
)
from gaveld.domain.rules import Rule, RuleAction
from gaveld.domain.typed_content import ContentType, FieldDefinition, FieldType

BAN = RuleAction(named_id("Ban"), "Ban")
COMMENT = ContentType("comment", (FieldDefinition("age", FieldType.INT),))
RULE = Rule(
    "r1",
    "Spam",
    "scores.spam > 0.9 && content.age < 18",
    ("comment",),
    (BAN.id,),
    Action.REVIEW,
    "bans",
)
GOOD = Policy(
    "",
    {"H1": CategoryRule(0.5)},
    content_types=(COMMENT,),
    rules=(RULE,),
    actions=(BAN,),
    review_queues=(ReviewQueue("bans", action_id=BAN.id),),
)
SERVER = Installed(reviewers={"one"}, hash_banks={"ours"}, categories={"H1"})


def nested(depth: int) -> FieldDefinition:
    inner = nested(depth - 1) if depth > 1 else FieldDefinition("", FieldType.INT)
    return FieldDefinition("", FieldType.LIST, item=inner)


def field(entry: FieldDefinition) -> Policy:
    return replace(GOOD, content_types=(COMMENT, ContentType("t", (entry,))))


def faults(policy: Policy) -> list[tuple[str, str]]:
    checked = policy_check(SERVER)(policy)
    return [(fault.field, fault.description) for fault in checked.violations]


def test_what_holds_together_is_left_as_it_is():
    """Law: a good policy has no fault and no advice, and is not changed."""
    checked = policy_check(SERVER)(GOOD)
    assert (checked.policy, checked.violations, checked.warnings) == (GOOD, (), ())


def test_names_get_their_one_spelling():
    """Law: domains and hosts are put in force as links and addresses spell them."""
    policy = replace(
        GOOD,
        blocked_domains=("*.Bad.example", "münchen.example"),
        fetch_hosts=frozenset({"Uploads.Internal."}),
    )
    checked = policy_check(SERVER)(policy).policy
    assert checked.blocked_domains == ("bad.example", "xn--mnchen-3ya.example")
    assert checked.fetch_hosts == {"uploads.internal"}


@pytest.mark.parametrize(
    ("policy", "path", "said"),
    [
        (
            replace(GOOD, rules=(replace(RULE, condition="scores.spma > 0.9"),)),
            "rules[0].condition",
            "1:7: ",
        ),
        (
            replace(GOOD, rules=(replace(RULE, condition="content.size > 1"),)),
            "rules[0].condition",
            "1:8: ",
        ),
        (
            replace(GOOD, rules=(replace(RULE, action_ids=(BAN.id, "x")),)),
            "rules[0].action_ids[1]",
            "'x' is no action of this policy",
        ),
        (
            replace(GOOD, rules=(RULE, replace(RULE, id="r2", review_queue="lost"))),
            "rules[1].review_queue",
            "'lost' is no review queue of this policy",
        ),
        (
            replace(GOOD, rules=(replace(RULE, content_types=("comment", "post")),)),
            "rules[0].content_types[1]",
            "'post' is no content type of this policy",
        ),
        (replace(GOOD, rules=(RULE, RULE)), "rules[0].id", "'r1' is that of 2 rules"),
        (replace(GOOD, actions=(BAN, BAN)), "actions[0].id", "is that of 2 actions"),
        (
            replace(GOOD, review_queues=(ReviewQueue("bans", action_id="x"),)),
            "review_queues[0].action_id",
            "'x' is no action of this policy",
        ),
        (replace(GOOD, content_types=(COMMENT, COMMENT)), "content_types[0].name", "'comment'"),
        (
            replace(GOOD, actions=(replace(BAN, parameters={"a": "x" * 16_384}),)),
            "actions[0].parameters",
            "the limit is 16384",
        ),
        *(
            (
                replace(GOOD, actions=(replace(BAN, callback_url=url),)),
                "actions[0].callback_url",
                "must be an http or https address with a host, without a user name",
            )
            for url in (
                "https://user:word@shop.example/",
                "https://shop.example:25/",
                "https://shop.example:99999/",
                "https:///hook",
                "https://shop.example\\@other.example/",
                "https://shop.example/\0",
            )
        ),
        *(
            (
                replace(GOOD, actions=(replace(BAN, headers={name: "x"}),)),
                f'actions[0].headers["{name}"]',
                "is a header that Gavel sets itself",
            )
            for name in ("Host", "content-type", "Webhook-Id", "webhook-x", "Proxy-Authorization")
        ),
        (
            replace(GOOD, actions=(replace(BAN, headers={"x-shop": "1", "X-Shop": "2"}),)),
            'actions[0].headers["X-Shop"]',
            "stands here more than once",
        ),
        *(
            (
                replace(GOOD, actions=(replace(BAN, headers={"x-shop": value}),)),
                'actions[0].headers["x-shop"]',
                "must hold no line breaks",
            )
            for value in ("one\r\nx-other: two", "one\ntwo", "\0", "a\x7fb")
        ),
        (
            replace(GOOD, panel=PanelSettings(places=(PanelPlace("two"),))),
            "panel.reviewers[0].name",
            "'two' is no reviewer of this server, which has one",
        ),
        (
            replace(GOOD, hash_banks=(HashBank("theirs", category_id="A3"),)),
            "hash_banks[0].name",
            "'theirs' is no hash bank of this server, which has ours",
        ),
        (
            replace(GOOD, term_lists=(TermList("r", TermMatch.REGEX, ("(",)),)),
            "term_lists[0]",
            "list 'r': term 1",
        ),
        (replace(GOOD, allowed_terms=("fine", " ")), "allowed_terms", "term 2"),
        (replace(GOOD, blocked_domains=("a.example", "https://b")), "blocked_domains[1]", ""),
        (replace(GOOD, fetch_hosts=frozenset({"a:80"})), "fetch_hosts[0]", "is no host"),
        (replace(GOOD, expected_languages=frozenset({"klingon"})), "expected_languages", "klingon"),
        (field(FieldDefinition("a", FieldType.LIST)), "content_types[1].fields[0].item", "list"),
        (
            field(FieldDefinition("a", FieldType.BOOL, min=1)),
            "content_types[1].fields[0]",
            "has a bound, which no bool has",
        ),
        (
            field(FieldDefinition("a", FieldType.INT, min=2, max=1)),
            "content_types[1].fields[0].min",
            "is above max",
        ),
        (
            field(FieldDefinition("a", FieldType.INT, pattern="a")),
            "content_types[1].fields[0].pattern",
            "is a string's alone",
        ),
        (
            field(FieldDefinition("a", FieldType.STRING, pattern="(")),
            "content_types[1].fields[0].pattern",
            "",
        ),
        (
            field(FieldDefinition("a", FieldType.INT, fields=(FieldDefinition("b", "int"),))),
            "content_types[1].fields[0].fields",
            "are an object's alone",
        ),
        (field(FieldDefinition("", FieldType.INT)), "content_types[1].fields[0].name", "empty"),
        (
            field(replace(nested(8), name="a")),
            "content_types[1].fields[0]" + ".item" * 8,
            "nests deeper than 8 levels",
        ),
    ],
)
def test_a_fault_is_named_with_its_place(policy: Policy, path: str, said: str):
    """Law: every fault says where it is, as the contract calls the place, and what is wrong."""
    assert [(where, said in what) for where, what in faults(policy)][:1] == [(path, True)]


def test_all_faults_are_told_at_once():
    """Law: whoever mends a policy needs one look, not one a fault."""
    policy = replace(
        GOOD,
        rules=(
            replace(RULE, condition="1 +", action_ids=("x",)),
            replace(RULE, id="r2", condition="2"),
        ),
        blocked_domains=("https://b",),
        term_lists=(
            TermList("a", TermMatch.REGEX, ("(",)),
            TermList("b", TermMatch.EXACT, ("",)),
        ),
    )
    assert [where for where, _ in faults(policy)] == [
        "blocked_domains[0]",
        "term_lists[0]",
        "term_lists[1]",
        "rules[0].action_ids[0]",
        "rules[0].condition",
        "rules[1].condition",
    ]


def test_a_queue_of_nobodys_is_the_default_one():
    """Law: a policy without queues has the queue "default", and with some has just those."""
    to_default = replace(RULE, review_queue="default")
    assert faults(replace(GOOD, rules=(to_default,), review_queues=())) == []
    assert [path for path, _ in faults(replace(GOOD, rules=(to_default,)))] == [
        "rules[0].review_queue"
    ]


@pytest.mark.parametrize(
    ("policy", "advice"),
    [
        (replace(GOOD, rules=(replace(RULE, enabled=False),)), "rule 'Spam': is not enabled"),
        (replace(GOOD, rules=(replace(RULE, condition=" false "),)), "rule 'Spam': never matches"),
        (replace(GOOD, rules=(replace(RULE, condition="true"),)), "rule 'Spam': always matches"),
        (
            replace(GOOD, rules=(Rule("r1", "Idle", "true && true", verdict=Action.ALLOW),)),
            "rule 'Idle': sets nothing off",
        ),
        (replace(GOOD, rules=(), review_queues=()), "action 'Ban': no rule and no queue"),
        (replace(GOOD, categories={"V2": CategoryRule(required=True)}), "categories.V2: is req"),
        (
            replace(GOOD, blocked_domains=("a.example",), allowed_domains=("a.example",)),
            "a.example is both",
        ),
    ],
)
def test_what_looks_wrong_is_said(policy: Policy, advice: str):
    """Law: what holds together and can't be meant is advice, not a fault."""
    checked = policy_check(SERVER)(policy)
    assert checked.violations == ()
    assert any(line.startswith(advice) for line in checked.warnings)


def test_what_a_server_has_is_not_asked_where_it_is_not_known():
    """Law: a document is checked without a server, as far as it goes."""
    policy = replace(GOOD, panel=PanelSettings(places=(PanelPlace("two"),)))
    assert policy_check(Installed())(policy).violations == ()


def deep(count: int) -> tuple[FieldDefinition, ...]:
    """So many fields in objects of 64 each, the objects counted."""
    flat = tuple(FieldDefinition(f"f{index}", FieldType.INT) for index in range(63))
    return tuple(
        FieldDefinition(f"o{index}", FieldType.OBJECT, fields=flat) for index in range(count // 64)
    )


ALL = tuple(f"t{index}" for index in range(256))
LONG = f'language == "{"a" * 4_000}"'


@pytest.mark.parametrize(
    ("policy", "path", "count"),
    [
        (
            replace(
                GOOD,
                term_lists=tuple(TermList(n, TermMatch.EXACT, ("a",) * 5_001) for n in ("a", "b")),
            ),
            "term_lists",
            "10,002 terms",
        ),
        (replace(GOOD, content_types=(ContentType("t", deep(4_160)),)), "content_types", "4,160"),
        (
            replace(GOOD, rules=(Rule("r", "r", LONG, ALL), Rule("s", "s", LONG, ALL * 2))),
            "rules",
            "bytes of conditions",
        ),
        (
            replace(
                GOOD,
                content_types=(ContentType("t", deep(4_096)),),
                rules=tuple(Rule(str(index), "r", "true", ("t",) * 2) for index in range(256)),
            ),
            "rules",
            "2,099,200 bytes",
        ),
        (
            replace(
                GOOD,
                actions=tuple(
                    RuleAction(str(index), "a", parameters={"a": "b" * 16_000})
                    for index in range(17)
                ),
            ),
            "actions",
            "bytes of parameters",
        ),
    ],
)
def test_what_would_take_minutes_is_not_looked_at(policy: Policy, path: str, count: str):
    """Law: whoever may write policies can't make the server work on one for long."""

    def never(*_: object) -> None:
        raise AssertionError("looked at")

    check = CheckPolicy(
        compiler=type("Never", (), {"compile": never})(),
        patterns=type("Never", (), {"check": never})(),
        check_terms=never,
        read_domain=never,
        read_host=never,
    )
    (fault,) = check(policy).violations
    assert (fault.field, fault.rule) == (path, "SIZE")
    assert count in fault.description
    assert "the limit of all together is" in fault.description


def test_terms_are_bounded_as_texts_are_searched():
    """Law: no more terms are let into a policy than the text path would search for."""
    assert check_policy.MOST_TERMS == term_lists.MAX_TERMS
