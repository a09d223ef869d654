"""What docs/chat-models.md says must be so."""

import pytest
import yaml
from pydantic.fields import FieldInfo

from gaveld.adapters.reviewers.chat_model.formats import llama_guard, qwen3_guard, shield_gemma
from gaveld.bootstrap.chat_models import ChatModelSettings
from gaveld.bootstrap.settings import load_settings
from tests.unit.repo.test_docs import blocks, rows
from tests.unit.repo.tree import read

GUIDE = read("docs/chat-models.md")


def test_the_example_is_settings(monkeypatch):
    """The example can be served as it stands, once its key is there."""
    monkeypatch.setenv("LLM_API_KEY", "k")
    (example,) = blocks(GUIDE, "yaml")
    models = load_settings(overrides=yaml.safe_load(example)).panel.chat_models
    assert [model.name for model in models] == ["house-model", "guard", "hosted"]


def rendered(field: FieldInfo) -> str:
    """A default as the table writes it."""
    match field.default:
        case _ if field.is_required():
            return "required"
        case None | "" | {}:
            return "none"
        case bool() as default:
            return f"`{str(default).lower()}`"
        case float() as default:
            return f"`{default:g}`"
        case default:
            return f"`{default}`"


def test_every_setting_of_a_model_is_in_the_table():
    """The table is the settings, in their order, with their defaults."""
    table = {name: row[0] for name, row in rows(GUIDE, "field").items()}
    fields = ChatModelSettings.model_fields
    assert table == {name: rendered(field) for name, field in fields.items()}
    assert list(table) == list(fields)


@pytest.mark.parametrize("guard", [llama_guard, qwen3_guard, shield_gemma])
def test_the_labels_are_those_of_the_code(guard):
    """Each guard's table maps its labels as the code does."""
    name = guard.__name__.rpartition(".")[2]
    labels = {label.name: " ".join(label.rules) or "none" for label in guard.LABELS.values()}
    assert {label: row[0] for label, row in rows(GUIDE, f"`{name}` says").items()} == labels
