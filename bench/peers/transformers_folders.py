"""Two-way check of Hugging Face folders with transformers, as data for test/reference/hf-folders.test.ts.

    python bench/peers/transformers_folders.py make test/reference/tiny-apertus-hf
    npx firn export test/reference/tiny-apertus-hf --to hf --shard-size 20KB --out /tmp/ours
    python bench/peers/transformers_folders.py judge test/reference/tiny-apertus-hf /tmp/ours

`make` lets transformers write a tiny random Apertus as bfloat16 in several shards, and puts the float32 logits of a few
tokens beside it. `judge` loads a folder that Firn wrote, compares weights and logits with the one that transformers
wrote, and records the SHA-256 of its files: the test holds today's export against them.

Needs torch and transformers (made with torch 2.15.0, transformers 5.24.0).
"""
import hashlib
import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import ApertusConfig, AutoModelForCausalLM

TOKENS = 24


def config() -> ApertusConfig:
    return ApertusConfig(
        vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, initializer_range=0.02, bos_token_id=1,
        eos_token_id=[2, 3], pad_token_id=0, attn_implementation="eager",
        rope_parameters=dict(rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0,
                             high_freq_factor=4.0, original_max_position_embeddings=64),
    )


def logits_of(folder: str, ids: torch.Tensor) -> torch.Tensor:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    # In float32 the activation's constants are those of the definition, not their bfloat16 roundings.
    for layer in model.model.layers:
        layer.mlp.act_fn.beta = torch.tensor(0.5)
        layer.mlp.act_fn.eps = torch.tensor(-1e-6)
    with torch.no_grad():
        return model(ids).logits[0].contiguous()


def make(folder: str) -> None:
    torch.manual_seed(29)
    model = AutoModelForCausalLM.from_config(config()).to(torch.float32)
    for name, parameter in model.named_parameters():
        if "norm" in name:
            torch.nn.init.normal_(parameter, mean=1.0, std=0.2)
        elif "act_fn" in name:
            torch.nn.init.normal_(parameter, mean=0.0, std=0.5)
        else:
            torch.nn.init.normal_(parameter, mean=0.0, std=1.0 if "embed" in name else parameter.shape[-1] ** -0.5)
    model.to(torch.bfloat16).save_pretrained(folder, max_shard_size="20KB")
    ids = torch.randint(4, 64, (1, TOKENS))
    ids[0, 0] = 1
    save_file({"ids": ids[0], "logits": logits_of(folder, ids)}, f"{folder}/reference.safetensors",
              {"torch": torch.__version__, "transformers": transformers.__version__})
    print(*sorted(path.name for path in pathlib.Path(folder).iterdir()))


def judge(folder: str, ours: str) -> None:
    from safetensors.torch import load_file

    reference = load_file(f"{folder}/reference.safetensors")
    difference = (logits_of(ours, reference["ids"][None]) - reference["logits"]).abs().max().item()
    theirs, written = (AutoModelForCausalLM.from_pretrained(path, dtype=torch.bfloat16).state_dict()
                       for path in (folder, ours))
    assert theirs.keys() == written.keys()
    for name, tensor in theirs.items():
        assert torch.equal(tensor, written[name]), name
    assert difference == 0, difference
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(pathlib.Path(ours).iterdir())}
    judged = {"files": files, "largestLogitDifference": difference,
              "torch": torch.__version__, "transformers": transformers.__version__}
    pathlib.Path(folder, "judged.json").write_text(json.dumps(judged, indent=2) + "\n")
    print(f"{len(theirs)} tensors equal, largest difference of a logit {difference}")


if __name__ == "__main__":
    {"make": make, "judge": judge}[sys.argv[1]](*sys.argv[2:])
