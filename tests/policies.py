"""Policies of every kind, for laws that hold of all of them."""

from hypothesis import strategies as st

from gaveld.domain.actions import Action
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.panels import DecisionMethod, PanelPlace, PanelSettings
from gaveld.domain.policies import (
    BankKind,
    CategoryRule,
    CheckThresholds,
    HashBank,
    Policy,
    ReviewQueue,
    StorageRules,
    TermList,
    TermMatch,
    named_id,
)
from gaveld.domain.rules import CallbackFormat, Rule, RuleAction
from gaveld.domain.typed_content import ContentType, FieldDefinition, FieldType

scores = st.floats(0, 1)
maybe_scores = st.none() | scores
category_ids = st.sampled_from(sorted(CATALOGUE))
characters = st.characters(exclude_categories=["Cs"])
names = st.text(characters, min_size=1, max_size=20)
texts = st.text(characters, max_size=30)
keys = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,12}", fullmatch=True)
uuids = st.uuids().map(str)
domains = st.sampled_from(["bad.example", "xn--mnchen-3ya.example", "192.0.2.1", "a.b.example"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts | st.floats(-1e300, 1e300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def category_rules(draw) -> CategoryRule:
    review, block = draw(maybe_scores), draw(maybe_scores)
    if review is not None and block is not None:
        review, block = sorted((review, block))
    return CategoryRule(review, block, draw(st.booleans()))


@st.composite
def panels(draw) -> PanelSettings:
    chosen = draw(st.lists(names, unique=True, max_size=3))
    weights = st.none() | st.floats(0.5, 100)
    return PanelSettings(
        draw(st.integers(1, 10)),
        draw(st.sampled_from(DecisionMethod)),
        draw(scores),
        tuple(PanelPlace(name, draw(weights)) for name in chosen),
        draw(st.integers(0, 4_096)),
    )


@st.composite
def fields(draw, name: str, depth: int = 3) -> FieldDefinition:
    leaves = [kind for kind in FieldType if kind not in (FieldType.LIST, FieldType.OBJECT)]
    kind = draw(st.sampled_from(list(FieldType) if depth else leaves))
    bounds = st.none() | st.floats(allow_nan=False, allow_infinity=False)
    named = draw(st.lists(keys, unique=True, max_size=2)) if kind is FieldType.OBJECT else []
    return FieldDefinition(
        name=name,
        type=kind,
        required=draw(st.booleans()),
        min=draw(bounds),
        max=draw(bounds),
        pattern=draw(texts),
        item=draw(fields("", depth - 1)) if kind is FieldType.LIST else None,
        fields=tuple(draw(fields(entry, depth - 1)) for entry in named),
        exempt=draw(st.booleans()),
    )


@st.composite
def content_types(draw, name: str) -> ContentType:
    named = draw(st.lists(keys, unique=True, max_size=3))
    return ContentType(name, tuple(draw(fields(entry)) for entry in named), draw(texts))


@st.composite
def actions(draw, name: str) -> RuleAction:
    urls = st.sampled_from(["", "https://hooks.example/in", "HTTP://192.0.2.7:8080/x?y=ü"])
    return RuleAction(
        id=draw(uuids),
        name=name,
        callback_url=draw(urls),
        headers=draw(st.dictionaries(keys, texts, max_size=2)),
        parameters=draw(st.dictionaries(texts, json_values, max_size=3)),
        format=draw(st.sampled_from(CallbackFormat)),
    )


@st.composite
def hash_banks(draw) -> HashBank:
    kind = draw(st.sampled_from(BankKind))
    category_id = draw(category_ids) if kind is BankKind.BLOCK else ""
    return HashBank(draw(names), kind, draw(st.integers(0, 128)), category_id)


@st.composite
def policies(draw) -> Policy:
    """Policies that any document and any message can hold, without secrets."""
    type_names = draw(st.lists(names, unique=True, max_size=2))
    known = tuple(draw(actions(name)) for name in draw(st.lists(names, unique=True, max_size=2)))
    action_ids = st.sampled_from([action.id for action in known] or [named_id("nobody")])
    rules = st.builds(
        Rule,
        id=st.text(characters, min_size=1, max_size=64),
        name=names,
        condition=st.text(characters, min_size=1, max_size=40),
        content_types=st.lists(st.sampled_from(type_names or ["x"]), max_size=2).map(tuple),
        action_ids=st.lists(action_ids, max_size=2).map(tuple),
        verdict=st.none() | st.sampled_from(Action),
        review_queue=texts,
        enabled=st.booleans(),
        shadow=st.booleans(),
    )
    queues = st.builds(
        ReviewQueue,
        id=st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True),
        name=texts,
        claim_seconds=st.integers(1, 86_400),
        action_id=st.just("") | action_ids,
    )
    days = st.integers(1, 3_650)
    return Policy(
        revision="",
        categories=draw(st.dictionaries(category_ids, category_rules(), max_size=4)),
        on_incomplete=draw(st.sampled_from(Action)),
        masked=draw(st.frozensets(category_ids, max_size=3)),
        mask_character=draw(characters),
        term_lists=tuple(
            draw(
                st.lists(
                    st.builds(
                        TermList,
                        names,
                        st.sampled_from(TermMatch),
                        st.lists(names, max_size=3).map(tuple),
                        category_ids,
                    ),
                    max_size=2,
                )
            )
        ),
        allowed_terms=tuple(draw(st.lists(names, max_size=3))),
        blocked_domains=tuple(draw(st.lists(domains, max_size=2))),
        allowed_domains=tuple(draw(st.lists(domains, max_size=2))),
        expected_languages=draw(st.frozensets(st.sampled_from(["en", "de", "yue"]))),
        panel=draw(panels()),
        fetch_hosts=draw(st.frozensets(domains)),
        check_thresholds=CheckThresholds(*(draw(maybe_scores) for _ in range(9))),
        description=draw(texts),
        hash_banks=tuple(draw(st.lists(hash_banks(), max_size=2))),
        content_types=tuple(draw(content_types(name)) for name in type_names),
        rules=tuple(draw(st.lists(rules, max_size=3))),
        actions=known,
        review_queues=tuple(draw(st.lists(queues, max_size=2))),
        storage=StorageRules(draw(st.booleans()), *(draw(days) for _ in range(3))),
    )
