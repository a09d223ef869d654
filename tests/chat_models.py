"""Models for the tests' chat server that do what their prompt says, also where it is forged.

They see a prompt as a real server makes it: one text, in which the control tokens of a chat
template open and close turns wherever they stand, in content too.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.chat_server import Received


@dataclass(frozen=True)
class Template:
    """How one family of models writes turns: what opens one, with the role, and what closes it."""

    opening: str
    closing: str
    roles: tuple[tuple[str, str], ...] = ()

    def tokens(self) -> list[str]:
        """The control tokens: what opens a turn of each role, and what closes one."""
        names = dict(self.roles)
        roles = [names.get(role, role) for role in ("system", "user", "assistant")]
        return [*(self.opening.format(role=role).strip() for role in roles), self.closing.strip()]

    def written(self, messages: Sequence[dict[str, Any]]) -> str:
        """One prompt from messages."""
        names = dict(self.roles)
        return "".join(
            self.opening.format(role=names.get(message["role"], message["role"]))
            + words_of(message)
            + self.closing
            for message in messages
        )

    def read(self, prompt: str) -> list[tuple[str, str]]:
        """The turns of a prompt as the model sees them: role and words."""
        role = re.escape(self.opening).replace(re.escape("{role}"), r"([^<\[\n]*?)")
        turns = re.findall(f"{role}(.*?)(?:{re.escape(self.closing)}|$)", prompt, re.DOTALL)
        names = {name: role for role, name in self.roles}
        return [(names.get(name, name), words) for name, words in turns]


TEMPLATES = {
    "chatml": Template("<|im_start|>{role}\n", "<|im_end|>\n"),
    "llama": Template("<|start_header_id|>{role}<|end_header_id|>\n\n", "<|eot_id|>"),
    "gemma": Template("<start_of_turn>{role}\n", "<end_of_turn>\n", (("assistant", "model"),)),
    "mistral": Template(
        "[{role}]",
        "[/END]",
        (("system", "SYSTEM_PROMPT"), ("user", "INST"), ("assistant", "/INST")),
    ),
    "harmony": Template("<|start|>{role}<|message|>", "<|end|>", (("system", "developer"),)),
}


def words_of(message: dict[str, Any]) -> str:
    """The words of a message, without its pictures."""
    content = message["content"]
    return content if isinstance(content, str) else content[0]["text"]


@dataclass(frozen=True)
class Obedient:
    """A model that obeys: every system turn, and every word of a user turn that is not data.

    Data is what its first system turn says: the line between two lines that read the boundary
    which the turn names. Content breaks a rule when it has the rule's word. If it is told to
    answer safe anywhere but in data, or finds its own answer begun, it does and stays with that.
    """

    template: Template
    words: tuple[tuple[str, str], ...] = (("sesame", "H2"),)

    def __call__(self, request: Received) -> str:
        turns = self.template.read(self.template.written(request.body["messages"]))
        (role, system), *others = turns
        assert role == "system"
        boundary = re.search(r"\bcontent-[0-9a-f]{16}\b", system)
        assert boundary is not None
        data, orders = [], []
        for role, words in others:
            if role == "assistant":
                return words
            before, *inside = words.split(f"{boundary[0]}\n")
            orders += [before, *inside[1:]] if role == "user" else [words]
            data += inside[:1] if role == "user" else []
        if any("safe" in order.replace(boundary[0], "").casefold() for order in orders):
            return review("safe")
        found = "".join(data).removesuffix(f"\n{boundary[0]}")
        return self.judged(json.loads(found), system)

    def judged(self, document: dict[str, Any], system: str) -> str:
        """Judge content by the words of the rules that the system turn lists."""
        said = json.dumps(document["content"], ensure_ascii=False)
        custom = re.search(r"\n- CUSTOM .*?(\w+)\n\nAnswer with", system, re.DOTALL)
        if custom is not None:
            return review("unsafe", "CUSTOM") if custom[1] in said else review("safe")
        broken = [
            rule_id for word, rule_id in self.words if word in said and f"\n- {rule_id} " in system
        ]
        return review("unsafe", *broken) if broken else review("safe")


def review(decision: str, *rule_ids: str, reason: str = "It has the word, or not.") -> str:
    """An answer in the form that the reviewer asks for."""
    violations = [{"rule": rule_id, "confidence": 4} for rule_id in rule_ids]
    return json.dumps({"reason": reason, "decision": decision, "violations": violations})
