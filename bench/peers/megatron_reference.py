"""Two-way check of Megatron-LM checkpoints with PyTorch, as data for test/reference/megatron.test.ts.

    python bench/peers/megatron_reference.py make test/reference/tiny-apertus-hf test/reference/tiny-apertus-megatron
    npx firn export test/reference/tiny-apertus-hf --to megatron --out /tmp/ours
    python bench/peers/megatron_reference.py judge test/reference/tiny-apertus-megatron /tmp/ours

`make` puts the model of a Hugging Face folder into Megatron's form as swiss-ai/Megatron-LM's converters do (fused rows by
the index lists of tools/checkpoint/saver_swissai_hf.py) and lets torch.save write it as a training run would. `judge`
lets torch.load read a checkpoint that Firn wrote, compares every tensor and argument, and records the SHA-256.

Needs torch, safetensors, transformers (made with torch 2.15.0). Megatron-LM itself needs a GPU and is not run.
"""
import argparse
import hashlib
import json
import pathlib
import sys
from collections import OrderedDict

import torch
from transformers import AutoModelForCausalLM

MULTIPLE = 128


def pad(weight: torch.Tensor) -> torch.Tensor:
    rows = -weight.shape[0] % MULTIPLE
    return torch.cat([weight, weight.new_zeros(rows, weight.shape[1])])


def make(folder: str, out: str) -> None:
    hf = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    config, state = hf.config, hf.state_dict()
    groups, dim = config.num_key_value_heads, config.hidden_size // config.num_attention_heads
    per_group = config.num_attention_heads // groups
    total = config.num_attention_heads + 2 * groups
    q_slice = torch.cat([torch.arange((per_group + 2) * i, (per_group + 2) * i + per_group) for i in range(groups)])
    k_slice = torch.arange(per_group, total, per_group + 2)
    v_slice = torch.arange(per_group + 1, total, per_group + 2)
    model = OrderedDict()
    model["embedding.word_embeddings.weight"] = pad(state["model.embed_tokens.weight"])
    for layer in range(config.num_hidden_layers):
        theirs, ours = f"model.layers.{layer}.", f"decoder.layers.{layer}."
        fused = torch.empty(total, dim, config.hidden_size, dtype=torch.bfloat16)
        for part, rows in (("q", q_slice), ("k", k_slice), ("v", v_slice)):
            fused[rows] = state[f"{theirs}self_attn.{part}_proj.weight"].reshape(len(rows), dim, config.hidden_size)
        model[f"{ours}self_attention.linear_qkv.weight"] = fused.reshape(-1, config.hidden_size)
        model[f"{ours}self_attention.linear_qkv._extra_state"] = None
        for name, key in {
            "input_layernorm.weight": "attention_layernorm.weight",
            "self_attention.linear_proj.weight": "self_attn.o_proj.weight",
            "self_attention.q_layernorm.weight": "self_attn.q_norm.weight",
            "self_attention.k_layernorm.weight": "self_attn.k_norm.weight",
            "pre_mlp_layernorm.weight": "feedforward_layernorm.weight",
            "mlp.linear_fc1.weight": "mlp.up_proj.weight",
            "mlp.linear_fc2.weight": "mlp.down_proj.weight",
            "mlp.activation_func.alpha_p": "mlp.act_fn.alpha_p",
            "mlp.activation_func.alpha_n": "mlp.act_fn.alpha_n",
        }.items():
            model[ours + name] = torch.nn.Parameter(state[theirs + key].clone()) if "alpha" in name else state[theirs + key]
    model["decoder.final_layernorm.weight"] = state["model.norm.weight"]
    model["output_layer.weight"] = pad(state["lm_head.weight"])
    args = argparse.Namespace(
        num_layers=config.num_hidden_layers, hidden_size=config.hidden_size, ffn_hidden_size=config.intermediate_size,
        num_attention_heads=config.num_attention_heads, num_query_groups=groups, kv_channels=dim,
        max_position_embeddings=config.max_position_embeddings, rotary_base=500, use_rope_scaling=True,
        rope_scaling_factor=8.0, norm_epsilon=config.rms_norm_eps, init_method_std=0.02, vocab_size=config.vocab_size,
        padded_vocab_size=MULTIPLE, xielu=True, qk_layernorm=True, normalization="RMSNorm", bf16=True, fp16=False,
        untie_embeddings_and_output_weights=True, add_bias_linear=False, data_path=["a", "b"], lr=1.1e-4,
    )
    path = pathlib.Path(out, "iter_0000007", "mp_rank_00", "model_optim_rng.pt")
    path.parent.mkdir(parents=True)
    torch.save({"args": args, "checkpoint_version": 3.0, "iteration": 7, "model": model}, path)
    pathlib.Path(out, "latest_checkpointed_iteration.txt").write_text("7")


def load(path: pathlib.Path) -> dict:
    return torch.load(path, map_location="cpu", weights_only=False)


def judge(reference: str, ours: str) -> None:
    theirs = load(pathlib.Path(reference, "iter_0000007/mp_rank_00/model_optim_rng.pt"))
    path = pathlib.Path(ours, "release/mp_rank_00/model_optim_rng.pt")
    written = load(path)
    load_mapped = torch.load(path, mmap=True, weights_only=False)
    expected = {name: tensor for name, tensor in theirs["model"].items() if not name.endswith("_extra_state")}
    assert expected.keys() == written["model"].keys()
    for name, tensor in expected.items():
        assert torch.equal(tensor, written["model"][name]), name
        assert torch.equal(tensor, load_mapped["model"][name]), name
    wrong = [key for key, value in vars(theirs["args"]).items()
             if key not in ("data_path", "lr") and getattr(written["args"], key) != value]
    assert wrong == [], wrong
    assert written["checkpoint_version"] == 3.0
    judged = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "torch": torch.__version__}
    pathlib.Path(reference, "judged.json").write_text(json.dumps(judged, indent=2) + "\n")
    print(f"{len(expected)} tensors and {len(vars(written['args']))} arguments equal")


if __name__ == "__main__":
    {"make": make, "judge": judge}[sys.argv[1]](*sys.argv[2:])
