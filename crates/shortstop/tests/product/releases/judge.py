"""Judges a CycloneDX document by the standard's own strict schema, and reads it as a library does."""

import json
import sys

from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

text = sys.stdin.read()
fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
if fault is not None:
    print(json.dumps({"fault": repr(fault)}))
    sys.exit()
bom = Bom.from_json(json.loads(text))
bom.validate()
print(json.dumps({
    "fault": None,
    "serial": str(bom.serial_number),
    "components": len(bom.components),
    "purls": sorted(str(part.purl) for part in bom.components if part.purl),
}))
