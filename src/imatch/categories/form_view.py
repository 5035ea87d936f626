"""The view model of form macros: definitions, typed values, errors, choices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from imatch.categories import checks
from imatch.categories.schemas import CategoryDefinition, FieldDefinition
from imatch.core.countries import country_names
from imatch.core.errors import FieldError


@dataclass(frozen=True, slots=True)
class FormView:
    """One form: `controls` holds what each control shows, as posted or from `form_values`."""

    definition: CategoryDefinition
    fields: Mapping[str, FieldDefinition]
    controls: Mapping[str, list[str]]
    importance: Mapping[str, str] = field(default_factory=dict)
    errors: Sequence[FieldError] = ()

    @property
    def countries(self) -> list[tuple[str, str]]:
        """Codes and names, the one that most visitors choose first."""
        named = country_names()
        return [("US", named["US"]), *((k, v) for k, v in named.items() if k != "US")]

    @property
    def days(self) -> Mapping[str, str]:
        return checks.DAYS

    @property
    def parts_of_day(self) -> Mapping[str, str]:
        return checks.PARTS_OF_DAY

    def one(self, control: str) -> str:
        return next(iter(self.controls.get(control, [])), "")

    def many(self, control: str) -> list[str]:
        return self.controls.get(control, [])

    def answered(self, name: str) -> bool:
        return any(self.controls.get(name, []))

    def error_at(self, control: str) -> str:
        """The fault of exactly this control."""
        found = (fault.message for fault in self.errors if fault.control_id == control)
        return next(found, "")

    def error_of(self, name: str) -> str:
        """The first fault of this field, whichever of its controls it is about."""
        found = (fault.message for fault in self.errors if fault.field == name)
        return next(found, "")

    def rows(self, name: str) -> range:
        """Indices of a credentials field's rows: those that hold something, and an empty one."""
        held = {
            int(control[len(name) + 1 :].split(".")[0])
            for control, texts in self.controls.items()
            if control.startswith(f"{name}.")
            and control[len(name) + 1 :].split(".")[0].isdecimal()
            and any(texts)
        }
        return range(min(max(held, default=-1) + 2, self.fields[name].max_items))
