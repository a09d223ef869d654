"""English inflections, as far as the curated terms need them."""

from typing import Final

_VOWELS: Final = "aeiou"
_SIBILANTS: Final = ("s", "x", "z", "ch", "sh")


def inflected(word: str, codes: str) -> list[str]:
    """Return the word and the forms that the codes ask for.

    ``n`` plural; ``v`` -s, -ed, -ing, and ``V`` the same with the last letter doubled; ``r`` -er
    and -ers, and ``R`` the same doubled. Raises ``ValueError`` for any other code.
    """
    forms = [word]
    for code in codes:
        forms.extend(_forms(word, code))
    return list(dict.fromkeys(forms))


def _forms(word: str, code: str) -> list[str]:
    stem = word + word[-1] if code in "VR" else word.removesuffix("e")
    match code:
        case "n":
            return [plural(word)]
        case "v" | "V":
            return [plural(word), f"{stem}ed", f"{stem}ing"]
        case "r" | "R":
            return [f"{stem}er", f"{stem}ers"]
        case _:
            raise ValueError(f"unknown inflection {code!r}")


def plural(word: str) -> str:
    """Return the plural, which is also the third person of a verb."""
    if word.endswith("y") and word[-2] not in _VOWELS:
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(_SIBILANTS) else f"{word}s"
