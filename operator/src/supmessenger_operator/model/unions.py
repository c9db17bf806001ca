"""Rules of unions: one of several ways, chosen by the key that is present."""

from pydantic import ConfigDict

from supmessenger_operator.model.base import build_rule


def build_union_rules(field: str, *keys: str) -> ConfigDict:
    """Return the rules of a union: exactly one key, and the key stays on a live instance."""
    given = ", ".join(f"has(self.{key})" for key in keys)
    same = " && ".join(f"has(self.{key}) == has(oldSelf.{key})" for key in keys)
    names = ", ".join(keys[:-1]) + " and " + keys[-1]
    return ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                build_rule(f"[{given}].filter(x, x).size() == 1", f"set exactly one of {names}"),
                build_rule(
                    same,
                    f"the way {field} is provided can't change on a live instance: make a new"
                    f" SupMessenger with the {field} you want and restore a backup into it",
                ),
            ]
        }
    )


def build_choice_rules(*keys: str) -> ConfigDict:
    """Return the rule of an optional choice: at most one key."""
    given = ", ".join(f"has(self.{key})" for key in keys)
    names = ", ".join(keys[:-1]) + " and " + keys[-1]
    rule = build_rule(f"[{given}].filter(x, x).size() <= 1", f"set at most one of {names}")
    return ConfigDict(json_schema_extra={"x-kubernetes-validations": [rule]})
