"""The package that the network comes in: which bytes are taken, and how they are read."""

import base64
import io
import json
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.adapters.image.nsfw_model import package
from gaveld.adapters.image.nsfw_model.package import PackageError, javascript_value

HEAD = (
    '!function(t){"object"==typeof exports&&(module.exports=t())}(function(){return i}({1:[fn(){e.'
)
TAIL = "},{}]},{},[1])(1)});"


def module(exported: str) -> str:
    return f"{HEAD}exports={exported}{TAIL}"


def archive(**files: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


PLAIN = st.recursive(
    st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(-1e6, 1e6).map(lambda value: round(value, 6))
    | st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Z")), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.from_regex("[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True), inner, max_size=3
        )
    ),
    max_leaves=12,
)


def minified(value: object) -> str:
    """A value as a minifier writes it."""
    match value:
        case bool():
            return "!0" if value else "!1"
        case dict():
            return "{" + ",".join(f"{key}:{minified(entry)}" for key, entry in value.items()) + "}"
        case list():
            return "[" + ",".join(map(minified, value)) + "]"
        case float() if abs(value) < 1:
            return repr(value).replace("0.", ".", 1) if "e" not in repr(value) else repr(value)
        case _:
            return json.dumps(value)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b_1", "Type"]), PLAIN, max_size=3))
def test_what_a_minifier_writes_is_read_back(value):
    """Law: keys, booleans, numbers and strings, with anything in them, are what they were."""
    assert javascript_value(module(minified(value))) == value


@pytest.mark.parametrize(
    "exported", ["", "{a:f()}", "{a:1", "{a:0x10}", "{a:NaN}x", "{a:`t`}", "{...a}", "{a:b}"]
)
def test_code_is_no_value(exported):
    """Law: what would have to be run is refused."""
    with pytest.raises(ValueError):
        javascript_value(module(exported))


def test_other_bytes_are_refused():
    """Law: the pinned package or nothing, and the message gives both hashes."""
    with pytest.raises(PackageError, match=package.SHA256) as refusal:
        package.prove(b"something else")
    assert "SHA-256" in str(refusal.value)


def test_the_parts_are_found():
    """Law: graph, weights in the manifest's order, and the licence come out of the archive."""
    folder = "package/dist/models/mobilenet_v2_mid"
    model = {
        "modelTopology": {"node": [{"name": "n", "op": "Const"}]},
        "weightsManifest": [{"paths": ["s1", "s2"], "weights": [{"name": "w"}]}],
    }
    shards = {
        f"{folder}/{name}.min.js": module(json.dumps(base64.b64encode(raw).decode()))
        for name, raw in (("s2", b"later"), ("s1", b"first, "))
    }
    files = {f"{folder}/model.min.js": module(minified(model)), "package/LICENSE": "MIT, that is"}
    source = package.read(archive(**shards, **files))
    assert source.nodes == model["modelTopology"]["node"]
    assert source.weights_manifest == model["weightsManifest"]
    assert source.weights == b"first, later"
    assert source.license_text == "MIT, that is"


@pytest.mark.parametrize(
    "content",
    [b"", b"not an archive", archive(), archive(other="x")],
    ids=["nothing", "no archive", "empty", "others alone"],  # archives hold the time
)
def test_an_archive_without_them_is_refused(content):
    """Law: a broken download is one clear error."""
    with pytest.raises(PackageError, match="can't be read"):
        package.read(content)
