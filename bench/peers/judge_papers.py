"""What others' programs say of a published release: `npm run test:slow -- test/release/judges` runs it.

    python -m venv judges && judges/bin/pip install mlcroissant==1.1.1 model-signing==1.1.1 pyopenssl huggingface_hub \
        spdx-python-model==0.0.6
    python judge_papers.py RELEASE_DIR [PUBLIC_KEY]

Prints one JSON value: errors and warnings of MLCommons' Croissant validator, whether OpenSSF's model-signing accepts the
signature with the key, which elements SPDX's own model reads and which references it cannot resolve, and what Hugging
Face's library reads from the cards.
"""

import io
import json
import pathlib
import sys

release = pathlib.Path(sys.argv[1])
verdict = {}

import mlcroissant  # noqa: E402

issues = mlcroissant.Dataset(jsonld=str(release / "legal/croissant.json")).metadata.ctx.issues
verdict["croissant"] = {"errors": sorted(map(str, issues.errors)), "warnings": sorted(map(str, issues.warnings))}

if len(sys.argv) > 2:
    import model_signing  # noqa: E402

    hashing = model_signing.hashing.Config().set_ignored_paths(paths=[release / "model.sig"])
    config = model_signing.verifying.Config().use_elliptic_key_verifier(public_key=sys.argv[2])
    try:
        config.set_hashing_config(hashing).verify(release, release / "model.sig")
        verdict["signature"] = "accepted"
    except Exception as error:  # any refusal is the verdict
        verdict["signature"] = str(error)

from spdx_python_model import v3_0_1 as spdx  # noqa: E402

elements = spdx.SHACLObjectSet()
with open(release / "legal/bom.spdx.json", "rb") as file:
    spdx.JSONLDDeserializer().read(file, elements)
unresolved = elements.link()
# Writing checks what each class requires.
spdx.JSONLDSerializer().write(elements, io.BytesIO())
verdict["spdx"] = {
    "unresolved": sorted(map(str, unresolved)),
    "types": sorted({type(element).__name__ for element in elements.foreach()}),
}

from huggingface_hub import DatasetCard, ModelCard  # noqa: E402

card = ModelCard.load(release / "README.md")
verdict["card"] = card.data.to_dict()
verdict["results"] = [
    {"dataset": one.dataset_name, "metric": one.metric_type, "value": one.metric_value}
    for one in card.data.eval_results or []
]
verdict["datasets"] = {
    path.stem: DatasetCard.load(path).data.to_dict() for path in sorted((release / "legal/datasets").glob("*.md"))
}
print(json.dumps(verdict))
