"""template.yaml as CloudFormation would have it: transformed by SAM, its conditions decided, its references read."""

import copy
import functools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from boto3.session import Session

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
# What has no default has to be said.
SAID = {"RelayLogGroup1": "/mail/relay"}
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/postroad/1a2b3c4d-0000-4000-8000-000000000000",
    "AWS::StackName": "postroad",
    "AWS::URLSuffix": "amazonaws.com",
}
_NOTHING = object()


@functools.cache
def source() -> dict[str, Any]:
    """The template as it is written."""
    from samtranslator.yaml_helper import yaml_parse

    parsed: dict[str, Any] = yaml_parse(TEMPLATE.read_text())
    return parsed


def transformed(parameters: Mapping[str, str] = SAID) -> dict[str, Any]:
    """The template after SAM's transform; code is said to be in a bucket, as after `sam package`."""
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    template = copy.deepcopy(source())
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        for code in {"CodeUri", "ContentUri"} & properties.keys():
            properties[code] = f"s3://code/{properties[code].strip('/')}.zip"
    # No managed policy is used, so none has to be known.
    translator = Translator({}, Parser(), boto_session=Session(region_name=PSEUDO["AWS::Region"]))
    changed: dict[str, Any] = translator.translate(template, dict(parameters))
    return changed


class Stack(NamedTuple):
    """What would be made: resources by name, those left out whose condition does not hold.

    A reference to a resource is its name here, an attribute `Name.Attribute`.
    """

    resources: dict[str, dict[str, Any]]
    outputs: dict[str, Any]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of all resources of one type, `AWS::SQS::Queue`."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }


def stack(**parameters: str) -> Stack:
    """The stack that these parameters make; the rest keep their defaults."""
    said = SAID | parameters
    template = transformed(said)
    defaults = {name: str(of.get("Default", "")) for name, of in template["Parameters"].items()}
    reader = _Reader(PSEUDO | defaults | said, template["Resources"].keys(), template.get("Conditions", {}))
    kept = {
        name: reader.read(resource)
        for name, resource in template["Resources"].items()
        if reader.holds(resource.get("Condition"))
    }
    outputs = {
        name: reader.read(output["Value"])
        for name, output in template["Outputs"].items()
        if reader.holds(output.get("Condition"))
    }
    return Stack(kept, outputs)


class _Reader:
    def __init__(self, names: Mapping[str, str], resources: Any, conditions: Mapping[str, Any]) -> None:  # noqa: ANN401
        self.names = names
        self.resources = frozenset(resources)
        self.conditions = conditions
        self.functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": lambda of: of if isinstance(of, str) else ".".join(of),
            "Fn::Sub": self._sub,
            "Fn::If": lambda of: self.read(of[1] if self.holds(of[0]) else of[2]),
            "Fn::Equals": lambda of: self.read(of[0]) == self.read(of[1]),
            "Fn::Not": lambda of: not self.read(of[0]),
            "Fn::Select": lambda of: self.read(of[1])[int(of[0])],
            "Fn::Split": lambda of: self.read(of[1]).split(of[0]),
            "Fn::Join": lambda of: of[0].join(map(str, self.read(of[1]))),
        }

    def holds(self, condition: str | None) -> bool:
        return condition is None or bool(self.read(self.conditions[condition]))

    def read(self, value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, dict):
            [*keys] = value
            if len(keys) == 1 and keys[0] in self.functions:
                return self.functions[keys[0]](value[keys[0]])
            read = {key: self.read(of) for key, of in value.items()}
            return {key: of for key, of in read.items() if of is not _NOTHING}
        if isinstance(value, list):
            return [of for of in map(self.read, value) if of is not _NOTHING]
        return value

    def _ref(self, name: str) -> Any:  # noqa: ANN401
        if name == "AWS::NoValue":
            return _NOTHING
        if name in self.resources:
            return name
        return self.names[name]

    def _sub(self, of: Any) -> str:  # noqa: ANN401
        text, local = of if isinstance(of, list) else (of, {})
        local = self.read(local)

        def said(found: re.Match[str]) -> str:
            name = found[1]
            if name in local:
                return str(local[name])
            if "." in name and name.partition(".")[0] in self.resources:
                return name
            return str(self._ref(name))

        return re.sub(r"\$\{([^!}][^}]*)\}", said, text)
