"""A field that is not known: its name is the client's text, and may be a prompt put in the wrong place."""

from difflib import get_close_matches

from pydantic import BaseModel

from producer_api.errors import RefusedRequest, invalid

# A misspelling, and no other word.
_NEAR = 0.75
# Comparing takes the product of both lengths.
_LONGEST = 64


def unknown_field(name: str, model: type[BaseModel], *, hint: str = "") -> RefusedRequest:
    """A 400 that names the field of `model` that may be meant, and never the one that was sent."""
    nearest = get_close_matches(name, model.model_fields, n=1, cutoff=_NEAR) if len(name) <= _LONGEST else []
    meant = f": did you mean `{nearest[0]}`?" if nearest else "."
    return invalid(f"The request has a field that is not known{meant}{hint}", param=None, code="unknown_parameter")
