"""What is judged of typed and untyped content, and under which path."""

from hypothesis import given
from hypothesis import strategies as st

from gaveld.domain.media import MediaReference
from gaveld.domain.typed_content import (
    ContentType,
    FieldDefinition,
    FieldType,
    Leaf,
    MediaValue,
    Url,
    judged_leaves,
)

PICTURE = MediaValue(FieldType.IMAGE, MediaReference("https://a.example/p.png"))
LINK = Url("https://a.example/")


def a(kind: FieldType, name: str = "", **more) -> FieldDefinition:
    return FieldDefinition(name, kind, **more)


POST = ContentType(
    "Post",
    (
        a(FieldType.STRING, "title"),
        a(FieldType.STRING, "slug", exempt=True),
        a(FieldType.INT, "age"),
        a(FieldType.URL, "link"),
        a(
            FieldType.LIST,
            "comments",
            item=a(
                FieldType.OBJECT,
                fields=(
                    a(FieldType.STRING, "body"),
                    a(FieldType.IMAGE, "picture"),
                    a(FieldType.STRING, "lang", exempt=True),
                ),
            ),
        ),
        a(FieldType.OBJECT, "draft", exempt=True, fields=(a(FieldType.STRING, "body"),)),
        a(FieldType.LIST, "labels", item=a(FieldType.STRING, exempt=True)),
    ),
)
FIELDS = {
    "labels": ("x",),
    "draft": {"body": "not judged"},
    "comments": (
        {"body": "one", "picture": PICTURE, "lang": "en"},
        {"body": "two"},
    ),
    "age": 3,
    "link": LINK,
    "slug": "a-b",
    "title": "Hello",
}


def test_the_leaves_of_typed_content_come_in_the_types_order():
    """Law: every text, link and file that is not exempt is judged, under its path."""
    assert list(judged_leaves(FIELDS, POST)) == [
        Leaf("title", "Hello"),
        Leaf("link", LINK),
        Leaf("comments[0].body", "one"),
        Leaf("comments[0].picture", PICTURE),
        Leaf("comments[1].body", "two"),
    ]


def test_of_untyped_content_everything_is_judged():
    """Law: without a type nothing is exempt."""
    assert [leaf.path for leaf in judged_leaves(FIELDS)] == [
        "comments[0].body",
        "comments[0].lang",
        "comments[0].picture",
        "comments[1].body",
        "draft.body",
        "labels[0]",
        "link",
        "slug",
        "title",
    ]


fields = st.recursive(
    st.text(max_size=3) | st.integers() | st.booleans() | st.just(LINK) | st.just(PICTURE),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3)
    ),
    max_leaves=12,
)


def count(value) -> int:
    if isinstance(value, str | Url | MediaValue):
        return 1
    if isinstance(value, dict):
        return sum(map(count, value.values()))
    return sum(map(count, value)) if isinstance(value, tuple) else 0


@given(st.dictionaries(st.text("abc", min_size=1, max_size=2), fields, max_size=4))
def test_nothing_is_left_out_and_nothing_comes_twice(content):
    """Law: of untyped content each text, link and file is judged once, under a path of its own."""
    leaves = list(judged_leaves(content))
    assert len(leaves) == count(content)
    assert len({leaf.path for leaf in leaves}) == len(leaves)
