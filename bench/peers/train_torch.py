"""The training step of `npm run bench -- train` in PyTorch on the CPU, for comparison: same shapes, tokens, loss, clipping, AdEMAMix.

    pip install torch
    python bench/peers/train_torch.py '{"vocabSize": 8192, …}' eager-fp32 10

Prints one JSON object: tokens per second (median and best), steps, peak resident bytes, versions.
Written the way PyTorch likes it: scaled_dot_product_attention with is_causal (its fastest CPU path; documents are not masked from
each other, which is less work than ours), foreach operators in the optimizer, cross_entropy over the whole batch.
"""

import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

case = json.loads(sys.argv[1])
mode = sys.argv[2]
seconds = float(sys.argv[3])
torch.manual_seed(0)
torch.set_num_threads(case["threads"])
D, L, H, K, HD, FF, V = (case[k] for k in ("hiddenSize", "layers", "heads", "kvHeads", "headDim", "ffnSize", "vocabSize"))
BATCH, LENGTH, MICRO = case["batch"], case["length"], case["torchMicroBatch"]


class Xielu(nn.Module):
    def __init__(self):
        super().__init__()
        self.alpha_p = nn.Parameter(torch.tensor([0.2036]))
        self.alpha_n = nn.Parameter(torch.tensor([-1.0502]))

    def forward(self, x):
        p = F.softplus(self.alpha_p)
        n = 0.5 + F.softplus(self.alpha_n)
        return torch.where(x > 0, p * x * x + 0.5 * x, (torch.expm1(torch.clamp(x, max=0.0)) - x) * n + 0.5 * x)


def rotate(x, cos, sin):
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.RMSNorm(D, eps=1e-5), nn.RMSNorm(D, eps=1e-5)
        self.q_norm, self.k_norm = nn.RMSNorm(HD, eps=1e-5), nn.RMSNorm(HD, eps=1e-5)
        self.qkv = nn.Linear(D, (H + 2 * K) * HD, bias=False)
        self.out = nn.Linear(H * HD, D, bias=False)
        self.up, self.down = nn.Linear(D, FF, bias=False), nn.Linear(FF, D, bias=False)
        self.act = Xielu()

    def forward(self, x, cos, sin):
        b, t, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).split((H * HD, K * HD, K * HD), dim=-1)
        q = rotate(self.q_norm(q.view(b, t, H, HD)).transpose(1, 2), cos, sin)
        k = rotate(self.k_norm(k.view(b, t, K, HD)).transpose(1, 2), cos, sin)
        v = v.view(b, t, K, HD).transpose(1, 2)
        k, v = (s.repeat_interleave(H // K, dim=1) for s in (k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, H * HD))
        return x + self.down(self.act(self.up(self.norm2(x))))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(V, D)
        self.blocks = nn.ModuleList(Block() for _ in range(L))
        self.norm = nn.RMSNorm(D, eps=1e-5)
        self.head = nn.Linear(D, V, bias=False)
        for p in self.parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.02)
        angle = torch.outer(torch.arange(LENGTH).float(), 10000.0 ** (-torch.arange(0, HD, 2).float() / HD))
        self.register_buffer("cos", angle.cos())
        self.register_buffer("sin", angle.sin())

    def forward(self, ids, labels):
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        return F.cross_entropy(self.head(self.norm(x)).flatten(0, 1).float(), labels.flatten())


model = Decoder()
parameters = list(model.parameters())
decayed = [p for p in parameters if p.dim() == 2]
fast, slow, variance = ([torch.zeros_like(p) for p in parameters] for _ in range(3))
compute, precision = mode.split("-")
forward = torch.compile(model) if compute == "compile" else model


@torch.no_grad()
def ademamix(step, lr=1e-3, b1=0.9, b2=0.999, b3=0.9999, alpha=8.0, eps=1e-8, decay=0.1):
    grads = [p.grad for p in parameters]
    torch._foreach_lerp_(fast, grads, 1 - b1)
    torch._foreach_lerp_(slow, grads, 1 - b3)
    torch._foreach_mul_(variance, b2)
    torch._foreach_addcmul_(variance, grads, grads, 1 - b2)
    numerator = torch._foreach_div(fast, 1 - b1**step)
    torch._foreach_add_(numerator, slow, alpha=alpha)
    denominator = torch._foreach_sqrt(variance)
    torch._foreach_div_(denominator, (1 - b2**step) ** 0.5)
    torch._foreach_add_(denominator, eps)
    torch._foreach_mul_(decayed, 1 - lr * decay)
    torch._foreach_addcdiv_(parameters, numerator, denominator, value=-lr)


def one_step(step):
    ids = torch.randint(V, (BATCH, LENGTH + 1))
    for p in parameters:
        p.grad = None
    for part in ids.split(MICRO):
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = forward(part[:, :-1], part[:, 1:]) * (MICRO / BATCH)
        loss.backward()
    nn.utils.clip_grad_norm_(parameters, 0.1)
    ademamix(step)


times = []
step = 0
end = float("inf")
while len(times) < 4 or time.perf_counter() < end:
    step += 1
    start = time.perf_counter()
    one_step(step)
    # The first steps compile, and pay for memory that the later ones use again.
    if step > 2:
        times.append(time.perf_counter() - start)
    elif step == 2:
        end = time.perf_counter() + seconds
times.sort()
print(
    json.dumps(
        {
            "tokensPerSecond": BATCH * LENGTH / times[len(times) // 2],
            "best": BATCH * LENGTH / times[0],
            "steps": len(times),
            "peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "version": torch.__version__,
        }
    )
)
