"""Writes test/reference/tiny-apertus.safetensors: a tiny random Apertus with the logits and gradients that Hugging
Face transformers computes for it in float32, as an independent reference for the decoder.

    python bench/peers/apertus_reference.py test/reference/tiny-apertus.safetensors

Needs torch, transformers >= 4.56, safetensors. The file holds `weight.*`, `gradient.*` (of the mean cross-entropy of
predicting ids[1:]), `ids` and `logits`; its metadata holds config.json and the versions used.
"""
import json
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import ApertusConfig, ApertusForCausalLM

CONFIG = dict(
    vocab_size=48, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, hidden_act="xielu", max_position_embeddings=256, rms_norm_eps=1e-5,
    initializer_range=0.02, bos_token_id=1, eos_token_id=2, pad_token_id=3, tie_word_embeddings=False,
    attention_bias=False, mlp_bias=False, qk_norm=True, post_norm=False,
)
ROPE = dict(
    rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64,
)
THETA = 500.0
TOKENS = 40


def main(path: str) -> None:
    torch.manual_seed(28)
    config = ApertusConfig(**CONFIG, rope_parameters={**ROPE, "rope_theta": THETA}, attn_implementation="eager")
    model = ApertusForCausalLM(config).to(torch.float32)
    for name, parameter in model.named_parameters():
        if "norm" in name:
            torch.nn.init.normal_(parameter, mean=1.0, std=0.2)
        elif "act_fn" in name:
            torch.nn.init.normal_(parameter, mean=0.0, std=0.5)
        else:
            torch.nn.init.normal_(parameter, mean=0.0, std=1.0 if "embed" in name else parameter.shape[-1] ** -0.5)
    # The constants of the activation are stored in bfloat16 by default; the reference uses their exact values.
    for layer in model.model.layers:
        layer.mlp.act_fn.beta = torch.tensor(0.5)
        layer.mlp.act_fn.eps = torch.tensor(-1e-6)
    ids = torch.randint(0, config.vocab_size, (1, TOKENS))
    ids[0, 0] = config.bos_token_id
    logits = model(ids).logits
    loss = torch.nn.functional.cross_entropy(logits[0, :-1], ids[0, 1:])
    loss.backward()
    tensors = {"ids": ids[0], "logits": logits[0].detach()}
    for name, parameter in model.named_parameters():
        tensors[f"weight.{name}"] = parameter.detach().clone()
        tensors[f"gradient.{name}"] = parameter.grad
    hf_config = {
        "architectures": ["ApertusForCausalLM"], "model_type": "apertus", **CONFIG,
        "rope_theta": THETA, "rope_scaling": ROPE,
    }
    metadata = {
        "format": "pt", "config": json.dumps(hf_config), "loss": repr(loss.item()),
        "torch": torch.__version__, "transformers": transformers.__version__,
    }
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata)
    print(f"{path}: loss {loss.item():.6f}, {len(tensors)} tensors")


if __name__ == "__main__":
    main(sys.argv[1])
