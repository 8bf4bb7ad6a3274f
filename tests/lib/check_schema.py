#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_schema.py SCHEMAS PATH...: the schemas in folder SCHEMAS (KIND.json) are valid, and so are all documents of
our kinds under each PATH. With --invalid, every document must be refused instead. Patches are not documents."""
import json
import pathlib
import sys

import jsonschema
import yaml


def documents(path):
    files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
    for file in files:
        if file.name.endswith(".patch.yaml"):
            continue
        for document in yaml.load_all(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
            if isinstance(document, dict) and str(document.get("apiVersion", "")).startswith("hvgpu.dev/"):
                yield file, document


def main(arguments):
    want_invalid = "--invalid" in arguments
    arguments = [a for a in arguments if a != "--invalid"]
    validators = {}
    for file in sorted(pathlib.Path(arguments[0]).glob("*.json")):
        schema = json.loads(file.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        validators[file.stem] = jsonschema.Draft202012Validator(schema)
    wrong = checked = 0
    for argument in arguments[1:]:
        for file, document in documents(pathlib.Path(argument)):
            checked += 1
            errors = list(validators[document["kind"]].iter_errors(document))
            if bool(errors) != want_invalid:
                wrong += 1
                where = [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in errors[:5]]
                print(f"{file}: {where or 'accepted: ' + json.dumps(document)}")
    print(f"{len(validators)} schemas, {checked} documents, {wrong} wrong")
    return 1 if wrong or not validators or not checked else 0


sys.exit(main(sys.argv[1:]))
